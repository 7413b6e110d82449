// A message on its way from whoever published it to whoever receives it: the value that requests, deliveries,
// sessions and retained messages hold. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/mqtt/properties.h"

namespace pubsub_mqtt {

// Who published: a client's account and client identifier as a number, the same in each of its sessions. 0: no MQTT
// client.
using PublisherId = std::uint64_t;

// What pubsub does not carry, and the gateway hands on beside it (docs/mapping.md, "Publish").
struct Envelope {
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;  // as published
  PublisherId publisher = 0;
  SessionId session = 0;  // of the publisher; it may be over. 0: no MQTT client
  // What MQTT 5.0 says of the message and a server hands on unaltered, encoded (mqtt::forwarded); nullptr: nothing.
  std::shared_ptr<const std::string> properties = nullptr;
  // Who has not been sent the message by then does not get it (MQTT 5.0, 3.3.2.3.3); Time::max(): it does not expire;
  // `at_once`: it is for those to whom it can be sent as soon as it is there.
  static constexpr Time at_once{0};
  Time expires_at = Time::max();

  // The media type that MQTT 5.0 says of the payload (Content Type, any text); empty: none.
  std::string_view content_type() const {
    if (properties == nullptr) return {};
    return mqtt::Properties(*properties).bytes(mqtt::PropertyIdentifier::content_type).value_or("");
  }

  bool operator==(const Envelope&) const = default;
};

struct Publication {
  std::string
      topic;  // HOST/TYPE/NODE; a topic name by the rules of MQTT, and not more, where a client sent it
  std::string payload;  // any bytes
  Envelope envelope = {};

  // What the publication counts towards limits: properties may be as large as a payload.
  std::size_t size() const {
    return topic.size() + payload.size() + (envelope.properties ? envelope.properties->size() : 0);
  }
};

}  // namespace pubsub_mqtt
