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
#include "protocol/session.h"
#include "pubsub_mqtt/topic/topic.h"
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
  Session* session = nullptr;

  bool needs(RowNumber message) const { return message > cursor || in_flight.contains(message); }
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
    restore_messages();
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
  // process, too, unless the clock says otherwise.
  Time offline_since(const store::SessionRow& row) const {
    const Time now = into_.shared.now;
    if (!row.offline_since) return return_by(row.keep_alive);
    const WallTime latest = std::max(into_.journal.wall(now), contents_.last_wall);
    return now - std::max(latest - *row.offline_since, WallTime(0));
  }

  void begin(store::SessionRow row) {
    Parts& parts = parts_[row.number];
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
    into_.journal.restore(*parts.session, std::move(row), contents_.last_number);
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

  void restore_messages() {
    std::unordered_map<RowNumber, const store::AudienceRow*> audiences;
    for (const auto& row : contents_.audiences) audiences.emplace(row.number, &row);
    for (const auto& row : contents_.messages) {
      const auto audience = audiences.find(row.audience);
      if (audience == audiences.end() || !restore(row, *audience->second)) into_.journal.forget(row);
    }
    for (auto& [number, parts] : parts_) {
      for (const auto identifier : parts.released)
        parts.session->record().outgoing.restore_released(identifier);
    }
  }

  // Returns false where no session needs it any more, or its topic means nothing to this version.
  bool restore(const store::MessageRow& row, const store::AudienceRow& audience) {
    const bool is_mounted = !row.full_topic.empty();
    const auto parsed = topic::parse_topic(is_mounted ? row.full_topic : row.publication->topic);
    const auto* place = std::get_if<topic::NodeTopic>(&parsed);
    if (place == nullptr) return false;
    std::shared_ptr<Message> message;
    std::string_view members = audience.members;
    while (const auto member = take_member(members)) {
      Parts* parts = find(member->session);
      if (parts == nullptr || !parts->needs(row.number)) continue;
      if (message == nullptr) {
        message = make_message(row, {place->type, is_mounted});
        into_.journal.restore(*message, row.number, into_.journal.restore(audience));
        into_.audiences.await_node(place->host, place->node, message);
      }
      ++message->stored().sessions;
      restore(message, row.number, selected(*member, *parts->session, is_mounted), *parts);
    }
    return message != nullptr;
  }

  void restore(const std::shared_ptr<Message>& message, RowNumber number, Selected selected,
               Parts& parts) const {
    Outgoing& outgoing = parts.session->record().outgoing;
    const auto in_flight = parts.in_flight.find(number);
    if (in_flight != parts.in_flight.end()) {
      outgoing.restore_sent(message, std::move(selected), in_flight->second);
    } else {
      outgoing.restore_queued(message, std::move(selected), into_.shared);
    }
  }

  std::shared_ptr<Message> make_message(const store::MessageRow& row, topic::Form form) const {
    Publication publication = *row.publication;
    if (row.expires_at == WallTime(0)) {
      publication.envelope.expires_at = Envelope::at_once;
    } else if (row.expires_at != store::MessageRow::never) {
      publication.envelope.expires_at = into_.journal.monotonic(row.expires_at);
    }
    const auto kind = row.is_retained ? Message::Kind::retained : Message::Kind::live;
    return std::make_shared<Message>(kind, 0, form, std::move(publication));
  }

  Selected selected(const Member& member, const Session& session, bool is_mounted) const {
    Selected selected{.qos = member.qos, .retain = member.retain};
    if (!member.identifiers.empty()) {
      selected.identifiers = std::make_shared<const std::string>(member.identifiers);
    }
    if (!member.shared_filter.empty()) {
      selected.group = into_.shared.groups.number(session.account(), member.shared_filter, is_mounted);
    }
    return selected;
  }

  void subscribe(Parts& parts) const {
    if (parts.subscriptions.empty()) return;
    parts.session->subscribe_again(std::move(parts.subscriptions));
  }

  Contents contents_;
  Restored into_;
  PartsBySession parts_;
};

}  // namespace

void restore(store::Contents&& contents, Restored into) { Restoring(std::move(contents), into).run(); }

}  // namespace pubsub_mqtt::session
