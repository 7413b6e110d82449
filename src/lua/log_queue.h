// Lines of the network thread's on their way to Prosody's log. They wait their turn like everything else, and a flood
// of them costs neither time nor memory: what is too much is left out, and counted. Prosody's thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/hub/pubsub_service.h"

namespace pubsub_mqtt::lua {

class LogQueue {
 public:
  // Takes a batch; leaves it empty.
  void accept(std::vector<LogLine>& batch);

  // Writes some of the lines. Returns false where there were none.
  bool write_some(hub::PubsubService& service);

 private:
  std::deque<LogLine> lines_;
  std::size_t left_out_ = 0;
};

}  // namespace pubsub_mqtt::lua
