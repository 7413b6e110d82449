#include "trees.h"

#include <gtest/gtest.h>

#include <utility>

#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {

Result element_of(Type type, std::string_view mqtt_payload) {
  return to_element(type, mqtt_payload, {.id = "urn:uuid:1", .author = "anonymous", .updated = 1795350896});
}

std::string as_text(const Result& result) {
  if (const auto* refused = std::get_if<Refused>(&result)) return "refused: " + std::string(refused->reason);
  return serialize(std::get<pugi::xml_document>(result).document_element());
}

std::optional<std::string> carried(Type from, Type to, std::string_view mqtt_payload) {
  const Result result = element_of(from, mqtt_payload);
  const auto* document = std::get_if<pugi::xml_document>(&result);
  if (document == nullptr) {
    ADD_FAILURE() << as_text(result);
    return std::nullopt;
  }
  return to_mqtt(to, document->document_element());
}

std::optional<std::string> carried_from_xmpp(Type to, std::string_view element) {
  return to_mqtt(to, tree_of(element).document_element());
}

pugi::xml_document tree_of(std::string_view element) {
  Result result = parse_element(element);
  if (auto* document = std::get_if<pugi::xml_document>(&result)) return std::move(*document);
  ADD_FAILURE() << as_text(result) << ": " << element;
  return {};
}

std::string utf8(char32_t code_point) {
  const auto tail = [code_point](unsigned shift) {
    return static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
  };
  const auto lead = [code_point](unsigned mark, unsigned shift) {
    return static_cast<char>(mark | (code_point >> shift));
  };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {lead(0xC0, 6), tail(0)};
  if (code_point < 0x10000) return {lead(0xE0, 12), tail(6), tail(0)};
  return {lead(0xF0, 18), tail(12), tail(6), tail(0)};
}

}  // namespace pubsub_mqtt::payload
