// One of libuv's timers. Network thread only.
#pragma once

#include <uv.h>

#include <algorithm>
#include <cstdint>

#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt::net {

class Timer {
 public:
  // Before anything else; `owner` is the `data` of the handle that `callback` gets.
  void init(uv_loop_t& loop, void* owner, uv_timer_cb callback) {
    uv_timer_init(&loop, &timer_);
    timer_.data = owner;
    callback_ = callback;
  }

  bool is_set() const { return uv_is_active(handle()) != 0; }

  // In place of the moment it was set for. Nothing once the handle is closing.
  void set(Time from_now) { start(from_now, Time::zero()); }
  void repeat(Time interval) { start(interval, interval); }

  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&timer_); }
  const uv_handle_t* handle() const { return reinterpret_cast<const uv_handle_t*>(&timer_); }

 private:
  void start(Time first, Time interval) {
    if (uv_is_closing(handle()) != 0) return;
    uv_timer_start(&timer_, callback_, milliseconds(first), milliseconds(interval));
  }
  static std::uint64_t milliseconds(Time time) {
    return static_cast<std::uint64_t>(std::max(time, Time::zero()).count());
  }

  uv_timer_t timer_{};
  uv_timer_cb callback_ = nullptr;
};

}  // namespace pubsub_mqtt::net
