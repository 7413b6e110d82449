#include "routing/direct_item.h"

#include <pugixml.hpp>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::session {
namespace {

// Calls `visit` with each TYPE that somebody receives of the item.
template <typename Visit>
void for_each_received(const Audience& audience, const ItemPublished& item, Visit&& visit) {
  for (std::size_t i = 0; i < topic::type_count; ++i) {
    const auto type = static_cast<topic::Type>(i);
    if (audience.is_received(type, item.natural_type)) visit(type);
  }
}

// For those who receive another form than the one published.
bool translate(topic::Type published, std::string_view payload, const Audience& audience,
               std::size_t max_xml_elements, ItemPublished& item) {
  const auto element = payload::to_element(published, payload, {}, max_xml_elements);
  if (std::holds_alternative<payload::Refused>(element)) return false;
  const pugi::xml_node root = std::get<pugi::xml_document>(element).document_element();
  // What was made of anything else is of its own TYPE.
  if (published == topic::Type::xml) item.natural_type = payload::natural_type(root);
  for_each_received(audience, item, [&](topic::Type type) {
    const auto wanted = concrete(type, item.natural_type);
    if (wanted != published) item.payloads[topic::Form(type).index()] = payload::to_mqtt(wanted, root);
  });
  return true;
}

}  // namespace

std::optional<ItemPublished> direct_item(NodeId node, topic::Type type, const mqtt::Publish& publish,
                                         const Envelope& envelope, const Audience& audience,
                                         std::size_t max_xml_elements) {
  const topic::Type published = type == topic::Type::any ? payload::type_of_any(publish.payload) : type;
  ItemPublished item{.node = node,
                     .natural_type = published,
                     .payloads = {},
                     .published_as = published,
                     .envelope = envelope};
  if (published != topic::Type::xml && !audience.is_received(topic::Type::xml, published)) {
    if (type != topic::Type::any && payload::check_text(type, publish.payload)) return std::nullopt;
  } else if (published == topic::Type::atom_title ||
             !translate(published, publish.payload, audience, max_xml_elements, item)) {
    return std::nullopt;
  }
  // MQTT to MQTT is exact to the byte.
  for_each_received(audience, item, [&](topic::Type each) {
    if (concrete(each, item.natural_type) == published)
      item.payloads[topic::Form(each).index()].emplace(publish.payload);
  });
  return item;
}

}  // namespace pubsub_mqtt::session
