// The first byte chooses the TYPE, the rest is the payload of a PUBLISH: it is refused, or a subscriber of
// the same TYPE gets it back, and those of others get what the element is to them.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "check_tree.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace {

using namespace pubsub_mqtt::payload;

void check_subscribers(const pugi::xml_node& element) {
  const auto [natural, natural_text] = natural_payload(element);
  require(natural_type(element) == natural, "the natural TYPE is that of the natural payload");
  require(natural_text.has_value() == (natural != Type::xml), "all but xml have a natural payload");
  for (std::size_t i = 0; i < pubsub_mqtt::topic::type_count; ++i) {
    const auto type = static_cast<Type>(i);
    const auto payload = to_mqtt(type, element);
    require(payload.has_value() == (type == natural || type == Type::xml || type == Type::any),
            "the natural TYPE, xml and any have a payload");
    if (payload && concrete(type, natural) != Type::binary)
      require(is_xml_text(*payload), "a payload other than binary is XML text");
    if (concrete(type, natural) == natural && natural_text)
      require(payload == natural_text, "the natural payload is that of its TYPE");
  }
}

// Read from the XML text that `element` is written as.
std::optional<std::string> after_xml(Type type, const pugi::xml_node& element) {
  const auto again = parse_element(serialize(element));
  return to_mqtt(type, std::get<pugi::xml_document>(again).document_element());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto asked = static_cast<Type>(data[0] % pubsub_mqtt::topic::type_count);
  const std::vector<char> bytes(data + 1, data + size);
  const std::string_view payload(bytes.data(), bytes.size());
  const auto type = asked == Type::any ? type_of_any(payload) : asked;

  const auto result = to_element(asked, payload, {.id = "urn:uuid:1", .author = "a", .updated = 1795350896});
  const auto* document = std::get_if<pugi::xml_document>(&result);
  if (document == nullptr) {
    require(!std::get<Refused>(result).reason.empty(), "a refusal has a reason");
    return 0;
  }
  require(type == Type::binary || is_xml_text(payload), "of text, only XML text is accepted");
  check_tree(*document);
  const pugi::xml_node element = document->document_element();
  check_subscribers(element);
  if (type == Type::xml) {
    require(to_mqtt(type, element) == serialize(element), "xml is the element");
  } else {
    require(natural_type(element) == type, "the natural TYPE is the one published to");
    require(to_mqtt(type, element) == payload, "the payload comes back");
    require(after_xml(type, element) == payload, "the payload survives XML");
  }
  return 0;
}
