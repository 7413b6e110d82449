// The ports: sockets that listen, and which of the clients that come are let in. Network thread only.
//
// They are in the PollSet, under names that no connection has. Where Prosody needs the descriptors that are
// left, clients are refused.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "admission/admission.h"
#include "admission/remote_address.h"
#include "loop/file_descriptor.h"
#include "loop/poll_set.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/net/access.h"
#include "pubsub_mqtt/net/network.h"
#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::net {

// One that was let in.
struct Client {
  FileDescriptor socket;  // does not block
  RemoteAddress from;
  Admission::Place place;
  std::shared_ptr<const TlsContexts> tls;  // nullptr: it speaks without TLS
};

class Listeners {
 public:
  using OnClient = std::function<void(Client&& client)>;

  // The references outlive this.
  Listeners(const Limits& limits, const std::shared_ptr<const Access>& access, PollSet& poll_set,
            std::vector<LogLine>& log, OnClient on_client);

  void listen(ListenerId id, FileDescriptor socket, std::shared_ptr<const TlsContexts> tls);
  void set_tls(ListenerId id, std::shared_ptr<const TlsContexts> tls);
  void close(ListenerId id);
  void close_all();

  // Whether the PollSet means a listener by this name.
  static bool is_listener(std::uint64_t name);

  // Clients have come to the listener of this name: calls `on_client` for those that are let in, of a limited
  // number at a time.
  void accept(std::uint64_t name, Time now);

  // A proxy that was let in says who its client is. nullopt: that one is not.
  std::optional<Admission::Place> admit_client(const RemoteAddress& from, Time now) {
    return admission_.admit_client(from, now);
  }

  void expire(Time now) { admission_.expire(now); }
  const Arrivals& arrivals() const { return admission_.arrivals(); }

 private:
  struct Listener {
    FileDescriptor socket;
    std::shared_ptr<const TlsContexts> tls;
  };
  void admit(const Listener& listener, FileDescriptor socket, const RemoteAddress& from, Time now);
  void refuse_one(const Listener& listener);
  void warn_of_descriptors();

  const std::shared_ptr<const Access>& access_;
  PollSet& poll_set_;
  std::vector<LogLine>& log_;
  OnClient on_client_;
  Admission admission_;
  std::unordered_map<ListenerId, Listener> listeners_;
  FileDescriptor spare_;  // given up for a moment to refuse a client when there is no other
  int last_descriptor_;
  bool warned_of_descriptors_ = false;
};

}  // namespace pubsub_mqtt::net
