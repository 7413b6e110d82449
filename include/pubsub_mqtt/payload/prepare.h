// What is found out of a payload, and made of it, before pubsub is given an item: what takes milliseconds for a large
// one, and all of XEP-0231 (docs/mapping.md, "TYPE"). Any thread; prepare() is for the network thread, since Prosody's
// serves XMPP meanwhile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::payload {

// No text of that many bytes makes an item of more than Limits::max_item_size, whatever the bytes are.
std::size_t certain_payload_size(std::size_t max_item_size);
// Of the payload element of an item of Limits::max_item_size, as XML.
std::size_t max_element_size(std::size_t max_item_size);

struct Prepared {
  // A string literal, why to_element() would refuse the payload; empty: nobody knows.
  std::string_view refusal = {};
  // In whose form the payload is: of Type::any, what type_of_any() says.
  topic::Type type = topic::Type::utf8;
  // Of an item that is Bits of Binary: one of Type::binary, or one that stands in for a payload whose own would be
  // larger than XMPP streams take. Else empty.
  std::string content_id = {};
  std::string media_type = {};             // likewise
  std::optional<std::string> base64 = {};  // what that item holds; nullopt: it stands in
};

// `content_type`: what MQTT 5.0 says of the payload; empty: nothing. A payload that is small, and of another TYPE than
// binary and any, is not looked at.
Prepared prepare(topic::Type type, std::string_view payload, std::string_view content_type,
                 const Limits& limits);

}  // namespace pubsub_mqtt::payload
