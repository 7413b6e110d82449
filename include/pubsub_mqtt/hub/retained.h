// A node's retained message, and what it looks like to each TYPE (docs/mapping.md, "Retained messages").
// Values; any thread.
#pragma once

#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::hub {

// Of the item `current`, where its publisher is no MQTT client.
inline Envelope retained_item(std::shared_ptr<const std::string> properties = nullptr) {
  return {.qos = mqtt::QoS::exactly_once, .retain = true, .properties = std::move(properties)};
}

struct Retained {
  topic::Type type = topic::Type::json;          // in whose form the payload is: never Type::any
  topic::Type natural_type = topic::Type::json;  // of its element
  std::string payload;                           // byte for byte
  std::string element;                           // what pubsub's item has, as XML, for the other TYPEs
  bool is_large = false;                         // the item stands in for a payload that is too large for it
  Envelope envelope = {};

  // The MQTT payload for a subscriber of `wanted`; nullopt where the element is of another TYPE.
  std::optional<std::string> view(topic::Type wanted) const;
  // The properties of that: in another form than the one that was published, those about the form are left out.
  std::shared_ptr<const std::string> properties(topic::Type wanted) const;
};

// The payload of an item that was too large for pubsub, in another form than that of `type`, in which it was published;
// nullopt where the item is none of that TYPE.
std::optional<std::string> large_view(topic::Type type, std::string_view payload, const Envelope& envelope,
                                      topic::Type wanted);

// From an item whose publisher was not an MQTT client; `natural` is what natural_payload() says of its element.
// Returns nullopt where it has no MQTT payload.
std::optional<Retained> retained_from_item(const pugi::xml_node& element,
                                           const payload::NaturalPayload& natural,
                                           std::shared_ptr<const std::string> properties);

// From its copy in the store; nullopt where that is damaged.
std::optional<Retained> restored(topic::Type type, std::string_view payload, std::string_view element,
                                 mqtt::QoS qos, bool is_large);

}  // namespace pubsub_mqtt::hub
