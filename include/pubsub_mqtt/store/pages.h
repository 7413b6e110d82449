// Messages that wait in the store for a session: read a page at a time, when they are about to be sent. Values; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::store {

struct PageRequest {
  std::uint64_t number = 0;          // of the request, whatever that means to whoever asks
  std::vector<RowNumber> audiences;  // the session is in these
  RowNumber after = 0;               // of messages: this one and those before it are not wanted
  RowNumber up_to = 0;               // nor those behind this one
  std::size_t messages = 0;          // no more than so many
  std::size_t bytes = 0;             // nor than so many, but always one
};

struct Page {
  std::uint64_t number = 0;          // of the request
  std::vector<MessageRow> messages;  // in the order of their numbers
  RowNumber complete_up_to = 0;      // all that are wanted up to this number are there
  // The database is damaged: what is missing cannot be read.
  bool is_damaged = false;
};

}  // namespace pubsub_mqtt::store
