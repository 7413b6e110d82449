// The TYPE level of a topic (docs/mapping.md, "TYPE"). Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pubsub_mqtt::payload {

enum class Type : std::uint8_t { json, utf8, atom_title, xml };
inline constexpr std::size_t type_count = 4;

// "json", "utf8", "atom_title", "xml": the TYPE level of a topic.
std::string_view name(Type type);
std::optional<Type> type_from_name(std::string_view name);

}  // namespace pubsub_mqtt::payload
