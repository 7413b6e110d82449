// luaopen_pubsub_mqtt: what mod_pubsub_mqtt.lua sees of the library.
//
//   version                       of the library; the Lua half's own must be the same
//   limits                        what docs/configuration.md calls limits, see limit_settings.h
//   available_bytes(path)         that Prosody may still write to the filesystem of path; nil where that cannot be told
//   new(limits, callbacks)        a core, see core_methods.h; limits: see limit_settings.h
//   stanza_text(stanza)           as XML; nil: Prosody's tostring() must write it, see stanza_text.h
//   open_store(...)               what mod_storage_pubsub_mqtt.lua sees of the library, see storage.h
//   archive_methods(...)          methods of its archives, see archive_methods.h
//   tls_contexts(settings, hosts, is_named, old)  contexts for core:listen(), or nil and why not; then a list of
//                                 warnings. settings: as Prosody resolved them; hosts: the same by host name, or
//                                 why that failed, or false where no certificate was found; is_named: whether
//                                 settings that the administrator wrote name the certificate; old: contexts to
//                                 keep what cannot be replaced (port_certificates.h), or nil
//
// Prosody's thread only. No C++ exception and no Lua error crosses a frame that has destructors to run.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <lua.hpp>
#include <string_view>
#include <system_error>

#include "archive_methods.h"
#include "core_methods.h"
#include "entry.h"
#include "limit_settings.h"
#include "stanza_text.h"
#include "storage.h"
#include "tls_contexts.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

int available_bytes(lua_State* L) {
  const std::string_view path = check_text(L, 1);
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (error) return 0;
  // An integer does not raise.
  lua_pushinteger(L, static_cast<lua_Integer>(std::min<std::uintmax_t>(space.available, LUA_MAXINTEGER)));
  return 1;
}

constexpr luaL_Reg functions[] = {
    {"available_bytes", entry<available_bytes>},
    {"new", entry<new_core>},
    {"tls_contexts", entry<tls_contexts>},
    {nullptr, nullptr},
};

}  // namespace
}  // namespace pubsub_mqtt::lua

extern "C" __attribute__((visibility("default"))) int luaopen_pubsub_mqtt(lua_State* L) {
  using namespace pubsub_mqtt::lua;
  luaL_checkversion(L);
  register_core(L);
  register_tls_contexts(L);
  luaL_newlib(L, functions);
  lua_pushliteral(L, PUBSUB_MQTT_VERSION);
  lua_setfield(L, -2, "version");
  push_limit_settings(L);
  lua_setfield(L, -2, "limits");
  push_stanza_text(L);
  lua_setfield(L, -2, "stanza_text");
  push_open_store(L);
  lua_setfield(L, -2, "open_store");
  push_archive_methods(L);
  lua_setfield(L, -2, "archive_methods");
  return 1;
}
