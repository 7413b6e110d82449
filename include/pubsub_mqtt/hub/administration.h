// Topics and retained messages as the administrator asks for them. Values; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::hub {

// What a topic means, or a filter.
struct TopicView {
  std::string topic;        // in full: HOST/TYPE/NODE
  bool is_mounted = false;  // the client has named it below the mount point
  std::string host = {};
  std::string_view type = {};  // a string literal; empty: any
  std::string node = {};
  std::string_view fault = {};  // a string literal, why it can be none; then host, type and node are empty
};

struct RetainedView {
  std::string topic;  // of its natural TYPE, or of the one asked for
  std::string host;
  std::string node;
  std::string excerpt;  // the beginning of the payload, in one line; empty: it is empty, or no text
  std::size_t bytes = 0;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  std::optional<Time> expires_in = {};  // nullopt: it does not
};

// Where a piece begins: behind that node.
struct RetainedPosition {
  std::string host = {};
  std::string node = {};
};

struct RetainedPage {
  std::vector<RetainedView> messages = {};
  RetainedPosition next = {};  // where the next page begins
  bool is_last = false;        // there is none
};

}  // namespace pubsub_mqtt::hub
