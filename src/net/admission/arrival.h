// Who the client of a new connection is, as far as is known: whoever has connected, until a proxy has said for whom,
// or a WebSocket has said where it comes from. The streams of the connection share it until the client has spoken
// MQTT. Network thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "admission/admission.h"
#include "admission/remote_address.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/net/access.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::net {

// What a connection did not know of its client before.
struct Introduction {
  session::Peer peer;
  std::optional<Admission::Place> place;  // in the client's own name, where a proxy has connected
};

class Arrival {
 public:
  // Whether there is a place for the client, and that place.
  using Admit = std::function<std::optional<Admission::Place>(const RemoteAddress&)>;

  Arrival(const RemoteAddress& from, bool is_encrypted, Time at, std::shared_ptr<const Access> access,
          Admit admit)
      : from_(from),
        is_encrypted_(is_encrypted),
        at_(at),
        access_(std::move(access)),
        admit_(std::move(admit)) {}

  const RemoteAddress& from() const { return from_; }
  Time at() const { return at_; }
  const Access& access() const { return *access_; }

  // A proxy says so. False: the client is not let in.
  bool set_client(const RemoteAddress& client) {
    place_ = admit_(client);
    from_ = client;
    has_news_ = true;
    return place_.has_value();
  }
  // By whoever the client speaks to, us or a proxy.
  void set_encrypted(bool is_encrypted) {
    is_encrypted_ = is_encrypted;
    has_news_ = true;
  }
  void set_websocket(session::WebSocketOrigin origin) {
    origin_ = origin;
    has_news_ = true;
  }

  // What has been said since this was called before; nullopt: nothing.
  std::optional<Introduction> take_news() {
    if (!std::exchange(has_news_, false)) return std::nullopt;
    session::Peer peer = from_.peer(is_encrypted_);
    peer.websocket = origin_;
    return Introduction{.peer = std::move(peer), .place = std::exchange(place_, std::nullopt)};
  }

 private:
  RemoteAddress from_;
  bool is_encrypted_;
  Time at_;
  std::shared_ptr<const Access> access_;
  Admit admit_;
  session::WebSocketOrigin origin_ = session::WebSocketOrigin::none;
  std::optional<Admission::Place> place_;
  bool has_news_ = false;
};

}  // namespace pubsub_mqtt::net
