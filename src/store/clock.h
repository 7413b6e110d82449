// The store's clock, of which moments are that must outlive the process: it is the wall clock of when the store was
// made, and goes on with each process, whatever the wall clock is set to meanwhile. Over a time without a process it
// goes on as the wall clock says, and not back. Any thread.
#pragma once

#include <atomic>
#include <optional>

#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

class Clock {
 public:
  // `ask_wall` tells what the wall clock says; nullptr: the system does.
  explicit Clock(WallTime (*ask_wall)()) : ask_wall_(ask_wall) {}

  WallTime wall() const;
  // Goes on from the last commit of an earlier process, at that time of the wall clock, of which it was ahead by so
  // much.
  void go_on(WallTime last_wall, WallTime ahead);
  WallTime now() const;
  // Of the wall clock; nullopt: go_on() was not called.
  std::optional<WallTime> ahead() const;

 private:
  static constexpr WallTime unknown = WallTime::min();

  WallTime (*ask_wall_)();
  std::atomic<WallTime> began_ = unknown;  // when the clock that is never set back was 0
};

}  // namespace pubsub_mqtt::store
