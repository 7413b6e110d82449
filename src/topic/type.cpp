#include "pubsub_mqtt/topic/type.h"

#include <array>

namespace pubsub_mqtt::topic {
namespace {

// In the order of Type.
constexpr std::array<std::string_view, type_count> names{"json", "utf8",   "atom_title",
                                                         "xml",  "binary", "any"};

}  // namespace

std::string_view name(Type type) { return names[static_cast<std::size_t>(type)]; }

std::optional<Type> type_from_name(std::string_view name) {
  for (std::size_t i = 0; i < type_count; ++i) {
    if (names[i] == name) return static_cast<Type>(i);
  }
  return std::nullopt;
}

}  // namespace pubsub_mqtt::topic
