// Payloads whose items would be larger than XMPP streams take (docs/mapping.md, "TYPE"): pubsub gets an item without
// the content, in the form of XEP-0231 (Bits of Binary), and MQTT gets the payload whole. Any thread; examine() is
// for the network thread, since it takes milliseconds for a large payload.
#pragma once

#include <cstddef>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::payload {

// No text of that many bytes makes an item of more than Limits::max_item_size, whatever the bytes are.
std::size_t certain_payload_size(std::size_t max_item_size);
// The same for a payload of any TYPE: XML that names its namespaces seldom becomes larger, since pubsub's form of the
// element names them often.
std::size_t certain_payload_size(topic::Type type, std::size_t max_item_size);

struct Examined {
  std::string_view
      refusal;             // a string literal, why to_element() would refuse the payload; empty: it would not
  std::string content_id;  // of a payload whose item would be too large; else empty
};
Examined examine(topic::Type type, std::string_view payload, const Limits& limits);

// What pubsub gets for a payload with this content_id: <data xmlns='urn:xmpp:bob' cid='...' type='...'/>.
pugi::xml_document stand_in(topic::Type type, std::string_view content_id);

}  // namespace pubsub_mqtt::payload
