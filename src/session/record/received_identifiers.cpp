#include "record/received_identifiers.h"

#include <algorithm>

namespace pubsub_mqtt::session {

ReceivedIdentifiers::Entries::iterator ReceivedIdentifiers::place(
    mqtt::PacketIdentifier packet_identifier) const {
  return std::lower_bound(
      entries_->begin(), entries_->end(), packet_identifier,
      [](const Entry& entry, mqtt::PacketIdentifier wanted) { return entry.packet_identifier < wanted; });
}

std::optional<ReceivedIdentifiers::State> ReceivedIdentifiers::find(
    mqtt::PacketIdentifier packet_identifier) const {
  if (!entries_) return std::nullopt;
  const auto entry = place(packet_identifier);
  if (entry == entries_->end() || entry->packet_identifier != packet_identifier) return std::nullopt;
  return entry->state;
}

void ReceivedIdentifiers::set(mqtt::PacketIdentifier packet_identifier, State state) {
  if (!entries_) entries_ = std::make_unique<Entries>();
  const auto entry = place(packet_identifier);
  if (entry == entries_->end() || entry->packet_identifier != packet_identifier) {
    entries_->insert(entry, {.packet_identifier = packet_identifier, .state = state});
  } else {
    entry->state = state;
  }
}

void ReceivedIdentifiers::erase(mqtt::PacketIdentifier packet_identifier) {
  if (!entries_) return;
  const auto entry = place(packet_identifier);
  if (entry == entries_->end() || entry->packet_identifier != packet_identifier) return;
  entries_->erase(entry);
  if (entries_->empty()) entries_.reset();
}

void ReceivedIdentifiers::orphan_pending() {
  if (!entries_) return;
  for (auto& entry : *entries_) {
    if (entry.state == State::pending) entry.state = State::orphaned;
  }
}

}  // namespace pubsub_mqtt::session
