// The TYPE level of a topic: which form of a node's items the topic means (docs/mapping.md, "TYPE"). What each
// TYPE does with payloads is in the room `payload`. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pubsub_mqtt::topic {

enum class Type : std::uint8_t { json, utf8, atom_title, xml, binary, any };
inline constexpr std::size_t type_count = 6;

// "json", "utf8", "atom_title", "xml", "binary", "any"
std::string_view name(Type type);

// The TYPE whose form a payload has on a topic of `type`, where the item's natural TYPE is `natural`, or that of what is
// published.
constexpr Type concrete(Type type, Type natural) { return type == Type::any ? natural : type; }

// Returns nullopt for a level that is none of these names.
std::optional<Type> type_from_name(std::string_view name);

}  // namespace pubsub_mqtt::topic
