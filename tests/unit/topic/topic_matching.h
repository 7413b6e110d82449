// The rules of MQTT 3.1.1, 4.7, written down directly: what the hub's filters are compared with.
#pragma once

#include <string_view>

namespace pubsub_mqtt::topic {

// A wildcard on the first level selects no topic that begins with `$` [MQTT-4.7.2-1].
inline bool matches(std::string_view topic_filter, std::string_view topic_name) {
  if (topic_name.starts_with('$') && (topic_filter.starts_with('+') || topic_filter.starts_with('#')))
    return false;
  for (;;) {
    if (topic_filter == "#") return true;
    const auto filter_slash = topic_filter.find('/');
    const auto topic_slash = topic_name.find('/');
    const auto filter_level = topic_filter.substr(0, filter_slash);
    if (filter_level != "+" && filter_level != topic_name.substr(0, topic_slash)) return false;
    if (topic_slash == std::string_view::npos) {
      // `#` selects the level above it as well (4.7.1.2).
      return filter_slash == std::string_view::npos || topic_filter.substr(filter_slash) == "/#";
    }
    if (filter_slash == std::string_view::npos) return false;
    topic_filter.remove_prefix(filter_slash + 1);
    topic_name.remove_prefix(topic_slash + 1);
  }
}

}  // namespace pubsub_mqtt::topic
