// A message on its way from whoever published it to whoever receives it: the value that requests, deliveries,
// sessions and retained messages hold. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt {

// Who published: a client's account and client identifier as a number, the same in each of its sessions. 0: no MQTT
// client.
using PublisherId = std::uint64_t;

// What pubsub does not carry, and the gateway hands on beside it (docs/mapping.md, "Publish"). What a later
// version of MQTT says of a message (its properties) belongs here.
struct Envelope {
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;  // as published
  PublisherId publisher = 0;

  bool operator==(const Envelope&) const = default;
};

struct Publication {
  std::string
      topic;  // HOST/TYPE/NODE; a topic name by the rules of MQTT, and not more, where a client sent it
  std::string payload;  // any bytes
  Envelope envelope = {};

  // What the publication counts towards limits.
  std::size_t size() const { return topic.size() + payload.size(); }
};

}  // namespace pubsub_mqtt
