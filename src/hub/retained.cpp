#include "pubsub_mqtt/hub/retained.h"

#include <utility>
#include <variant>

#include "pubsub_mqtt/mqtt/properties.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::hub {

std::optional<std::string> Retained::view(topic::Type topic_type) const {
  const topic::Type wanted = concrete(topic_type, natural_type);
  if (wanted == type) return payload;
  if (is_large) return large_view(type, payload, envelope, wanted);
  if (wanted != natural_type && wanted != topic::Type::xml) return std::nullopt;
  const auto parsed = payload::parse_element(element);
  const auto* document = std::get_if<pugi::xml_document>(&parsed);
  if (document == nullptr) return std::nullopt;
  return payload::to_mqtt(wanted, document->document_element());
}

std::shared_ptr<const std::string> Retained::properties(topic::Type wanted) const {
  if (concrete(wanted, natural_type) == type || envelope.properties == nullptr) return envelope.properties;
  return std::make_shared<const std::string>(mqtt::forwarded(mqtt::Properties(*envelope.properties), false));
}

// Seldom: whoever reads a large payload mostly asks for what was published.
std::optional<std::string> large_view(topic::Type type, std::string_view payload, const Envelope& envelope,
                                      topic::Type wanted) {
  if (wanted != topic::Type::xml) return std::nullopt;
  const auto element = payload::to_element(type, payload, {.id = "", .author = "anonymous"},
                                           Limits{}.max_xml_elements, envelope.content_type());
  const auto* document = std::get_if<pugi::xml_document>(&element);
  if (document == nullptr) return std::nullopt;
  return payload::to_mqtt(wanted, document->document_element());
}

std::optional<Retained> retained_from_item(const pugi::xml_node& element,
                                           const payload::NaturalPayload& natural,
                                           std::shared_ptr<const std::string> properties) {
  auto text = natural.payload ? natural.payload : payload::to_mqtt(natural.type, element);
  if (!text || text->empty()) return std::nullopt;  // [MQTT-3.3.1-11]
  // An item counts as QoS 2: the subscriber's own decides.
  return Retained{.type = natural.type,
                  .natural_type = natural.type,
                  .payload = std::move(*text),
                  .element = payload::serialize(element),
                  .envelope = retained_item(std::move(properties))};
}

std::optional<Retained> restored(topic::Type type, std::string_view payload, std::string_view element,
                                 mqtt::QoS qos, bool is_large) {
  const auto parsed = payload::parse_element(element);
  const auto* document = std::get_if<pugi::xml_document>(&parsed);
  if (document == nullptr) return std::nullopt;
  return Retained{.type = type,
                  .natural_type = is_large ? type : payload::natural_type(document->document_element()),
                  .payload = std::string(payload),
                  .element = std::string(element),
                  .is_large = is_large,
                  .envelope = {.qos = qos, .retain = true}};
}

}  // namespace pubsub_mqtt::hub
