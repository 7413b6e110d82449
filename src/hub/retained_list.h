// The retained messages that a filter selects, as the administrator sees them. Prosody's thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "nodes.h"
#include "pubsub_mqtt/hub/administration.h"
#include "pubsub_mqtt/topic/topic.h"
#include "pubsub_mqtt/topic/type.h"
#include "retained_store.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class RetainedList {
 public:
  RetainedList(const Shared& shared, Nodes& nodes, RetainedStore& store)
      : shared_(shared), nodes_(nodes), store_(store) {}

  // As much as a step may cost, and `most` messages. `filter` can select nodes.
  RetainedPage read(std::string_view filter, const RetainedPosition& from, std::size_t most);

 private:
  void add(Node& node, std::optional<topic::Type> type, RetainedPage& page);

  const Shared& shared_;
  Nodes& nodes_;
  RetainedStore& store_;
};

}  // namespace pubsub_mqtt::hub
