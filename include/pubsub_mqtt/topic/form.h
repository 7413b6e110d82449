// Which of a node's topics is meant: an item goes out on at most one topic of each form. Each TYPE is one,
// HOST/TYPE/NODE, and the mounted topic is another (mountpoint.h). A value; any thread.
#pragma once

#include <cstddef>
#include <optional>

#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::topic {

struct Form {
  Type type = Type::json;  // of what is delivered there
  bool is_mounted = false;

  constexpr Form() = default;
  constexpr Form(Type of) : type(of) {}  // NOLINT(*-explicit-*)
  constexpr Form(Type of, bool mounted) : type(of), is_mounted(mounted) {}

  // Of what is kept by form: less than form_count.
  constexpr std::size_t index() const { return is_mounted ? type_count : static_cast<std::size_t>(type); }
  // Whether it is that of an item's natural TYPE, for some items.
  constexpr bool may_be_natural() const { return !is_mounted && type != Type::any; }
  bool operator==(const Form&) const = default;
};

inline constexpr std::size_t form_count = type_count + 1;

// Calls `visit` with each form in which a node's items may go out. `mounted` is that of its mounted topic, if it has
// one.
template <typename Visit>
constexpr void for_each_form(std::optional<Form> mounted, Visit&& visit) {
  for (std::size_t i = 0; i < type_count; ++i) visit(Form(static_cast<Type>(i)));
  if (mounted) visit(*mounted);
}

}  // namespace pubsub_mqtt::topic
