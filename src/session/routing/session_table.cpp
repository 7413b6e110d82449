#include "routing/session_table.h"

#include <utility>

#include "protocol/session.h"
#include "record/session_record.h"

namespace pubsub_mqtt::session {
bool SessionTable::KeyOrder::operator()(const Session* a, const Session* b) const {
  return a->key() < b->key();
}
bool SessionTable::KeyOrder::operator()(const SessionKey& a, const Session* b) const { return a < b->key(); }
bool SessionTable::KeyOrder::operator()(const Session* a, const SessionKey& b) const { return a->key() < b; }

SessionTable::SessionTable() = default;
SessionTable::~SessionTable() = default;

Session& SessionTable::create(SessionRecord&& record, Shared& shared) {
  if (free_slots_.empty()) {
    if (free_slots_.capacity() <= slots_.size()) free_slots_.reserve(2 * slots_.size() + 1);
    slots_.emplace_back();
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t place = free_slots_.back();
  Slot& slot = slots_[place];
  const SessionId id = SessionId{slot.uses + 1U} << slot_bits | place;
  auto session = std::make_unique<Session>(id, std::move(record), shared);
  // A session without a client identifier is never resumed: it is unique, as [MQTT-3.1.3-6] wants it.
  const bool has_key = !session->key().client_identifier.empty();
  const bool is_by_key = has_key && by_key_.insert(session.get()).second;
  if (session->outlives_connection()) {
    try {
      count_stored(session->key().account);
    } catch (...) {
      if (is_by_key) by_key_.erase(session.get());
      throw;
    }
  }
  free_slots_.pop_back();
  ++slot.uses;
  slot.session = std::move(session);
  return *slot.session;
}

void SessionTable::erase(Session& session) noexcept {
  if (session.outlives_connection()) uncount_stored(session.key().account);
  // One that an earlier process has left over may have the key of another.
  if (const auto found = by_key_.find(session.key()); found != by_key_.end() && *found == &session) {
    by_key_.erase(found);
  }
  const auto place = static_cast<std::uint32_t>(session.id() & slot_mask);
  free_slots_.push_back(place);
  slots_[place].session.reset();
}

void SessionTable::set_expiry(Session& session, std::chrono::duration<std::uint32_t> expiry) {
  const bool outlives = expiry.count() > 0;
  if (outlives && !session.outlives_connection()) count_stored(session.key().account);
  if (!outlives && session.outlives_connection()) uncount_stored(session.key().account);
  session.record().expiry = expiry;
}

void SessionTable::uncount_stored(const std::string& account) noexcept {
  const auto stored = stored_.find(account);
  if (--stored->second == 0) stored_.erase(stored);
}

void SessionTable::clear() noexcept { slots_.clear(); }

Session* SessionTable::find(const SessionKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : *found;
}

std::size_t SessionTable::stored(const std::string& account) const {
  const auto found = stored_.find(account);
  return found == stored_.end() ? 0 : found->second;
}

}  // namespace pubsub_mqtt::session
