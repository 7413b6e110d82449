#include "routing/client_list.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "protocol/session.h"
#include "pubsub_mqtt/base/printable.h"

namespace pubsub_mqtt::session {
namespace {

// Sessions lie all over the memory: so many are looked at in some 100 us.
constexpr std::size_t places_a_page = 1000;

ClientView view_of(const SessionTable& table, const Session& session, Time now) {
  const SessionRecord& record = session.record();
  return {.session = session.id(),
          .number = table.number(session),
          .client_identifier = printable(record.key.client_identifier),
          .account = record.key.account,
          .address = session.address(),
          .level = record.level,
          .is_bridge = record.is_bridge,
          .transport = record.transport,
          .is_connected = session.is_connected(),
          // Of one that an earlier process has left it may be to come.
          .since = std::max(now - record.since, Time(0)),
          .queued = record.outgoing.queued(),
          .queued_bytes = record.outgoing.queued_bytes(),
          .in_flight = record.outgoing.in_flight(),
          .dropped = session.dropped()};
}

bool has_text(const Session& session, std::string_view text) {
  const auto has = [&](std::string_view whole) { return whole.find(text) != std::string_view::npos; };
  return has(session.key().client_identifier) || has(session.account()) || has(session.address());
}

bool is_asked_for(const Session& session, const ClientQuery& query) {
  if (query.is_away && session.is_connected()) return false;
  if (query.identifier && session.key().client_identifier != *query.identifier) return false;
  return query.text.empty() || has_text(session, query.text);
}

}  // namespace

ClientPage list_clients(const SessionTable& table, const ClientQuery& query, Time now) {
  ClientPage page;
  const auto visit = [&](const Session& session, std::uint32_t number) {
    if (query.number && number != *query.number) return;
    if (!is_asked_for(session, query)) return;
    ++page.sessions;
    if (session.is_connected()) ++page.connected;
    if (page.clients.size() < query.most) page.clients.push_back(view_of(table, session, now));
  };
  page.next = table.for_each_from(query.from, places_a_page, visit);
  return page;
}

ClientDetails describe(const SessionTable& table, const Session& session, std::size_t most_filters,
                       Time now) {
  const SessionRecord& record = session.record();
  ClientDetails details{.client = view_of(table, session, now),
                        .connection = session.connection(),
                        .expiry = std::chrono::duration_cast<std::chrono::seconds>(
                            std::min<Time>(record.expiry, session.shared().limits.session_expiry)),
                        .is_stored = session.journal() != nullptr,
                        .received = record.received.size(),
                        .filters = record.subscriptions.size()};
  if (session.is_connected()) details.waiting_bytes = session.outbox()->waiting_bytes();
  if (const ClientLimits* limits = session.client_limits()) {
    details.receive_maximum = limits->receive_maximum;
    details.max_packet_size = limits->max_packet_size;
  }
  if (record.will) {
    const Publication& publication = record.will->publication;
    details.will = {.topic = printable(publication.topic),
                    .qos = publication.envelope.qos,
                    .retain = publication.envelope.retain,
                    .bytes = publication.payload.size(),
                    .delay = record.will->delay};
  }
  record.subscriptions.for_each([&](const Subscription& subscription) {
    if (details.first_filters.size() == most_filters) return;
    details.first_filters.push_back({.named = printable(subscription.topic_filter.named()),
                                     .meant = printable(subscription.topic_filter.text),
                                     .qos = subscription.qos,
                                     .no_local = subscription.no_local,
                                     .retain_as_published = subscription.retain_as_published,
                                     .identifier = subscription.identifier});
  });
  return details;
}

}  // namespace pubsub_mqtt::session
