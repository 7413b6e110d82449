// What the network thread asks of Prosody's thread: plain values, in the order in which they were received.
//
// Topics, filters and payloads are copies of what the client sent, checked by the packet reader (UTF-8,
// syntax) and by nobody else yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pubsub_mqtt/certificate_names.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/secret.h"

namespace pubsub_mqtt {

// Never used twice in the life of a core, so a late answer can never meet another session.
using SessionId = std::uint64_t;

// Likewise for a connection, where an answer is for that connection only.
using ConnectionId = std::uint64_t;

// A client wants to act as an account. Answered by LoginReply; until then it asks for nothing else.
struct LoginRequest {
  ConnectionId connection = 0;
  std::string client;      // address and client identifier, printable, for log lines
  std::string address;     // session::Peer::address
  std::string party = {};  // session::Peer::party
  bool is_loopback = false;
  bool is_encrypted = false;
  std::optional<std::string> user_name;
  std::optional<Secret> password;
  CertificateNames certificate;
};

// A session is about to ask for something, for the first time, or from a new connection. One that asks for
// nothing is unknown to Prosody's thread and costs it nothing.
struct OpenSession {
  SessionId session = 0;
  std::string client;        // address and client identifier, printable, for log lines
  std::string account = {};  // bare JID; empty: without login
};

// Answered by SubscribeReply. Retained messages follow for each filter that was granted, a few at a time: see
// RetainedMessages.
struct SubscribeRequest {
  struct Filter {
    std::string topic_filter;
    mqtt::QoS qos = mqtt::QoS::at_most_once;
  };
  SessionId session = 0;
  ConnectionId connection = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::vector<Filter> filters;
  std::size_t bytes = 0;  // what the request keeps in memory, for the account of what is under way
};

// Answered by UnsubscribeReply.
struct UnsubscribeRequest {
  SessionId session = 0;
  ConnectionId connection = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::vector<std::string> topic_filters;
  std::size_t bytes = 0;
};

// Answered by PublishReply.
struct PublishRequest {
  SessionId session = 0;
  ConnectionId connection = 0;
  std::string topic;
  std::string payload;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;
  bool will = false;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::size_t node_key = 0;  // the network thread's name for the node; goes back with the reply
};

// The session has a will, which a later PublishRequest may ask to publish. One that can never be is warned of
// now.
struct AnnounceWill {
  SessionId session = 0;
  std::string topic;
  std::string payload;
  bool retain = false;
};

// The session has sent on what RetainedMessages brought and takes more.
struct RetainedRequest {
  SessionId session = 0;
};

// The session, which was opened, is over: its filters go. What it asked before is carried out first.
struct CloseSession {
  SessionId session = 0;
};

enum class LogLevel : std::uint8_t { debug, info, warn, error };

// For Prosody's log. Printable text.
struct LogLine {
  LogLevel level = LogLevel::debug;
  std::string text;
};

using Request = std::variant<LoginRequest, OpenSession, SubscribeRequest, UnsubscribeRequest, PublishRequest,
                             AnnounceWill, RetainedRequest, CloseSession, LogLine>;

}  // namespace pubsub_mqtt
