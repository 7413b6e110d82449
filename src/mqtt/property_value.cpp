#include "property_value.h"

#include <cstdint>
#include <variant>

#include "wire_values.h"

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

void put_value(PropertyType type, const PropertyValue& value, std::string& out) {
  const auto integer = [&] { return std::get<std::uint32_t>(value); };
  switch (type) {
    case PropertyType::flag:
      return put_byte(integer(), out);
    case PropertyType::two_byte_integer:
      return put_two_byte_integer(integer(), out);
    case PropertyType::four_byte_integer:
      return put_four_byte_integer(integer(), out);
    case PropertyType::variable_byte_integer:
      return put_variable_byte_integer(integer(), out);
    case PropertyType::utf8_string:
    case PropertyType::binary_data:
      return put_string(std::get<std::string_view>(value), out);
    case PropertyType::utf8_string_pair: {
      const auto& [name, text] = std::get<UserProperty>(value);
      put_string(name, out);
      return put_string(text, out);
    }
  }
}

}  // namespace pubsub_mqtt::mqtt
