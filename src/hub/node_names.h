// Which names of nodes MQTT sees: those that topics can have (topic::is_node_name, and a topic is a string of at most
// 65,535 bytes), and that the stores of their host can hold. Prosody's thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {

class NodeNames {
 public:
  // Why a topic is refused whose node has a longer name.
  static constexpr std::string_view too_long =
      "the node's name is longer than file storage takes, which is 200 bytes as the name of a file (shorten "
      "it, or have storage = \"sql\"), or than a topic can be";

  // See Hub::set_max_node_name().
  void set_max(std::string_view host, std::optional<std::size_t> encoded_bytes) {
    const auto known = max_by_host_.find(host);
    if (known != max_by_host_.end()) max_by_host_.erase(known);
    if (encoded_bytes) max_by_host_.emplace(host, *encoded_bytes);
  }

  // Whether the host can have a node of the name, or any that the pattern selects, as far as its length tells.
  bool are_short_enough(std::string_view host, std::string_view name_or_pattern) const {
    const std::size_t longest_type = topic::name(topic::Type::atom_title).size();
    if (host.size() + longest_type + name_or_pattern.size() + 2 > longest_topic) return false;
    const auto max = max_by_host_.find(host);
    return max == max_by_host_.end() || topic::encoded_size(name_or_pattern) <= max->second;
  }

  bool is_visible(std::string_view host, std::string_view name) const {
    return topic::is_node_name(name) && are_short_enough(host, name);
  }

 private:
  static constexpr std::size_t longest_topic = 65535;

  std::map<std::string, std::size_t, std::less<>> max_by_host_;
};

}  // namespace pubsub_mqtt::hub
