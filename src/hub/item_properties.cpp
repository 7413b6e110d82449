#include "item_properties.h"

#include <utility>

#include "pubsub_mqtt/mqtt/properties.h"
#include "pubsub_mqtt/payload/binary.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::hub {
namespace {

constexpr std::size_t max_string_size = 65535;  // MQTT 5.0, 1.5.4

void add(std::string_view name, std::string_view value, std::string& encoded) {
  if (value.empty() || value.size() > max_string_size || !payload::is_xml_text(value)) return;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::user_property,
                .value = mqtt::UserProperty{.name = name, .value = value}},
               encoded);
}

void add_content_type(std::string_view media_type, std::string& encoded) {
  if (media_type.empty() || media_type.size() > max_string_size) return;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::content_type, .value = media_type}, encoded);
}

}  // namespace

std::shared_ptr<const std::string> item_properties(std::string_view id, std::string_view publisher,
                                                   topic::Type type, const pugi::xml_node& element) {
  std::string encoded;
  if (type == topic::Type::binary) add_content_type(payload::media_type_of(element), encoded);
  add("id", id, encoded);
  add("publisher", publisher, encoded);
  return encoded.empty() ? nullptr : std::make_shared<const std::string>(std::move(encoded));
}

}  // namespace pubsub_mqtt::hub
