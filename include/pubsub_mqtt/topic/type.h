// The TYPE level of a topic: which form of a node's items the topic means (docs/mapping.md, "TYPE"). What each
// TYPE does with payloads is in the room `payload`. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pubsub_mqtt::topic {

enum class Type : std::uint8_t { json, utf8, atom_title, xml };
inline constexpr std::size_t type_count = 4;

// "json", "utf8", "atom_title", "xml"
std::string_view name(Type type);

// Returns nullopt for a level that is none of these names.
std::optional<Type> type_from_name(std::string_view name);

}  // namespace pubsub_mqtt::topic
