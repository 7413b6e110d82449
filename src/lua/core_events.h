// Methods that tell a core of what happens in Prosody, to pubsub services and accounts; see core_methods.h.
#pragma once

#include <array>
#include <cstddef>
#include <lua.hpp>
#include <utility>

#include "core_handle.h"
#include "values.h"

namespace pubsub_mqtt::lua {

namespace detail {

template <typename... Names>
constexpr std::size_t count_names(void (hub::Hub::*)(Names...)) {
  return sizeof...(Names);
}

template <auto Event, std::size_t... I>
int tell_hub(lua_State* L, std::index_sequence<I...>) {
  Core& core = check_core(L);
  const std::array names{check_text(L, static_cast<int>(I) + 2)...};
  core.tell_hub(L, [&](hub::Hub& hub) { (hub.*Event)(names[I]...); });
  return 0;
}

}  // namespace detail

// Event: a method of the hub's that takes names, which are the arguments.
template <auto Event>
int hub_event(lua_State* L) {
  return detail::tell_hub<Event>(L, std::make_index_sequence<detail::count_names(Event)>());
}

int item_published(lua_State* L);
int set_max_node_name(lua_State* L);
int close_account(lua_State* L);

}  // namespace pubsub_mqtt::lua
