#include "tls_contexts.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protected_call.h"
#include "pubsub_mqtt/net/tls_context.h"
#include "tls_settings.h"
#include "userdata.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

constexpr const char* tls_type = "pubsub_mqtt.tls_contexts";

// Reads and builds one context. On failure `error` says why.
LoadedContext load_context(lua_State* L, int index, std::vector<std::string>& warnings, std::string& error) {
  auto settings = read_tls_settings(L, index);
  if (auto* unreadable = std::get_if<std::string>(&settings)) {
    error = std::move(*unreadable);
    return {};
  }
  auto& read = std::get<net::TlsSettings>(settings);
  auto context = net::make_tls_context(read, warnings);
  if (auto* failed = std::get_if<net::TlsContextError>(&context)) {
    error = std::move(failed->reason);
    return {};
  }
  return {.context = std::get<net::SslContext>(std::move(context)),
          .certificate = std::move(read.certificate),
          .key = std::move(read.key)};
}

// What the body of a protected call fills.
struct TlsResult {
  const PortCertificates* old = nullptr;
  TlsHandle certificates = std::make_shared<PortCertificates>();
  std::vector<std::string> warnings;
  std::string error;
  std::string host;
  LoadedContext loaded;
};

void warn_of_kept(TlsResult& result, const std::string& whose, const std::string& reason) {
  result.warnings.push_back(whose + " stays as it was: " + reason +
                            ". Put the files right, and do `prosodyctl reload`");
}

// As add_host(), where what was read is in `loaded`, or why there is none in `error`, or neither where no certificate
// was found.
void add_loaded_host(TlsResult& result) {
  auto& by_host = result.certificates->by_host;
  const LoadedContext* old = nullptr;
  if (result.old != nullptr) {
    const auto known = result.old->by_host.find(result.host);
    if (known != result.old->by_host.end()) old = &known->second;
  }
  auto reason = std::optional(result.error);
  if (result.error.empty())
    reason = old == nullptr ? std::nullopt : reason_to_keep(*old, result.loaded, {result.host});
  if (!reason) {
    if (result.loaded.context) by_host[result.host] = std::move(result.loaded);
  } else if (old != nullptr) {
    warn_of_kept(result, "the certificate of " + result.host, *reason);
    by_host[result.host] = share(*old);
  } else {
    result.warnings.push_back(result.host + ": " + *reason);
  }
}

// The value on top of the stack is as tls_contexts() has it in its table of hosts.
void add_host(lua_State* L, TlsResult& result) {
  result.error.clear();
  result.loaded = {};
  if (lua_istable(L, -1)) result.loaded = load_context(L, -1, result.warnings, result.error);
  if (lua_type(L, -1) == LUA_TSTRING) result.error = lua_tostring(L, -1);
  add_loaded_host(result);
}

// A host whose certificate cannot be used keeps its old one, or goes without, and is warned of.
int add_hosts(lua_State* L, TlsResult& result) {
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    result.host = lua_tostring(L, -2);
    add_host(L, result);
  }
  return 0;
}

// Without an old one to keep, `error` says why there is none. is_named: the administrator has said which to use.
void add_fallback(lua_State* L, TlsResult& result, bool is_named) {
  LoadedContext loaded = load_context(L, 1, result.warnings, result.error);
  if (result.old != nullptr) {
    const LoadedContext& old = result.old->fallback;
    auto reason = std::optional(std::exchange(result.error, {}));
    if (reason->empty()) reason = is_named ? std::nullopt : reason_to_keep(old, loaded, host_names(old));
    if (reason) {
      warn_of_kept(result, "the certificate for clients that name no host", *reason);
      loaded = share(old);
    }
  }
  result.certificates->fallback = std::move(loaded);
}

// Everything that has a destructor lives here; what may raise is done in bodies of their own.
void tls_contexts_into(lua_State* L, const PortCertificates* old, bool is_named, TlsHandle& handle) {
  TlsResult result;
  result.old = old;
  add_fallback(L, result, is_named);
  if (result.error.empty()) {
    lua_pushvalue(L, 2);
    checked_call(L, 1, 0, [&](lua_State* inner) { return add_hosts(inner, result); });
    handle = std::move(result.certificates);
  } else {
    lua_pushnil(L);
    checked_push(L, 1, [&](lua_State* inner) { push_text(inner, result.error); });
  }
  checked_push(L, 1, [&](lua_State* inner) { push_texts(inner, result.warnings); });
}

}  // namespace

int tls_contexts(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 4);
  const bool is_named = lua_toboolean(L, 3) != 0;
  const auto* old = lua_isnil(L, 4) ? nullptr : check_tls_contexts(L, 4).get();
  auto& handle = push_userdata<TlsHandle>(L, tls_type);
  tls_contexts_into(L, old, is_named, handle);
  return handle ? 2 : 3;
}

TlsHandle& check_tls_contexts(lua_State* L, int index) {
  return check_userdata<TlsHandle>(L, index, tls_type);
}

void register_tls_contexts(lua_State* L) {
  static constexpr luaL_Reg no_methods[] = {{nullptr, nullptr}};
  register_userdata<TlsHandle>(L, tls_type, no_methods);
}

}  // namespace pubsub_mqtt::lua
