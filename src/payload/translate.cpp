#include "pubsub_mqtt/payload/translate.h"

#include <utility>

#include "atom.h"
#include "json.h"
#include "pubsub_mqtt/payload/binary.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "tree.h"

namespace pubsub_mqtt::payload {
namespace {

constexpr std::string_view xmlns_json = "urn:xmpp:json:0";
constexpr std::string_view xmlns_data = "https://prosody.im/protocol/mqtt";
constexpr std::string_view xmlns_data_old = "https://prosody.im/protocol/data";

pugi::xml_document text_element(const char* name, std::string_view xmlns, std::string_view text) {
  pugi::xml_document document;
  append_text(append_element(document.root(), name, xmlns), text);
  return document;
}

// The row of docs/mapping.md whose element this is by name; what is inside may still not match.
Type type_by_name(const pugi::xml_node& element) {
  if (is_element(element, "json", xmlns_json)) return Type::json;
  if (is_element(element, "data", xmlns_data)) return Type::utf8;
  if (is_element(element, "data", xmlns_data_old)) return Type::utf8;
  if (is_element(element, "entry", xmlns_atom)) return Type::atom_title;
  if (is_bits_of_binary(element)) return Type::binary;
  return Type::xml;
}

std::optional<std::string> read(Type type, const pugi::xml_node& element) {
  switch (type) {
    case Type::json:
    case Type::utf8:
      return only_text(element);
    case Type::atom_title:
      return atom_title(element);
    case Type::binary:
      return bytes_of(element);
    case Type::xml:
    case Type::any:
      break;
  }
  return serialize(element);
}

}  // namespace

Type type_of_any(std::string_view mqtt_payload) {
  if (!is_xml_text(mqtt_payload)) return Type::binary;
  return is_json_structure(mqtt_payload) ? Type::json : Type::utf8;
}

std::optional<Refused> check_text(Type type, std::string_view mqtt_payload) {
  if (type == Type::binary || type == Type::any) return std::nullopt;
  if (!is_xml_text(mqtt_payload)) {
    return Refused{"the payload is not UTF-8, or holds a character that XML 1.0 cannot carry"};
  }
  if (type == Type::json && !is_json(mqtt_payload)) return Refused{"the payload is not one valid JSON value"};
  return std::nullopt;
}

std::variant<pugi::xml_document, Refused> to_element(Type type, std::string_view mqtt_payload,
                                                     const AtomEntry& atom, std::size_t max_xml_elements,
                                                     std::string_view content_type) {
  if (type == Type::any) type = type_of_any(mqtt_payload);
  if (type == Type::binary)
    return bits_of_binary(content_id(mqtt_payload), media_type(content_type), base64(mqtt_payload));
  if (type == Type::xml) return parse_element(mqtt_payload, max_xml_elements);
  if (const auto refused = check_text(type, mqtt_payload)) return *refused;
  if (type == Type::atom_title) return atom_entry(mqtt_payload, atom);
  if (type == Type::utf8) return text_element("data", xmlns_data, mqtt_payload);
  return text_element("json", xmlns_json, mqtt_payload);
}

NaturalPayload natural_payload(const pugi::xml_node& element) {
  const Type type = type_by_name(element);
  if (type == Type::xml) return {};
  auto payload = to_mqtt(type, element);
  if (!payload) return {};
  return {.type = type, .payload = std::move(payload)};
}

Type natural_type(const pugi::xml_node& element) { return natural_payload(element).type; }

std::optional<std::string> to_mqtt(Type type, const pugi::xml_node& element) {
  if (type == Type::any) {
    auto natural = natural_payload(element);
    return natural.payload ? std::move(natural.payload) : to_mqtt(Type::xml, element);
  }
  if (type != Type::xml && type != type_by_name(element)) return std::nullopt;
  auto payload = read(type, element);
  if (!payload || (type != Type::binary && !is_xml_text(*payload))) return std::nullopt;
  // An XMPP client may publish anything as JSON; who subscribed to JSON gets JSON.
  if (type == Type::json && !is_json(*payload)) return std::nullopt;
  return payload;
}

}  // namespace pubsub_mqtt::payload
