// Which of a node's topics is meant: an item goes out on at most one topic of each form. Each TYPE is one,
// HOST/TYPE/NODE. A value; any thread.
#pragma once

#include <cstddef>

#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::topic {

struct Form {
  Type type = Type::json;  // of what is delivered there

  constexpr Form() = default;
  constexpr Form(Type of) : type(of) {}  // NOLINT(*-explicit-*)

  // Of what is kept by form: less than form_count.
  constexpr std::size_t index() const { return static_cast<std::size_t>(type); }
  bool operator==(const Form&) const = default;
};

inline constexpr std::size_t form_count = type_count;

}  // namespace pubsub_mqtt::topic
