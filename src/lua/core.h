// The gateway as Prosody holds it: hub and network, and how they share Prosody's event loop.
//
// Prosody's thread only. Each method is given the lua_State that called it and is safe from Lua errors.
#pragma once

#include <chrono>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string_view>
#include <vector>

#include "callbacks.h"
#include "clock.h"
#include "log_queue.h"
#include "process_store.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/hub/hub.h"
#include "pubsub_mqtt/net/network.h"
#include "pubsub_mqtt/store/store.h"
#include "work_slices.h"

namespace pubsub_mqtt::lua {

class Core final : private WorkSlices::Work {
 public:
  explicit Core(const Limits& limits);
  ~Core() override;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Callbacks& callbacks() { return callbacks_; }
  net::Network& network() { return network_; }
  // All zero where sessions end with the process.
  store::Metrics store_metrics() {
    return process_ == nullptr ? store::Metrics() : process_->store.metrics();
  }
  // Starts the network thread, and the store's with it, where there are settings for one. What sessions of an earlier
  // process were subscribed to is in place when this returns: before pubsub takes the first publish. False: the system
  // gave no thread.
  bool start(lua_State* L, std::optional<store::Settings> settings);

  bool keeps_sessions() const { return process_ != nullptr; }
  // Where retained messages are kept, once it has started; nullptr: they end with the process.
  store::RetainedRows* retained() { return process_ == nullptr ? nullptr : &process_->retained; }
  // Whether all that Prosody's thread has changed in the store is committed.
  bool is_all_committed() const;

  net::ListenerId next_listener() { return ++last_listener_; }

  // Carries out what clients asked, for a slice of time. `from_timer` says who calls: the watched descriptor,
  // or the timer. True: more is left, call again from a timer, since a readable descriptor starves Prosody's
  // timers.
  bool work(lua_State* L, bool from_timer);

  // The item at `item` was published.
  void item_published(lua_State* L, std::string_view host, std::string_view node, std::string_view id,
                      int item, std::string_view publisher);

  // The item at `item` is the node's `current`, which the hub is to take for its retained message.
  void restore_current(lua_State* L, std::string_view host, std::string_view node, int item,
                       std::string_view publisher);

  // Tells the hub something of pubsub's: `tell` is given the hub and may call no Lua itself.
  template <typename Tell>
  void tell_hub(lua_State* L, Tell&& tell) {
    {
      const Callbacks::Entered entered(callbacks_, L);
      hub_.set_time(lua::now());
      tell(hub_);
      post();
    }
    stop_if_asked(L);
  }

  // Publishes the clients' wills and what else they had asked for, as long as `patience` lasts, says goodbye,
  // ends the thread, and tells the Lua half (its callback `stopped`). Nothing may be called afterwards. Prosody
  // 0.12 runs its signal handlers wherever Lua runs, inside our own callbacks too: then this waits until they
  // have returned.
  void stop(lua_State* L, std::chrono::milliseconds patience);

 private:
  // WorkSlices::Work
  void take() override;
  bool step_until(WorkSlices::Clock::time_point deadline) override;
  bool finish_until(WorkSlices::Clock::time_point deadline);
  void set_readable(bool readable) override { network_.set_requests_fd(readable); }
  WorkSlices::Clock::time_point now() override { return WorkSlices::Clock::now(); }

  void read_item(lua_State* L, std::string_view host, std::string_view node, std::string_view id, int item,
                 std::string_view publisher);
  bool read_payload(lua_State* L, std::string_view node, int item, pugi::xml_document& into);
  bool start_network(std::optional<store::Contents>&& contents);
  std::optional<store::Contents> open_store(const store::Settings& settings);
  void log_of_store();
  void stop_store(WorkSlices::Clock::time_point deadline);
  void stop_if_asked(lua_State* L);
  void post();

  Callbacks callbacks_;
  hub::Hub hub_;
  ProcessStore* process_ = nullptr;  // nullptr: sessions and retained messages end with the process
  ProcessStore* storage_ =
      nullptr;  // that, or the one that has items alone; nullptr: they are stored elsewhere
  net::Network network_;
  net::ListenerId last_listener_ = 0;
  std::vector<Request> requests_;
  std::vector<LogLine> log_;
  std::vector<Delivery> deliveries_;
  LogQueue log_queue_;
  WorkSlices slices_;
  bool working_ = false;
  std::optional<std::chrono::milliseconds> asked_to_stop_;
};

}  // namespace pubsub_mqtt::lua
