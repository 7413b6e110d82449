#include "clock.h"

#include <algorithm>
#include <chrono>

namespace pubsub_mqtt::store {
namespace {

template <typename Of>
WallTime now_of() {
  return std::chrono::duration_cast<WallTime>(Of::now().time_since_epoch());
}

}  // namespace

WallTime Clock::wall() const {
  return ask_wall_ != nullptr ? ask_wall_() : now_of<std::chrono::system_clock>();
}

void Clock::go_on(WallTime last_wall, WallTime ahead) {
  const WallTime passed = std::max(wall() - last_wall, WallTime(0));
  began_ = last_wall + ahead + passed - now_of<std::chrono::steady_clock>();
}

WallTime Clock::now() const {
  const WallTime began = began_;
  return began == unknown ? wall() : began + now_of<std::chrono::steady_clock>();
}

std::optional<WallTime> Clock::ahead() const {
  return began_.load() == unknown ? std::nullopt : std::optional(now() - wall());
}

}  // namespace pubsub_mqtt::store
