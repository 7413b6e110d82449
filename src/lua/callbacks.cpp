#include "callbacks.h"

#include <utility>

#include "clock.h"
#include "process_store.h"
#include "protected_call.h"
#include "stanza.h"
#include "storage.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

using Outcome = PublishReply::Outcome;

constexpr const char* xmlns_pubsub = "http://jabber.org/protocol/pubsub";

// What a client is told where Lua raised (rights.lib.lua says the same); the log has the error.
constexpr const char* error_in_prosody = "an error in Prosody, see the log";

// An outcome, and where it is not "accepted" the reason in words and by its name, as publish and may_publish return
// them.
void read_outcome(lua_State* L, int index, hub::PubsubService::Published& into) {
  const auto outcome = text_at(L, index);
  if (outcome == "accepted") into.outcome = Outcome::accepted;
  if (outcome == "refused") into.outcome = Outcome::refused;
  into.reason_string = text_at(L, index + 1);
  const auto name = text_at(L, index + 2);
  for (const auto reason : {mqtt::Reason::not_authorized, mqtt::Reason::topic_name_invalid,
                            mqtt::Reason::payload_format_invalid, mqtt::Reason::quota_exceeded}) {
    if (name == mqtt::name(reason)) into.reason = reason;
  }
}

lua_Number seconds(Time time) { return std::chrono::duration<lua_Number>(time).count(); }

void set_texts(lua_State* L, const char* key, const std::vector<std::string>& values) {
  push_texts(L, values);
  lua_setfield(L, -2, key);
}

// Who asks, in the table on top of the stack.
void set_client(lua_State* L, const LoginClient& client) {
  set_integer(L, "connection", client.connection);
  set_flag(L, "is_loopback", client.is_loopback);
  set_flag(L, "is_encrypted", client.is_encrypted);
  set_text(L, "client", client.name);
  set_text(L, "address", client.address);
  set_text(L, "party", client.party);
  if (client.user_name) set_text(L, "user_name", *client.user_name);
  set_texts(L, "xmpp_addresses", client.certificate.xmpp_addresses);
  set_texts(L, "dns_names", client.certificate.dns_names);
  set_texts(L, "emails", client.certificate.emails);
}

// Pushes the table of which retained.lib.lua tells.
void push_retained(lua_State* L, const hub::Retained& retained) {
  const Envelope& envelope = retained.envelope;
  lua_createtable(L, 0, 8);
  set_text(L, "type", topic::name(retained.type));
  set_text(L, "payload", retained.payload);
  set_text(L, "element", retained.element);
  set_flag(L, "is_large", retained.is_large);
  // As text: storages write numbers as they like.
  lua_pushfstring(L, "%I", static_cast<lua_Integer>(envelope.publisher));
  lua_setfield(L, -2, "publisher");
  set_integer(L, "qos", envelope.qos);
  if (envelope.expires_at != Time::max()) {
    lua_pushnumber(L, seconds(envelope.expires_at - now()));
    lua_setfield(L, -2, "expires_in");
  }
  if (envelope.properties != nullptr) set_text(L, "properties", *envelope.properties);
}

// Pushes <item xmlns='...pubsub' id='...'>payload</item>.
void push_item(lua_State* L, std::string_view id, const pugi::xml_node& payload, int metatable) {
  lua_createtable(L, 1, 3);
  lua_pushliteral(L, "item");
  lua_setfield(L, -2, "name");
  lua_createtable(L, 0, 3);  // `publisher` may follow
  lua_pushstring(L, xmlns_pubsub);
  lua_setfield(L, -2, "xmlns");
  set_text(L, "id", id);
  lua_setfield(L, -2, "attr");
  push_stanza(L, payload, metatable);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, 1);
  lua_setfield(L, -3, "tags");
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
}

}  // namespace

void Callbacks::attach(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_pushvalue(L, index);
  const int callbacks = luaL_ref(L, LUA_REGISTRYINDEX);
  luaL_unref(L, LUA_REGISTRYINDEX, callbacks_);
  callbacks_ = callbacks;
}

void Callbacks::detach(lua_State* L) {
  luaL_unref(L, LUA_REGISTRYINDEX, callbacks_);
  callbacks_ = LUA_NOREF;
}

// Calls a callback with strings; `read` sees its results at 1, 2, ... of its stack; it runs under the rule of
// protected_call().
template <typename Read>
bool Callbacks::call(const char* callback, std::initializer_list<std::string_view> arguments, int results,
                     Read&& read) {
  auto body = [&](lua_State* L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, callbacks_);
    lua_getfield(L, -1, callback);
    for (const std::string_view argument : arguments) push_text(L, argument);
    lua_call(L, static_cast<int>(arguments.size()), results);
    lua_remove(L, 1);
    read(L);
    return 0;
  };
  if (protected_call(L_, 0, 0, body) == LUA_OK) return true;
  const std::string error = pop_error(L_);
  if (std::string_view(callback) != "log") log(LogLevel::error, std::string(callback) + ": " + error);
  return false;
}

Callbacks::HostStatus Callbacks::host_status(std::string_view host) {
  HostStatus status = HostStatus::unknown;
  call("host_status", {host}, 1, [&](lua_State* L) {
    const auto text = text_at(L, 1);
    if (text == "enabled") status = HostStatus::enabled;
    if (text == "configured") status = HostStatus::configured;
  });
  return status;
}

// Calls a callback that returns nothing; `push` pushes its arguments, returns how many these are, and runs under the
// rule of protected_call().
template <typename Push>
void Callbacks::tell(const char* callback, Push&& push) {
  auto body = [&](lua_State* L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, callbacks_);
    lua_getfield(L, 1, callback);
    lua_call(L, push(L), 0);
    return 0;
  };
  if (protected_call(L_, 0, 0, body) != LUA_OK) {
    const std::string error = pop_error(L_);
    log(LogLevel::error, std::string(callback) + ": " + error);
  }
}

// The callback is given a table with the fields of the request.
void Callbacks::log_in(const LoginRequest& request) {
  tell("log_in", [&](lua_State* L) {
    lua_createtable(L, 0, 11);
    set_client(L, request.client);
    if (request.password) set_text(L, "password", request.password->bytes());
    return 1;
  });
}

// So is this one. Fields that may be absent: data where the client waits to be asked for them, account where it
// connects.
void Callbacks::authenticate(const AuthRequest& request) {
  tell("authenticate", [&](lua_State* L) {
    lua_createtable(L, 0, 15);
    set_client(L, request.client);
    set_text(L, "method", request.method);
    if (request.data) set_text(L, "data", request.data->bytes());
    if (!request.account.empty()) set_text(L, "account", request.account);
    set_text(L, "server_name", request.server_name);
    return 1;
  });
}

void Callbacks::authenticate(const AuthResponse& response) {
  tell("go_on_authenticating", [&](lua_State* L) {
    lua_pushinteger(L, static_cast<lua_Integer>(response.connection));
    push_text(L, response.data.bytes());
    return 2;
  });
}

void Callbacks::end_authentication(ConnectionId connection) {
  tell("end_authentication", [&](lua_State* L) {
    lua_pushinteger(L, static_cast<lua_Integer>(connection));
    return 1;
  });
}

Callbacks::Subscribed Callbacks::subscribe(std::string_view host, std::string_view node,
                                           std::string_view account) {
  Subscribed subscribed = Subscribed::refused;
  call("subscribe", {host, node, account}, 1, [&](lua_State* L) {
    const auto text = text_at(L, 1);
    if (text == "granted") subscribed = Subscribed::granted;
    if (text == "waits") subscribed = Subscribed::waits;
  });
  return subscribed;
}

bool Callbacks::may_receive(std::string_view host, std::string_view node, std::string_view account) {
  return ask("may_receive", {host, node, account});
}

bool Callbacks::may_read(std::string_view host, std::string_view node, std::string_view account) {
  return ask("may_read", {host, node, account});
}

bool Callbacks::is_administrator(std::string_view account) { return ask("is_administrator", {account}); }

bool Callbacks::ask(const char* callback, std::initializer_list<std::string_view> arguments) {
  bool answer = false;
  call(callback, arguments, 1, [&](lua_State* L) { answer = lua_toboolean(L, 1) != 0; });
  return answer;
}

namespace {

store::Change carried_out_row(const Intent& intent) {
  return store::CarriedOut{
      .session = intent.session, .packet_identifier = intent.packet_identifier, .item = intent.item};
}

}  // namespace

// Others may trim the item as soon as it is committed: that it was there must be known then. What is retained is stored
// after its item, and set again where nobody knows that it was.
Callbacks::Published Callbacks::publish(std::string_view host, std::string_view node,
                                        std::string_view account, std::string_view id,
                                        const pugi::xml_node& payload, const Intent* intent) {
  if (intent == nullptr || process_ == nullptr) return publish(host, node, account, id, payload);
  store::Items& items = process_->items;
  if (id == intent->item) items.accompany(id, carried_out_row(*intent));
  auto published = publish(host, node, account, id, payload);
  const bool is_known = id == intent->item && !items.take_companion();
  if (published.outcome == PublishReply::Outcome::accepted && !is_known) carried_out(*intent);
  return published;
}

Callbacks::Published Callbacks::publish(std::string_view host, std::string_view node,
                                        std::string_view account, std::string_view id,
                                        const pugi::xml_node& payload) {
  Published published;
  auto body = [&](lua_State* L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, callbacks_);
    lua_getfield(L, 1, "stanza_mt");
    lua_getfield(L, 1, "publish");
    push_text(L, host);
    push_text(L, node);
    push_text(L, account);
    push_item(L, id, payload, 2);
    item_ = lua_topointer(L, -1);
    lua_call(L, 4, 5);
    read_outcome(L, lua_gettop(L) - 4, published);
    const auto store = store_of_route(L, -1);
    published.items = store.value_or(0);
    published.unobserved = lua_toboolean(L, -2) != 0 && (!store || published.items != 0);
    return 0;
  };
  const int status = protected_call(L_, 0, 0, body);
  item_ = nullptr;
  if (status == LUA_OK) return published;
  // The error is for the administrator, and says nothing to a client.
  log(LogLevel::error, "publish: " + pop_error(L_));
  return {.outcome = Outcome::failed, .reason_string = error_in_prosody};
}

std::optional<bool> Callbacks::has_item(std::string_view host, std::string_view node, std::string_view id) {
  bool has = false;
  const auto read = [&](lua_State* L) { has = lua_toboolean(L, 1) != 0; };
  if (call("has_item", {host, node, id}, 1, read)) return has;
  return std::nullopt;
}

void Callbacks::carried_out(const Intent& intent) {
  if (process_ != nullptr) process_->items.add(carried_out_row(intent));
}

Callbacks::Published Callbacks::may_publish(std::string_view host, std::string_view node,
                                            std::string_view account) {
  Published published;
  const auto read = [&](lua_State* L) { read_outcome(L, 1, published); };
  if (call("may_publish", {host, node, account}, 3, read)) return published;
  return {.outcome = Outcome::failed, .reason_string = error_in_prosody};
}

// The callback is given session, topic, account, payload and how many bytes the answer may have, and returns JSON, or
// nil where there is more to do. It makes an answer of its errors.
Callbacks::Answer Callbacks::answer(const Inquiry& inquiry) {
  Answer answer;
  const auto began = Clock::now();
  auto body = [&](lua_State* L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, callbacks_);
    lua_getfield(L, 1, "answer");
    lua_pushinteger(L, static_cast<lua_Integer>(inquiry.session));
    push_text(L, inquiry.topic);
    push_text(L, inquiry.account);
    push_text(L, inquiry.payload);
    lua_pushinteger(L, static_cast<lua_Integer>(inquiry.most_bytes));
    lua_call(L, 5, 1);
    if (lua_type(L, -1) == LUA_TSTRING) answer.json.emplace(text_at(L, -1));
    return 0;
  };
  if (protected_call(L_, 0, 0, body) != LUA_OK) {
    log(LogLevel::error, "answer: " + pop_error(L_));
    forget_inquiry(inquiry.session);
    answer.json = R"({"error":"internal-server-error","text":"an error in Prosody, see the log"})";
  }
  answer.took = Clock::now() - began;
  return answer;
}

void Callbacks::forget_inquiry(SessionId session) {
  tell("forget_inquiry", [&](lua_State* L) {
    lua_pushinteger(L, static_cast<lua_Integer>(session));
    return 1;
  });
}

bool Callbacks::exposes_publisher(std::string_view host) { return ask("exposes_publisher", {host}); }

void Callbacks::retract_current(std::string_view host, std::string_view node) {
  call("retract_current", {host, node}, 0, [](lua_State*) {});
}

void Callbacks::drop_current(std::string_view host, std::string_view node) {
  call("drop_current", {host, node}, 0, [](lua_State*) {});
}

void Callbacks::restore(std::string_view host, std::string_view node) {
  call("restore", {host, node}, 0, [](lua_State*) {});
}

void Callbacks::wake_after(Time delay) {
  tell("wake_after", [&](lua_State* L) {
    lua_pushnumber(L, seconds(delay));
    return 1;
  });
}

std::optional<Callbacks::Item> Callbacks::last_item(std::string_view host, std::string_view node,
                                                    std::string_view account) {
  std::optional<Item> item;
  // The callback returns the item's payload, a stanza, its id, and who published it, where that is shown; or nothing.
  call("last_item", {host, node, account}, 3, [&](lua_State* L) {
    if (!lua_istable(L, 1)) return;
    item.emplace();
    item->id = text_at(L, 2);
    item->publisher = text_at(L, 3);
    if (!read_stanza(L, 1, item->payload)) item.reset();
  });
  return item;
}

void Callbacks::save_retained(std::string_view host, std::string_view node, const hub::Retained* retained) {
  tell("save_retained", [&](lua_State* L) {
    push_text(L, host);
    push_text(L, node);
    if (retained == nullptr) {
      lua_pushnil(L);
    } else {
      push_retained(L, *retained);
    }
    return 3;
  });
}

std::uint64_t Callbacks::posted() const { return process_ == nullptr ? 0 : process_->items.times_changed(); }

void Callbacks::store_is_open() {
  call("store_is_open", {}, 0, [](lua_State*) {});
}

void Callbacks::stopped() {
  call("stopped", {}, 0, [](lua_State*) {});
}

bool Callbacks::is_being_published(lua_State* L, int index) const {
  return item_ != nullptr && lua_topointer(L, index) == item_;
}

void Callbacks::log(LogLevel level, const std::string& text) {
  call("log", {name_of(level), text}, 0, [](lua_State*) {});
}

}  // namespace pubsub_mqtt::lua
