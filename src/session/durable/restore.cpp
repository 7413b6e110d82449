#include "durable/restore.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "durable/journal.h"
#include "durable/members.h"
#include "durable/stored_rows.h"
#include "protocol/session.h"
#include "routing/audiences.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {
namespace {

using store::Contents;
using store::RowNumber;
using store::WallTime;

// A client whose keep-alive is 0 has so long to come back before its will goes out.
constexpr std::chrono::seconds keep_alive_of_none{60};

// What belongs to one session, by the number of its row.
struct Parts {
  RowNumber cursor = 0;
  std::vector<Subscription> subscriptions;
  std::unordered_map<RowNumber, mqtt::PacketIdentifier> in_flight;  // by message
  std::vector<mqtt::PacketIdentifier> released;
  std::vector<mqtt::PacketIdentifier> received;
  std::vector<store::IntentRow> intents;
  std::optional<store::WillRow> will;
  Session* session = nullptr;  // nullptr: it is over, and something of it is to be passed on
  KeptSession kept = 0;
  Queue::Count waiting;
};
using PartsBySession = std::unordered_map<RowNumber, Parts>;

class Restoring {
 public:
  Restoring(Contents&& contents, Restored into) : contents_(std::move(contents)), into_(into) {
    for (const auto& row : contents_.sessions) parts_[row.number];
  }

  void run() {
    sort_parts();
    for (auto& row : contents_.sessions) begin(std::move(row));
    restore_queues();
    restore_in_flight();
    for (auto& row : contents_.sessions) subscribe(parts_[row.number]);
    for (auto& row : contents_.clean_wills) restore(std::move(row));
  }

 private:
  Parts* find(RowNumber session) {
    const auto found = parts_.find(session);
    return found == parts_.end() ? nullptr : &found->second;
  }

  void sort_parts() {
    for (const auto& row : contents_.cursors) {
      if (Parts* parts = find(row.session)) parts->cursor = row.message;
    }
    for (auto& row : contents_.filters) {
      if (Parts* parts = find(row.session)) parts->subscriptions.push_back(std::move(row.subscription));
    }
    for (const auto& row : contents_.received) {
      if (Parts* parts = find(row.session)) parts->received.push_back(row.packet_identifier);
    }
    for (auto& row : contents_.intents) {
      if (Parts* parts = find(row.session)) parts->intents.push_back(std::move(row));
    }
    for (auto& row : contents_.wills) {
      if (Parts* parts = find(row.session)) parts->will = std::move(row);
    }
    for (const auto& row : contents_.inflight) {
      Parts* parts = find(row.session);
      if (parts == nullptr) continue;
      if (row.message == 0) {
        parts->released.push_back(row.packet_identifier);
      } else {
        parts->in_flight.emplace(row.message, row.packet_identifier);
      }
    }
  }

  Time return_by(std::chrono::duration<std::uint16_t> keep_alive) const {
    return into_.shared.now + (keep_alive.count() == 0 ? keep_alive_of_none : Time(keep_alive));
  }

  // Who was connected has the time of its keep-alive to come back; who was away has been away while there was no
  // process, too.
  Time offline_since(const store::SessionRow& row) const {
    if (!row.offline_since) return return_by(row.keep_alive);
    return std::min(into_.journal.time_of(*row.offline_since), into_.shared.now);
  }

  void begin(store::SessionRow row) {
    Parts& parts = parts_[row.number];
    if (row.expiry.count() == 0 && row.offline_since) {
      parts.kept = into_.journal.restore_ended(std::move(row));
      return;
    }
    SessionRecord record{.expiry = row.expiry,
                         .level = row.level,
                         .is_bridge = row.is_bridge,
                         .since = offline_since(row),
                         .key = {.account = row.account, .client_identifier = row.client_identifier}};
    for (const auto& subscription : parts.subscriptions) record.subscriptions.set(subscription);
    for (const auto identifier : parts.received) {
      record.received.set(identifier, ReceivedIdentifiers::State::received);
    }
    parts.session = &into_.table.create(std::move(record), into_.shared);
    into_.journal.restore(*parts.session, std::move(row));
    parts.kept = parts.session->record().outgoing.kept();
    for (auto& intent : parts.intents) into_.journal.restore(*parts.session, std::move(intent));
    if (parts.will) restore(std::move(*parts.will), *parts.session);
    for (const auto& subscription : parts.subscriptions) {
      into_.shared.groups.join(parts.session->id(), parts.session->account(), subscription,
                               into_.shared.limits.shared_groups);
    }
  }

  void restore(store::WillRow&& row, Session& session) const {
    set_will(std::move(row), 0, session);
    into_.journal.restored_will(session);
  }

  // The session is over when its client does not come back: then the will goes out.
  void restore(store::CleanWillRow&& row) const {
    SessionRecord record{
        .level = row.level,
        .since = row.is_due ? into_.shared.now : return_by(row.keep_alive),
        .key = {.account = std::move(row.account), .client_identifier = std::move(row.client_identifier)}};
    set_will(std::move(row.will), row.number, into_.table.create(std::move(record), into_.shared));
  }

  static void set_will(store::WillRow&& row, RowNumber stored, Session& session) {
    auto will = std::make_unique<Will>(Will{.publication = std::move(row.publication),
                                            .delay = row.delay,
                                            .expiry = row.expiry,
                                            .stored = stored});
    will->publication.envelope.publisher = session.publisher();
    will->publication.envelope.session = session.id();
    session.record().will = std::move(will);
  }

  // What waits stays in the store: it is counted.
  void restore_queues() {
    std::unordered_map<RowNumber, const store::AudienceRow*> audiences;
    for (const auto& row : contents_.audiences) audiences.emplace(row.number, &row);
    for (const auto& waiting : contents_.waiting) {
      const auto audience = audiences.find(waiting.audience);
      if (audience == audiences.end()) {
        into_.journal.forget(waiting);
      } else {
        audiences_.emplace(waiting.audience, &into_.journal.restore(*audience->second, waiting));
        count(waiting, audience->second->members);
      }
    }
    // Audiences are removed a few at a time while the store is written: some have no message any more.
    for (const auto& row : contents_.audiences) {
      if (!audiences_.contains(row.number)) into_.journal.forget(row);
    }
    for (auto& [number, parts] : parts_) {
      if (parts.waiting.messages > 0) into_.journal.restored_queue(parts.kept, parts.cursor);
      // What one that is over has left is passed on when it is known who its groups are.
      if (parts.session != nullptr && parts.waiting.messages > 0) {
        parts.session->record().outgoing.restore_paged(parts.waiting, into_.shared);
      }
    }
  }

  void count(const store::WaitingMessages& waiting, std::string_view members) {
    while (const auto member = take_member(members)) {
      Parts* parts = find(member->session);
      if (parts == nullptr || parts->cursor >= waiting.last.number) continue;
      auto first = std::optional(waiting.first);
      if (parts->cursor >= first->number) first = contents_.first_after(waiting.audience, parts->cursor);
      if (!first) first = waiting.last;  // it cannot be read now: the last one waits in any case
      parts->waiting.messages += waiting.last.place.messages - first->place.messages + 1;
      parts->waiting.bytes += waiting.last.place.bytes - first->place.bytes + first->bytes;
    }
  }

  void restore_in_flight() {
    const StoredRows rows{
        .journal = into_.journal, .audiences = into_.audiences, .groups = into_.shared.groups};
    for (const auto& row : contents_.messages) {
      const auto audience = audiences_.find(row.audience);
      const auto message = audience == audiences_.end() ? nullptr : rows.message(row);
      if (message == nullptr) continue;
      message->stored().audience = audience->second;
      restore(message, *audience->second->members_as_stored, rows);
    }
    for (auto& [number, parts] : parts_) {
      if (parts.session == nullptr) continue;
      for (const auto identifier : parts.released)
        parts.session->record().outgoing.restore_released(identifier);
    }
  }

  void restore(const std::shared_ptr<Message>& message, std::string_view members, const StoredRows& rows) {
    while (const auto member = take_member(members)) {
      Parts* parts = find(member->session);
      if (parts == nullptr || parts->session == nullptr) continue;
      const auto in_flight = parts->in_flight.find(message->stored().number);
      if (in_flight == parts->in_flight.end()) continue;
      into_.journal.restored_in_flight(*message);
      parts->session->record().outgoing.restore_sent(
          message, rows.selected(*member, parts->session->account(), *message), in_flight->second);
    }
  }

  void subscribe(Parts& parts) const {
    if (parts.session == nullptr || parts.subscriptions.empty()) return;
    parts.session->subscribe_again(std::move(parts.subscriptions));
  }

  Contents contents_;
  Restored into_;
  PartsBySession parts_;
  std::unordered_map<RowNumber, StoredAudience*> audiences_;  // that have messages
};

}  // namespace

void restore(store::Contents&& contents, Restored into) { Restoring(std::move(contents), into).run(); }

}  // namespace pubsub_mqtt::session
