#include "reader.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "message_reader.h"
#include "row_values.h"
#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

template <typename Work>
int for_each_row(Database& database, const char* sql, Work&& work) {
  Statement statement(database.handle(), sql);
  while (statement.step()) work(statement);
  return statement.result() == SQLITE_DONE ? SQLITE_OK : statement.result();
}

mqtt::PacketIdentifier packet_identifier(Statement& row) {
  return static_cast<mqtt::PacketIdentifier>(row.integer());
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

// Those that wait are read when they are about to be sent.
int read_messages(Database& database, Contents& into) {
  const std::string sql = std::string("SELECT ") + message_columns +
                          " FROM message WHERE number IN (SELECT message FROM inflight) ORDER BY number";
  return for_each_row(database, sql.c_str(),
                      [&](Statement& row) { into.messages.push_back(read_message(row)); });
}

// What of a message tells its place in queues.
constexpr std::string_view waiting_columns =
    "number, place_messages, place_bytes, CASE is_retained WHEN 0 THEN length(CAST(topic AS BLOB)) + "
    "length(properties) + length(payload) ELSE 0 END";

std::string select_waiting(std::string_view which) {
  return "SELECT " + std::string(waiting_columns) + " FROM message WHERE audience = ? " + std::string(which) +
         " LIMIT 1";
}

// The statement is bound. nullopt: there is none, or the statement's result is the error.
std::optional<Waiting> read_waiting(Statement& statement) {
  if (!statement.step()) return std::nullopt;
  Waiting waiting{.number = number(statement)};
  waiting.place.messages = number(statement);
  waiting.place.bytes = number(statement);
  waiting.bytes = number(statement);
  statement.reset();
  return waiting;
}

int read_places(Database& database, Contents& into) {
  Statement first(database.handle(), select_waiting("ORDER BY number"));
  Statement last(database.handle(), select_waiting("ORDER BY number DESC"));
  Statement next(database.handle(), "SELECT min(audience) FROM message WHERE audience > ?");
  RowNumber audience = 0;
  while (next.bind(integer(audience)).step() && !next.next_is_null()) {
    audience = number(next);
    next.reset();
    const auto begin = read_waiting(first.bind(integer(audience)));
    const auto end = read_waiting(last.bind(integer(audience)));
    if (!begin || !end) return begin ? last.result() : first.result();
    into.waiting.push_back({.audience = audience, .first = *begin, .last = *end});
  }
  const int result = next.result();
  next.reset();
  return result == SQLITE_ROW ? SQLITE_OK : result;
}

// Has a connection of its own, since the other one is the thread's.
class FirstAfter {
 public:
  explicit FirstAfter(const Settings& settings) {
    database_.open(settings);
    statement_.emplace(database_.handle(), select_waiting("AND number > ? ORDER BY number"));
  }

  std::optional<Waiting> operator()(RowNumber audience, RowNumber after) {
    return read_waiting(statement_->bind(integer(audience)).bind(integer(after)));
  }

 private:
  Database database_;
  std::optional<Statement> statement_;
};

// delay, expiry, topic, qos, retain, properties, payload
WillRow will(RowNumber session, Statement& row) {
  WillRow will{.session = session};
  will.delay = duration<decltype(will.delay)>(row);
  will.expiry = optional_duration<std::chrono::duration<std::uint32_t>>(row);
  will.publication.topic = text(row);
  will.publication.envelope.qos = qos(row);
  will.publication.envelope.retain = flag(row);
  will.publication.envelope.properties = properties(row);
  will.publication.payload = text(row);
  return will;
}

int read_wills(Database& database, Contents& into) {
  return for_each_row(database,
                      "SELECT session, delay, expiry, topic, qos, retain, properties, payload FROM will",
                      [&](Statement& row) {
                        const RowNumber session = number(row);
                        into.wills.push_back(will(session, row));
                      });
}

int read_clean_wills(Database& database, Contents& into) {
  return for_each_row(
      database,
      "SELECT number, account, client_identifier, level, keep_alive, is_due, "
      "delay, expiry, topic, qos, retain, properties, payload FROM clean_will ORDER BY number",
      [&](Statement& row) {
        CleanWillRow clean{.number = number(row)};
        clean.account = text(row);
        clean.client_identifier = text(row);
        clean.level = static_cast<mqtt::ProtocolLevel>(row.integer());
        clean.keep_alive = duration<decltype(clean.keep_alive)>(row);
        clean.is_due = flag(row);
        clean.will = will(0, row);
        into.clean_wills.push_back(std::move(clean));
      });
}

int read_intents(Database& database, Contents& into) {
  return for_each_row(database, "SELECT session, packet_identifier, item, is_published FROM intent",
                      [&](Statement& row) {
                        IntentRow intent{.session = number(row)};
                        intent.packet_identifier = packet_identifier(row);
                        intent.item = text(row);
                        intent.is_published = flag(row);
                        into.intents.push_back(std::move(intent));
                      });
}

int read_numbers(Database& database, Contents& into) {
  return for_each_row(database,
                      "SELECT last_number, last_wall, coalesce((SELECT ahead FROM clock), 0) FROM meta",
                      [&](Statement& row) {
                        into.last_number = number(row);
                        into.last_wall = duration<WallTime>(row);
                        into.clock_ahead = duration<WallTime>(row);
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

int read(Database& database, const Settings& settings, Contents& into) {
  for (const auto step : {read_numbers, read_sessions, read_filters, read_audiences, read_messages,
                          read_places, read_packet_identifiers, read_intents, read_wills, read_clean_wills}) {
    if (const int error = step(database, into); error != SQLITE_OK) return error;
  }
  into.first_after = [&settings, reader = std::shared_ptr<FirstAfter>()](RowNumber audience,
                                                                         RowNumber after) mutable {
    if (reader == nullptr) reader = std::make_shared<FirstAfter>(settings);
    return (*reader)(audience, after);
  };
  return SQLITE_OK;
}

}  // namespace pubsub_mqtt::store
