#include "routing/direct_item.h"

#include <pugixml.hpp>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::session {
namespace {

// Calls `visit` with each form that somebody receives of the item.
template <typename Visit>
void for_each_received(const Audience& audience, const ItemPublished& item, Visit&& visit) {
  topic::for_each_form(audience.mounted(), [&](topic::Form form) {
    if (audience.is_received(form, item.natural_type)) visit(form);
  });
}

bool is_received_as_xml(const Audience& audience, topic::Type natural_type) {
  const auto mounted = audience.mounted();
  return audience.is_received(topic::Type::xml, natural_type) ||
         (mounted && mounted->type == topic::Type::xml && audience.is_received(*mounted, natural_type));
}

// For those who receive another form than the one published.
bool translate(topic::Type published, std::string_view payload, const Audience& audience,
               std::size_t max_xml_elements, ItemPublished& item) {
  const auto element =
      payload::to_element(published, payload, {}, max_xml_elements, item.envelope.content_type());
  if (std::holds_alternative<payload::Refused>(element)) return false;
  const pugi::xml_node root = std::get<pugi::xml_document>(element).document_element();
  // What was made of anything else is of its own TYPE.
  if (published == topic::Type::xml) item.natural_type = payload::natural_type(root);
  for_each_received(audience, item, [&](topic::Form form) {
    const auto wanted = concrete(form.type, item.natural_type);
    if (wanted != published) item.payloads[form.index()] = payload::to_mqtt(wanted, root);
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
  if (published != topic::Type::xml && !is_received_as_xml(audience, published)) {
    if (type != topic::Type::any && payload::check_text(type, publish.payload)) return std::nullopt;
  } else if (published == topic::Type::atom_title ||
             !translate(published, publish.payload, audience, max_xml_elements, item)) {
    return std::nullopt;
  }
  // MQTT to MQTT is exact to the byte.
  for_each_received(audience, item, [&](topic::Form form) {
    if (concrete(form.type, item.natural_type) == published)
      item.payloads[form.index()].emplace(publish.payload);
  });
  return item;
}

}  // namespace pubsub_mqtt::session
