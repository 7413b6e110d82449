#include "access_settings.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protected_call.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// --- Inside a protected_call, with the table at index 1: these raise, and fill what is outside. ---

// Gives `take` each element of a list, on top of the stack.
template <typename Take>
void read_list(lua_State* L, const char* field, Take take) {
  lua_getfield(L, 1, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  const lua_Integer count = luaL_len(L, -1);
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_geti(L, -1, i);
    take();
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void read_ranges(lua_State* L, const char* field, std::vector<net::AddressRange>& into) {
  read_list(L, field, [&] {
    net::AddressRange range;
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_getfield(L, -1, "address");
    lua_getfield(L, -2, "bits");
    const auto address = check_text(L, -2);
    const lua_Integer bits = luaL_checkinteger(L, -1);
    if (address.size() != range.address.size() || bits < 0 || bits > 128)
      luaL_error(L, "a range of no addresses");
    std::ranges::copy(address, range.address.begin());
    range.bits = static_cast<unsigned>(bits);
    into.push_back(range);
    lua_pop(L, 2);
  });
}

void read_strings(lua_State* L, const char* field, std::vector<std::string>& into) {
  read_list(L, field, [&] { into.emplace_back(check_text(L, -1)); });
}

void read_page(lua_State* L, std::optional<net::Page>& into) {
  const bool is_served = lua_getfield(L, 1, "page") != LUA_TNIL;
  lua_pop(L, 1);
  if (!is_served) return;
  into.emplace();
  read_list(L, "page", [&] {
    luaL_checktype(L, -1, LUA_TTABLE);
    for (int i = 1; const char* field : {"path", "media_type", "bytes", "compressed"})
      lua_getfield(L, -i++, field);
    const auto path = check_text(L, -4);
    const auto media_type = check_text(L, -3);
    const auto bytes = check_text(L, -2);
    const auto compressed = text_at(L, -1);
    into->insert_or_assign(std::string(path), net::make_page_file(std::string(media_type), std::string(bytes),
                                                                  std::string(compressed)));
    lua_pop(L, 4);
  });
}

}  // namespace

net::Access read_access(lua_State* L, int index) {
  net::Access access;
  std::optional<net::Page> page;
  lua_pushvalue(L, index);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    read_ranges(inner, "proxies", access.proxies);
    read_ranges(inner, "trusted_proxies", access.trusted_proxies);
    read_strings(inner, "websocket_origins", access.websocket_origins);
    read_strings(inner, "hosts", access.hosts);
    read_page(inner, page);
    return 0;
  });
  if (page) access.page = std::make_shared<const net::Page>(*std::move(page));
  return access;
}

}  // namespace pubsub_mqtt::lua
