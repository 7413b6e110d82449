#include "record/received_identifiers.h"

#include <algorithm>

namespace pubsub_mqtt::session {

std::vector<ReceivedIdentifiers::Entry>::const_iterator ReceivedIdentifiers::place(
    mqtt::PacketIdentifier packet_identifier) const {
  return std::lower_bound(
      entries_.begin(), entries_.end(), packet_identifier,
      [](const Entry& entry, mqtt::PacketIdentifier wanted) { return entry.packet_identifier < wanted; });
}

std::optional<ReceivedIdentifiers::State> ReceivedIdentifiers::find(
    mqtt::PacketIdentifier packet_identifier) const {
  const auto entry = place(packet_identifier);
  if (entry == entries_.end() || entry->packet_identifier != packet_identifier) return std::nullopt;
  return entry->state;
}

void ReceivedIdentifiers::set(mqtt::PacketIdentifier packet_identifier, State state) {
  const auto entry = place(packet_identifier);
  if (entry == entries_.end() || entry->packet_identifier != packet_identifier) {
    entries_.insert(entry, {.packet_identifier = packet_identifier, .state = state});
  } else {
    entries_[static_cast<std::size_t>(entry - entries_.begin())].state = state;
  }
}

void ReceivedIdentifiers::erase(mqtt::PacketIdentifier packet_identifier) {
  const auto entry = place(packet_identifier);
  if (entry == entries_.end() || entry->packet_identifier != packet_identifier) return;
  entries_.erase(entry);
  // Most sessions have none most of the time.
  if (entries_.empty()) std::vector<Entry>().swap(entries_);
}

void ReceivedIdentifiers::orphan_pending() {
  for (auto& entry : entries_) {
    if (entry.state == State::pending) entry.state = State::orphaned;
  }
}

}  // namespace pubsub_mqtt::session
