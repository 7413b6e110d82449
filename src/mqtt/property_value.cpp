#include "property_value.h"

#include <cstdint>

namespace pubsub_mqtt::mqtt {

PropertyValue read_value(Fields& fields, PropertyType type) {
  switch (type) {
    case PropertyType::flag:
      return std::uint32_t{fields.byte()};
    case PropertyType::two_byte_integer:
      return std::uint32_t{fields.two_byte_integer()};
    case PropertyType::four_byte_integer:
      return fields.four_byte_integer();
    case PropertyType::variable_byte_integer:
      return fields.variable_byte_integer();
    case PropertyType::utf8_string:
      return fields.utf8_string();
    case PropertyType::binary_data:
      return fields.binary();
    case PropertyType::utf8_string_pair: {
      const auto name = fields.utf8_string();
      return UserProperty{.name = name, .value = fields.utf8_string()};
    }
  }
  return {};
}

}  // namespace pubsub_mqtt::mqtt
