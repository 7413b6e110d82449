// The sessions for which a message is kept, and how each receives it, as bytes: what a row of the store's audiences
// holds. The same sessions with the same subscriptions are the same bytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::session {

// As Selected, but that of a group there is the filter in place of its number, which is of this process.
struct Member {
  store::RowNumber session = 0;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;
  std::string_view identifiers = {};    // encoded properties; empty: none
  std::string_view shared_filter = {};  // `$share/GROUP/FILTER`; empty: no group's

  bool operator==(const Member&) const = default;
};

// Where memory runs out, nothing was appended.
void append(const Member& member, std::string& members);

// Takes the first member off the front. nullopt: there is none, or what is there was not written by append().
std::optional<Member> take_member(std::string_view& members);

// nullopt: the session is not one of them.
std::optional<Member> find_member(store::RowNumber session, std::string_view members);

}  // namespace pubsub_mqtt::session
