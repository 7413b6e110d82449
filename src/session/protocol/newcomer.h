// What is known of a client until its session has it. Network thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/certificate_names.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/peer.h"
#include "record/client_limits.h"

namespace pubsub_mqtt::session {

// What CONNECT said, kept while the client logs in: a packet's own views do not last. Without the password, which
// the LoginRequest has.
struct PendingConnect {
  explicit PendingConnect(const mqtt::Connect& packet);
  ~PendingConnect() = default;
  PendingConnect(const PendingConnect&) = delete;
  PendingConnect& operator=(const PendingConnect&) = delete;

  std::string client_identifier;
  std::string properties;
  std::string will_topic;
  std::string will_payload;
  std::string will_properties;
  mqtt::Connect connect;  // borrows from the above
};

struct Newcomer {
  explicit Newcomer(Peer from);

  Peer peer;
  std::string name;  // for log lines, with what CONNECT has said
  CertificateNames certificate;
  std::string assigned_identifier;             // empty: the client has one of its own
  std::string server_name;                     // which the client has named with TLS; empty: none
  std::unique_ptr<const ClientLimits> limits;  // as CONNECT has said; nullptr before, and of 3.1 and 3.1.1
  std::unique_ptr<PendingConnect> logging_in;  // until the LoginReply, or the last AuthReply
  std::optional<Time> clock_stopped_at;        // it is not read from since
};

}  // namespace pubsub_mqtt::session
