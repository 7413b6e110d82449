#include "work_slices.h"

namespace pubsub_mqtt::lua {

bool WorkSlices::run(Work& work, bool from_timer) {
  if (from_timer) {
    waiting_for_timer_ = false;
  } else if (waiting_for_timer_) {
    work.set_readable(false);  // the timer will see to it
    return false;
  }
  const auto now = work.now();
  if (!busy_ || from_timer) {
    busy_ = true;
    busy_since_ = now;
  }
  work.take();
  if (work.step_until(now + slice)) {
    work.set_readable(false);
    work.take();  // what was posted before the descriptor was drained
    if (work.step_until(work.now())) {
      busy_ = false;
      return false;
    }
  }
  if (work.now() - busy_since_ > burst) {
    work.set_readable(false);
    waiting_for_timer_ = true;
    return true;
  }
  work.set_readable(true);
  return false;
}

}  // namespace pubsub_mqtt::lua
