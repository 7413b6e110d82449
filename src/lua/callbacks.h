// The hub's door to Prosody: functions of the table that mod_pubsub_mqtt.lua hands over, each named like the method
// that calls it. Prosody's thread, inside a call from Lua only.
#pragma once

#include <chrono>
#include <initializer_list>
#include <lua.hpp>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "pubsub_mqtt/hub/pubsub_service.h"

namespace pubsub_mqtt::lua {

struct ProcessStore;

class Callbacks final : public hub::PubsubService {
  using Clock = std::chrono::steady_clock;

 public:
  // While it lives, the functions are called with this lua_State: the one (a coroutine, perhaps) that called into
  // C++.
  class Entered {
   public:
    Entered(Callbacks& callbacks, lua_State* L) : callbacks_(callbacks), outer_(callbacks.L_) {
      callbacks.L_ = L;
      if (outer_ == nullptr) began_ = Clock::now();
    }
    ~Entered() {
      callbacks_.L_ = outer_;
      if (outer_ == nullptr) callbacks_.entered_for_ += Clock::now() - began_;
    }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

   private:
    Callbacks& callbacks_;
    lua_State* outer_;
    Clock::time_point began_;
  };

  bool is_entered() const { return L_ != nullptr; }
  // How long Prosody's thread was in calls from Lua, in all.
  std::chrono::nanoseconds entered_for() const { return entered_for_; }

  // Takes the callbacks from the table at `index`, in place of those before. Raises a Lua error if it is no
  // table.
  void attach(lua_State* L, int index);

  // Lets go of them: nothing of this may be called any more.
  void detach(lua_State* L);

  HostStatus host_status(std::string_view host) override;
  void log_in(const LoginRequest& request) override;
  void authenticate(const AuthRequest& request) override;
  void authenticate(const AuthResponse& response) override;
  void end_authentication(ConnectionId connection) override;
  Subscribed subscribe(std::string_view host, std::string_view node, std::string_view account) override;
  bool may_receive(std::string_view host, std::string_view node, std::string_view account) override;
  bool may_read(std::string_view host, std::string_view node, std::string_view account) override;
  Published publish(std::string_view host, std::string_view node, std::string_view account,
                    std::string_view id, const pugi::xml_node& payload, const Intent* intent) override;
  std::optional<bool> has_item(std::string_view host, std::string_view node, std::string_view id) override;
  void carried_out(const Intent& intent) override;
  Published may_publish(std::string_view host, std::string_view node, std::string_view account) override;
  bool is_administrator(std::string_view account) override;
  Answer answer(const Inquiry& inquiry) override;
  void forget_inquiry(SessionId session) override;
  bool exposes_publisher(std::string_view host) override;
  void retract_current(std::string_view host, std::string_view node) override;
  void drop_current(std::string_view host, std::string_view node) override;
  void wake_after(Time delay) override;
  void restore(std::string_view host, std::string_view node) override;
  std::optional<Item> last_item(std::string_view host, std::string_view node,
                                std::string_view account) override;
  void save_retained(std::string_view host, std::string_view node, const hub::Retained* retained) override;
  void log(LogLevel level, const std::string& text) override;

  std::uint64_t posted() const override;

  // What posted() asks; nullptr: nothing is stored.
  void set_store(ProcessStore* process) { process_ = process; }

  // The store is open, where there is one, and nobody has asked for anything yet.
  void store_is_open();

  // The gateway has stopped.
  void stopped();

  // Whether the item at `index` is the one that publish() is publishing right now.
  bool is_being_published(lua_State* L, int index) const;

 private:
  Published publish(std::string_view host, std::string_view node, std::string_view account,
                    std::string_view id, const pugi::xml_node& payload);
  bool ask(const char* callback, std::initializer_list<std::string_view> arguments);
  template <typename Push>
  void tell(const char* callback, Push&& push);
  template <typename Read>
  bool call(const char* callback, std::initializer_list<std::string_view> arguments, int results,
            Read&& read);

  lua_State* L_ = nullptr;
  std::chrono::nanoseconds entered_for_{0};
  int callbacks_ = LUA_NOREF;
  ProcessStore* process_ = nullptr;
  const void* item_ = nullptr;  // identity of the item table, on Lua's stack meanwhile
};

}  // namespace pubsub_mqtt::lua
