#include "group.h"

#include <algorithm>

namespace pubsub_mqtt::store {
namespace {

// Numbers of rows are far below 2^47.
std::uint64_t packet_key(RowNumber session, mqtt::PacketIdentifier packet_identifier) {
  return session << 16U | packet_identifier;
}

}  // namespace

void Group::add(Unit&& unit, CommitNumber number) {
  // A change that memory did not suffice for is whole yet, and may be made twice.
  for (; added_ < unit.changes.size(); ++added_) {
    std::visit([this](auto& each) { add(each); }, unit.changes[added_]);
  }
  added_ = 0;
  number_ = number;
  last_number_ = std::max(last_number_, unit.last_number);
}

bool Group::leaves_nothing() const { return rows() == 0; }

std::size_t Group::rows() const {
  return sessions.size() + cursors.size() + filters.size() + audiences.size() + messages.size() +
         inflight.size() + received.size() + intents.size() + wills.size() + clean_wills.size() +
         retained.size() + ended_sessions.size() + taken_over.size() + carried_out.size() +
         removed_up_to.size() + passed_on_up_to.size() + items.rows();
}

void Group::clear() { *this = Group(); }

void Group::add(Put<SessionRow>& change) {
  const RowNumber key = change.row.number;
  sessions.put(key, std::move(change.row), change.is_new);
}

// What else is of it is removed with it, which comes last.
void Group::add(const RemoveSession& change) {
  sessions.remove(change.session);
  cursors.remove(change.session);
  wills.remove(change.session);
  ended_sessions.push_back(change.session);
}

void Group::add(const CursorRow& change) { cursors.put(change.session, CursorRow(change), false); }

void Group::add(Put<FilterRow>& change) {
  FilterKey key(change.row.session, change.row.subscription.topic_filter);
  filters.put(key, std::move(change.row), change.is_new);
}

void Group::add(const RemoveFilter& change) { filters.remove({change.session, change.topic_filter}); }

void Group::add(Put<AudienceRow>& change) {
  const RowNumber key = change.row.number;
  bytes_ += change.row.members.size();
  audiences.put(key, std::move(change.row), change.is_new);
}

void Group::add(const RemoveAudience& change) { audiences.remove(change.audience); }

void Group::add(Put<MessageRow>& change) {
  const RowNumber key = change.row.number;
  bytes_ += change.row.publication->size();
  messages.put(key, std::move(change.row), change.is_new);
}

void Group::add(const RemoveMessage& change) {
  if (change.is_passed_on) passed_on.insert(change.message);
  messages.remove(change.message);
}

void Group::add(const RemoveMessagesUpTo& change) {
  RowNumber& up_to = (change.is_passed_on ? passed_on_up_to : removed_up_to)[change.audience];
  up_to = std::max(up_to, change.message);
}

void Group::add(Put<InflightRow>& change) {
  const auto key = packet_key(change.row.session, change.row.packet_identifier);
  inflight.put(key, InflightRow(change.row), change.is_new);
}

void Group::add(const RemoveInflight& change) {
  inflight.remove(packet_key(change.session, change.packet_identifier));
}

void Group::add(Put<ReceivedRow>& change) {
  const auto key = packet_key(change.row.session, change.row.packet_identifier);
  received.put(key, ReceivedRow(change.row), change.is_new);
}

void Group::add(const RemoveReceived& change) {
  received.remove(packet_key(change.session, change.packet_identifier));
}

void Group::add(Put<WillRow>& change) {
  const RowNumber key = change.row.session;
  bytes_ += change.row.publication.size();
  wills.put(key, std::move(change.row), change.is_new);
}

void Group::add(Put<IntentRow>& change) {
  const auto key = packet_key(change.row.session, change.row.packet_identifier);
  carried_out.erase(key);
  intents.put(key, std::move(change.row), change.is_new);
}

void Group::add(const RemoveIntent& change) {
  const auto key = packet_key(change.session, change.packet_identifier);
  carried_out.erase(key);
  intents.remove(key);
}

void Group::add(CarriedOut& change) {
  const auto key = packet_key(change.session, change.packet_identifier);
  auto* row = intents.find(key);
  if (row == nullptr) {
    carried_out.try_emplace(key).first->second = std::move(change);  // all memory first
  } else if (*row && (*row)->item == change.item) {
    (*row)->is_published = true;
  }
}

void Group::add(Put<CleanWillRow>& change) {
  const RowNumber key = change.row.number;
  bytes_ += change.row.will.publication.size();
  clean_wills.put(key, std::move(change.row), change.is_new);
}

void Group::add(PutRetained& change) {
  bytes_ += change.row->size();
  retained.put({change.row->host, change.row->node}, std::move(change.row), false);
}

void Group::add(const RemoveWill& change) { wills.remove(change.session); }

}  // namespace pubsub_mqtt::store
