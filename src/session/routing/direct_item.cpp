#include "routing/direct_item.h"

#include <pugixml.hpp>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::session {
namespace {

// For those who receive another TYPE than the one published.
bool translate(topic::Type published, std::string_view payload, const Audience& audience,
               std::size_t max_xml_elements, ItemPublished& item) {
  const auto element = payload::to_element(published, payload, {}, max_xml_elements);
  if (std::holds_alternative<payload::Refused>(element)) return false;
  const pugi::xml_node root = std::get<pugi::xml_document>(element).document_element();
  // What was made of text is of its own TYPE.
  if (published == topic::Type::xml) item.natural_type = payload::natural_type(root);
  for (std::size_t i = 0; i < topic::type_count; ++i) {
    const auto type = static_cast<topic::Type>(i);
    if (type != published && audience.is_received(type, item.natural_type)) {
      item.payloads[i] = payload::to_mqtt(type, root);
    }
  }
  return true;
}

}  // namespace

std::optional<ItemPublished> direct_item(NodeId node, topic::Type type, const mqtt::Publish& publish,
                                         const Envelope& envelope, const Audience& audience,
                                         std::size_t max_xml_elements) {
  ItemPublished item{
      .node = node, .natural_type = type, .payloads = {}, .published_as = type, .envelope = envelope};
  if (type != topic::Type::xml && !audience.is_received(topic::Type::xml, type)) {
    if (payload::check_text(type, publish.payload)) return std::nullopt;
  } else if (type == topic::Type::atom_title ||
             !translate(type, publish.payload, audience, max_xml_elements, item)) {
    return std::nullopt;
  }
  // MQTT to MQTT is exact to the byte.
  if (audience.is_received(type, item.natural_type)) {
    item.payloads[static_cast<std::size_t>(type)].emplace(publish.payload);
  }
  return item;
}

}  // namespace pubsub_mqtt::session
