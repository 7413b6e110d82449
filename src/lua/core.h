// The gateway as Prosody holds it: hub and network, and how they share Prosody's event loop.
//
// Prosody's thread only. Each method is given the lua_State that called it and is safe from Lua errors.
#pragma once

#include <chrono>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/hub/hub.h"
#include "pubsub_mqtt/net/network.h"
#include "shim.h"

namespace pubsub_mqtt::lua {

struct Settings {
  session::Limits session;
  net::Limits net;
  hub::Limits hub;
};

class Core {
 public:
  explicit Core(const Settings& settings);

  Shim& shim() { return shim_; }
  net::Network& network() { return network_; }
  net::ListenerId next_listener() { return ++last_listener_; }

  // Carries out what clients asked, for a slice of time. `from_timer` says who calls: the watched descriptor,
  // or the timer. True: more is left, call again from a timer, since a readable descriptor starves Prosody's
  // timers.
  bool work(lua_State* L, bool from_timer);

  // The item at `item` was published.
  void item_published(lua_State* L, std::string_view host, std::string_view node, std::string_view id,
                      int item);

  // Tells the hub something of pubsub's: `tell` is given the hub and may call no Lua itself.
  template <typename Tell>
  void tell_hub(lua_State* L, Tell&& tell) {
    {
      const Shim::Entered entered(shim_, L);
      tell(hub_);
      post();
    }
    stop_if_asked(L);
  }

  // Publishes the clients' wills and what else they had asked for, as long as `patience` lasts, says goodbye,
  // ends the thread, and tells the shim (its callback `stopped`). Nothing may be called afterwards. Prosody
  // 0.12 runs its signal handlers wherever Lua runs, inside our own callbacks too: then this waits until they
  // have returned.
  void stop(lua_State* L, std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;

  bool work_slice(bool from_timer);
  void read_item(lua_State* L, std::string_view host, std::string_view node, std::string_view id, int item);
  void stop_if_asked(lua_State* L);
  void take_requests();
  // Until the deadline, but at least one. True: nothing is left.
  bool step_until(Clock::time_point deadline);
  void post();

  Shim shim_;
  hub::Hub hub_;
  net::Network network_;
  net::ListenerId last_listener_ = 0;
  std::vector<Request> requests_;
  std::vector<Delivery> deliveries_;
  Clock::time_point busy_since_{};
  bool busy_ = false;
  bool waiting_for_timer_ = false;
  bool working_ = false;
  std::optional<std::chrono::milliseconds> asked_to_stop_;
};

}  // namespace pubsub_mqtt::lua
