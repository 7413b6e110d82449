// How often each reason was given. A value; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pubsub_mqtt/mqtt/reason.h"

namespace pubsub_mqtt::mqtt {

class CountsByReason {
 public:
  void add(Reason reason) { ++counts_[static_cast<std::size_t>(reason)]; }
  std::uint64_t of(Reason reason) const { return counts_[static_cast<std::size_t>(reason)]; }

  // `visit` is given each reason that was given, and how often.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > 0) visit(static_cast<Reason>(i), counts_[i]);
    }
  }

 private:
  std::array<std::uint64_t, 256> counts_{};
};

}  // namespace pubsub_mqtt::mqtt
