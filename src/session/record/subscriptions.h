// The filters of a session that were granted, with their options (MQTT 3.1.1, 3.8 and 3.10): what a session is
// subscribed to, wherever its messages come from. For matching, the hub has them as well. Network thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/boundary/subscription.h"

namespace pubsub_mqtt::session {

class Subscriptions {
 public:
  // Replaces one with the same filter [MQTT-3.8.4-3].
  void set(Subscription subscription);
  void erase(std::string_view topic_filter);

  // Returns nullptr where there is none. Good until the next change.
  const Subscription* find(std::string_view topic_filter) const;
  // Whether one of the filters selects the topic, apart from what an item's natural TYPE is.
  bool select(std::string_view topic) const;
  std::size_t size() const { return by_filter_ ? by_filter_->size() : 0; }

 private:
  // Sorted by filter; no memory before the first one, since many clients only publish.
  using ByFilter = std::vector<Subscription>;
  ByFilter::iterator place(std::string_view topic_filter) const;

  std::unique_ptr<ByFilter> by_filter_;
};

}  // namespace pubsub_mqtt::session
