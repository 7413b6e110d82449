// How clients' requests share Prosody's event loop with XMPP: in slices, through a watched descriptor, and through a
// timer where that would go on for long, since Prosody 0.12 runs no timers while any descriptor is readable.
// Prosody's thread only.
#pragma once

#include <chrono>

namespace pubsub_mqtt::lua {

class WorkSlices {
 public:
  using Clock = std::chrono::steady_clock;

  // How long Prosody's loop waits for a slice, and how long the descriptor may stay readable.
  static constexpr std::chrono::microseconds slice{500};
  static constexpr std::chrono::milliseconds burst{20};

  // What is to be done: the core implements it, unit tests imitate it.
  class Work {
   public:
    Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    virtual ~Work() = default;

    // Takes what the network thread has posted so far.
    virtual void take() = 0;
    // Works until the deadline, but one step at least. Returns true where nothing is left.
    virtual bool step_until(Clock::time_point deadline) = 0;
    virtual void set_readable(bool readable) = 0;
    virtual Clock::time_point now() = 0;
  };

  // Carries out a slice. `from_timer` says who calls: the watched descriptor, or the timer. Returns true where more
  // is left: call again from a timer.
  bool run(Work& work, bool from_timer);

 private:
  Clock::time_point busy_since_{};
  bool busy_ = false;
  bool waiting_for_timer_ = false;
};

}  // namespace pubsub_mqtt::lua
