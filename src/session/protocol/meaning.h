// What the topics and filters mean that a client names: below the mount point, if there is one that takes them
// (topic/mountpoint.h). Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/topic/mountpoint.h"
#include "record/session_key.h"

namespace pubsub_mqtt::session {

struct MeantTopic {
  std::string text;
  std::size_t mounted_at = 0;  // as PublishRequest has it

  bool operator==(const MeantTopic&) const = default;
};

// `mountpoint` is nullptr where there is none; `key` is the client's. Without a mount point it is a copy.
MeantTopic meaning_of_topic(std::string_view named, const topic::Mountpoint* mountpoint,
                            const SessionKey& key);
TopicFilter meaning_of_filter(std::string_view named, const topic::Mountpoint* mountpoint,
                              const SessionKey& key);

}  // namespace pubsub_mqtt::session
