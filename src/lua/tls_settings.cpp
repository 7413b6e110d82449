#include "tls_settings.h"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "protected_call.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// --- Inside a protected_call, with the table at index 1: these raise, and fill what is outside. ---

// Pushes a field. Nothing where it is absent, which Prosody also writes as false.
bool push_field(lua_State* L, const char* field) {
  lua_getfield(L, 1, field);
  if (lua_toboolean(L, -1) != 0) return true;
  lua_pop(L, 1);
  return false;
}

void check_type(lua_State* L, int index, int type, const char* field) {
  if (lua_type(L, index) == type) return;
  luaL_error(L, "%s must be a %s, not a %s", field, lua_typename(L, type), luaL_typename(L, index));
}

void read_string(lua_State* L, const char* field, std::string& into) {
  if (!push_field(L, field)) return;
  check_type(L, -1, LUA_TSTRING, field);
  into = text_at(L, -1);
  lua_pop(L, 1);
}

// Gives `take` a string, or each string of an array.
template <typename Take>
void read_strings(lua_State* L, const char* field, Take take) {
  if (!push_field(L, field)) return;
  if (lua_type(L, -1) == LUA_TSTRING) {
    take(text_at(L, -1));
  } else {
    check_type(L, -1, LUA_TTABLE, field);
    const lua_Integer count = luaL_len(L, -1);
    for (lua_Integer i = 1; i <= count; ++i) {
      lua_geti(L, -1, i);
      check_type(L, -1, LUA_TSTRING, field);
      take(text_at(L, -1));
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

void read_list(lua_State* L, const char* field, std::vector<std::string>& into) {
  read_strings(L, field, [&into](std::string_view text) { into.emplace_back(text); });
}

// OpenSSL's form of a list.
void read_colon_list(lua_State* L, const char* field, std::string& into) {
  read_strings(L, field, [&into](std::string_view text) {
    if (!into.empty()) into += ':';
    into += text;
  });
}

void read_depth(lua_State* L, std::optional<int>& into) {
  if (!push_field(L, "depth")) return;
  int is_integer = 0;
  const lua_Integer depth = lua_tointegerx(L, -1, &is_integer);
  if (is_integer == 0) luaL_error(L, "depth must be a whole number");
  into = static_cast<int>(depth);
  lua_pop(L, 1);
}

// lua_call, with the field's name in the error.
void call(lua_State* L, int arguments, const char* field) {
  if (lua_pcall(L, arguments, 1, 0) == LUA_OK) return;
  luaL_error(L, "the function %s failed: %s", field, luaL_tolstring(L, -1, nullptr));
}

void read_password(lua_State* L, net::TlsSettings& settings) {
  if (!push_field(L, "password")) return;
  if (lua_isfunction(L, -1) && !net::needs_password(settings.key)) {
    lua_pop(L, 1);
    return;
  }
  if (lua_isfunction(L, -1)) call(L, 0, "password");
  // Prosody's default returns nothing, after it said in the log what is missing.
  if (!lua_isnil(L, -1)) {
    check_type(L, -1, LUA_TSTRING, "password");
    settings.password.emplace(text_at(L, -1));
  }
  lua_pop(L, 1);
}

// On Prosody 0.12 a function that returns PEM, on 13 PEM or the path of a file. True: it was a path.
bool read_dhparam(lua_State* L, std::string& into) {
  if (!push_field(L, "dhparam")) return false;
  const bool is_function = lua_isfunction(L, -1);
  if (is_function) {
    lua_pushboolean(L, 0);  // not for export ciphers
    lua_pushinteger(L, 2048);
    call(L, 2, "dhparam");
  }
  if (!lua_isnil(L, -1)) {
    check_type(L, -1, LUA_TSTRING, "dhparam");
    into = text_at(L, -1);
  }
  lua_pop(L, 1);
  return !is_function && !into.starts_with("-----BEGIN");
}

void read_table(lua_State* L, net::TlsSettings& settings, bool& dhparam_is_path) {
  check_type(L, 1, LUA_TTABLE, "the TLS configuration");
  read_string(L, "certificate", settings.certificate);
  read_string(L, "key", settings.key);
  read_password(L, settings);
  read_string(L, "protocol", settings.protocol);
  read_list(L, "options", settings.options);
  read_colon_list(L, "ciphers", settings.ciphers);
  read_colon_list(L, "ciphersuites", settings.ciphersuites);
  read_colon_list(L, "curveslist", settings.curves);
  if (settings.curves.empty()) read_string(L, "curve", settings.curves);  // as LuaSec does
  dhparam_is_path = read_dhparam(L, settings.dhparam);
  read_list(L, "verify", settings.verify);
  read_depth(L, settings.depth);
  read_string(L, "cafile", settings.cafile);
  read_string(L, "capath", settings.capath);
}

// --- Outside ---

// Replaces a path by what the file holds. The error, or nothing.
std::optional<std::string> read_file(std::string& path_then_text) {
  errno = 0;
  std::ifstream file(path_then_text);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || (text.fail() && errno != 0)) {
    return "cannot read the dhparam file " + path_then_text + ": " + std::generic_category().message(errno);
  }
  path_then_text = std::move(text).str();
  return std::nullopt;
}

}  // namespace

std::variant<net::TlsSettings, std::string> read_tls_settings(lua_State* L, int index) {
  net::TlsSettings settings;
  bool dhparam_is_path = false;
  lua_pushvalue(L, index);
  const int status = protected_call(L, 1, 0, [&](lua_State* inner) {
    read_table(inner, settings, dhparam_is_path);
    return 0;
  });
  if (status != LUA_OK) return pop_error(L);
  if (dhparam_is_path) {
    if (auto error = read_file(settings.dhparam)) return *std::move(error);
  }
  return settings;
}

}  // namespace pubsub_mqtt::lua
