// A filter that a client names, and one that it subscribed to, with its options. Values; any thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt {

// As it is meant: where the client named it below the mount point (topic/mountpoint.h), with that before it. A topic
// filter by the rules of MQTT.
struct TopicFilter {
  std::string text;
  // Where in `text` what the client named begins, behind $share/GROUP/; 0: the filter is not mounted.
  std::size_t mounted_at = 0;

  TopicFilter() = default;
  TopicFilter(std::string filter, std::size_t at = 0)  // NOLINT(*-explicit-*)
      : text(std::move(filter)), mounted_at(at) {}
  TopicFilter(const char* filter) : text(filter) {}  // NOLINT(*-explicit-*)

  bool is_mounted() const { return mounted_at > 0; }
  // Returns nullopt as topic::split_group() does. The views borrow from this.
  std::optional<topic::GroupFilter> split() const {
    auto filter = topic::split_group(text);
    if (filter) filter->is_mounted = is_mounted();
    return filter;
  }
  // What the client has sent.
  std::string named() const {
    if (!is_mounted()) return text;
    std::string named = text.substr(0, text.size() - split()->filter.size());
    return named.append(text, mounted_at);
  }

  auto operator<=>(const TopicFilter&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Subscription {
  TopicFilter topic_filter;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  mqtt::RetainHandling retain_handling = mqtt::RetainHandling::always;
  std::uint32_t identifier = 0;  // which messages that it selects bear (MQTT 5.0, 3.8.2.1.2); 0: none

  // Whether its SUBSCRIBE brings retained messages; `is_new`: there was none with its filter [MQTT5-3.3.1-9],
  // [MQTT5-3.3.1-10], [MQTT5-3.3.1-11].
  bool brings_retained(bool is_new) const {
    return retain_handling == mqtt::RetainHandling::always ||
           (retain_handling == mqtt::RetainHandling::new_subscription && is_new);
  }

  bool operator==(const Subscription&) const = default;
};

}  // namespace pubsub_mqtt
