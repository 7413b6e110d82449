#include "reader.h"

#include <string>
#include <utility>

#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

template <typename Work>
int for_each_row(Database& database, const char* sql, Work&& work) {
  Statement statement(database.handle(), sql);
  while (statement.step()) work(statement);
  return statement.result() == SQLITE_DONE ? SQLITE_OK : statement.result();
}

RowNumber number(Statement& row) { return static_cast<RowNumber>(row.integer()); }
bool flag(Statement& row) { return row.integer() != 0; }
std::string text(Statement& row) { return std::string(row.bytes()); }
mqtt::PacketIdentifier packet_identifier(Statement& row) {
  return static_cast<mqtt::PacketIdentifier>(row.integer());
}
template <typename Duration>
Duration duration(Statement& row) {
  return Duration(static_cast<typename Duration::rep>(row.integer()));
}

template <typename Duration>
std::optional<Duration> optional_duration(Statement& row) {
  const bool is_null = row.next_is_null();
  const auto value = duration<Duration>(row);
  return is_null ? std::nullopt : std::optional(value);
}

// What was written is one of them, unless somebody else has written it.
template <typename Value>
Value within(Statement& row, std::int64_t most) {
  const auto value = row.integer();
  return static_cast<Value>(value < 0 || value > most ? 0 : value);
}
mqtt::QoS qos(Statement& row) { return within<mqtt::QoS>(row, 2); }

std::shared_ptr<const std::string> properties(Statement& row) {
  const auto bytes = row.bytes();
  return bytes.empty() ? nullptr : std::make_shared<const std::string>(bytes);
}

int read_sessions(Database& database, Contents& into) {
  return for_each_row(database,
                      "SELECT number, account, client_identifier, level, is_bridge, expiry, keep_alive, "
                      "offline_since FROM session ORDER BY number",
                      [&](Statement& row) {
                        SessionRow session{.number = number(row)};
                        session.account = text(row);
                        session.client_identifier = text(row);
                        session.level = static_cast<mqtt::ProtocolLevel>(row.integer());
                        session.is_bridge = flag(row);
                        session.expiry = duration<decltype(session.expiry)>(row);
                        session.keep_alive = duration<decltype(session.keep_alive)>(row);
                        session.offline_since = optional_duration<WallTime>(row);
                        into.sessions.push_back(std::move(session));
                      });
}

int read_filters(Database& database, Contents& into) {
  return for_each_row(
      database,
      "SELECT session, topic_filter, mounted_at, qos, no_local, retain_as_published, retain_handling, "
      "identifier FROM filter ORDER BY session, topic_filter",
      [&](Statement& row) {
        FilterRow filter{.session = number(row)};
        auto& subscription = filter.subscription;
        subscription.topic_filter.text = text(row);
        subscription.topic_filter.mounted_at = number(row);
        subscription.qos = qos(row);
        subscription.no_local = flag(row);
        subscription.retain_as_published = flag(row);
        subscription.retain_handling = within<mqtt::RetainHandling>(row, 2);
        subscription.identifier = static_cast<std::uint32_t>(row.integer());
        into.filters.push_back(std::move(filter));
      });
}

int read_messages(Database& database, Contents& into) {
  return for_each_row(database,
                      "SELECT number, audience, is_retained, full_topic, topic, qos, retain, publisher, "
                      "expires_at, properties, "
                      "payload FROM message ORDER BY number",
                      [&](Statement& row) {
                        MessageRow message{.number = number(row)};
                        message.audience = number(row);
                        message.is_retained = flag(row);
                        message.full_topic = text(row);
                        Publication publication{.topic = text(row), .payload = {}};
                        publication.envelope.qos = qos(row);
                        publication.envelope.retain = flag(row);
                        publication.envelope.publisher = number(row);
                        message.expires_at = optional_duration<WallTime>(row).value_or(MessageRow::never);
                        publication.envelope.properties = properties(row);
                        publication.payload = text(row);
                        message.publication = std::make_shared<const Publication>(std::move(publication));
                        into.messages.push_back(std::move(message));
                      });
}

int read_wills(Database& database, Contents& into) {
  return for_each_row(database,
                      "SELECT session, delay, expiry, topic, qos, retain, properties, payload FROM will",
                      [&](Statement& row) {
                        WillRow will{.session = number(row)};
                        will.delay = duration<decltype(will.delay)>(row);
                        will.expiry = optional_duration<std::chrono::duration<std::uint32_t>>(row);
                        will.publication.topic = text(row);
                        will.publication.envelope.qos = qos(row);
                        will.publication.envelope.retain = flag(row);
                        will.publication.envelope.properties = properties(row);
                        will.publication.payload = text(row);
                        into.wills.push_back(std::move(will));
                      });
}

int read_numbers(Database& database, Contents& into) {
  return for_each_row(database, "SELECT last_number, last_wall FROM meta", [&](Statement& row) {
    into.last_number = number(row);
    into.last_wall = duration<WallTime>(row);
  });
}

int read_packet_identifiers(Database& database, Contents& into) {
  const int error = for_each_row(
      database, "SELECT session, packet_identifier, message, position FROM inflight ORDER BY position",
      [&](Statement& row) {
        InflightRow inflight{.session = number(row)};
        inflight.packet_identifier = packet_identifier(row);
        inflight.message = number(row);
        inflight.position = number(row);
        into.inflight.push_back(inflight);
      });
  if (error != SQLITE_OK) return error;
  return for_each_row(database, "SELECT session, packet_identifier FROM received", [&](Statement& row) {
    ReceivedRow received{.session = number(row)};
    received.packet_identifier = packet_identifier(row);
    into.received.push_back(received);
  });
}

int read_audiences(Database& database, Contents& into) {
  const int error = for_each_row(database, "SELECT session, message FROM cursor", [&](Statement& row) {
    CursorRow cursor{.session = number(row)};
    cursor.message = number(row);
    into.cursors.push_back(cursor);
  });
  if (error != SQLITE_OK) return error;
  return for_each_row(database, "SELECT number, members FROM audience", [&](Statement& row) {
    AudienceRow audience{.number = number(row)};
    audience.members = text(row);
    into.audiences.push_back(std::move(audience));
  });
}

}  // namespace

int read(Database& database, Contents& into) {
  // Audiences are removed a few at a time while the store is written: some have no message any more.
  const int removed = database.run("DELETE FROM audience WHERE number NOT IN (SELECT audience FROM message)");
  if (is_damage(removed)) return removed;
  for (const auto step : {read_numbers, read_sessions, read_filters, read_audiences, read_messages,
                          read_packet_identifiers, read_wills}) {
    if (const int error = step(database, into); error != SQLITE_OK) return error;
  }
  return SQLITE_OK;
}

}  // namespace pubsub_mqtt::store
