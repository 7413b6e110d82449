#include "routing/direct_item.h"

#include <pugixml.hpp>
#include <variant>

#include "pubsub_mqtt/payload/prepare.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/payload/xml_text.h"

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

// For the store, and those who receive another form than the one published.
bool translate(topic::Type published, std::string_view payload, const payload::AtomEntry& atom,
               const Audience& audience, bool is_stored, const Limits& limits, DirectItem& into) {
  ItemPublished& item = into.published;
  const auto element =
      payload::to_element(published, payload, atom, limits.max_xml_elements, item.envelope.content_type());
  if (std::holds_alternative<payload::Refused>(element)) return false;
  const pugi::xml_node root = std::get<pugi::xml_document>(element).document_element();
  // What was made of anything else is of its own TYPE.
  if (published == topic::Type::xml) item.natural_type = payload::natural_type(root);
  for_each_received(audience, item, [&](topic::Form form) {
    const auto wanted = concrete(form.type, item.natural_type);
    if (wanted != published) item.payloads[form.index()] = payload::to_mqtt(wanted, root);
  });
  if (is_stored) into.element = payload::serialize(root);
  return into.element.size() <= payload::max_element_size(limits.max_item_size);
}

}  // namespace

std::optional<DirectItem> direct_item(const Route& route, topic::Type type, const mqtt::Publish& publish,
                                      const Envelope& envelope, const payload::AtomEntry& atom,
                                      const Audience& audience, const Limits& limits) {
  const topic::Type published = type == topic::Type::any ? payload::type_of_any(publish.payload) : type;
  const bool is_stored = route.items() != 0;
  DirectItem direct{.published = {.node = route.node(),
                                  .natural_type = published,
                                  .payloads = {},
                                  .published_as = published,
                                  .envelope = envelope}};
  ItemPublished& item = direct.published;
  if (published != topic::Type::xml && !is_stored && !is_received_as_xml(audience, published)) {
    if (type != topic::Type::any && payload::check_text(type, publish.payload)) return std::nullopt;
  } else if (!translate(published, publish.payload, atom, audience, is_stored, limits, direct)) {
    return std::nullopt;
  }
  // MQTT to MQTT is exact to the byte.
  for_each_received(audience, item, [&](topic::Form form) {
    if (concrete(form.type, item.natural_type) == published)
      item.payloads[form.index()].emplace(publish.payload);
  });
  return direct;
}

}  // namespace pubsub_mqtt::session
