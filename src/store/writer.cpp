#include "writer.h"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace pubsub_mqtt::store {
namespace {

std::string_view properties_of(const Publication& publication) {
  const auto& properties = publication.envelope.properties;
  return properties == nullptr ? std::string_view() : *properties;
}

// Numbers of SQLite's have a sign: the bits are the same.
std::int64_t publisher_of(const Publication& publication) {
  return static_cast<std::int64_t>(publication.envelope.publisher);
}

std::int64_t qos_of(const Publication& publication) {
  return static_cast<std::int64_t>(publication.envelope.qos);
}

// Of messages that nobody needs any more, with a commit: a millisecond or two.
constexpr int most_swept = 1000;

// Goes on until one fails.
template <typename Rows, typename Work>
int for_each(const Rows& changed, Work&& work) {
  for (const auto& [key, row] : changed.rows()) {
    if (const int error = work(key, row); error != SQLITE_OK) return error;
  }
  return SQLITE_OK;
}

template <typename... Steps>
int in_turn(Steps&&... steps) {
  int error = SQLITE_OK;
  static_cast<void>((((error = steps()) == SQLITE_OK) && ...));
  return error;
}

}  // namespace

Writer::Writer(Database& database)
    : database_(database),
      begin_(database.handle(), "BEGIN IMMEDIATE"),
      commit_(database.handle(), "COMMIT"),
      rollback_(database.handle(), "ROLLBACK"),
      meta_(database.handle(),
            "UPDATE meta SET last_number = max(last_number, ?), last_wall = max(?, iif(?, last_wall, 0))"),
      clock_(database.handle(), "REPLACE INTO clock VALUES (1, ?)"),
      session_(database, "REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               "DELETE FROM session WHERE number = ?"),
      cursor_(database, "REPLACE INTO cursor VALUES (?, ?)", "DELETE FROM cursor WHERE session = ?"),
      filter_(database, "REPLACE INTO filter VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
              "DELETE FROM filter WHERE session = ? AND topic_filter = ? AND mounted_at = ?"),
      audience_(database, "REPLACE INTO audience VALUES (?, ?)", "DELETE FROM audience WHERE number = ?"),
      message_(
          database,
          "REPLACE INTO message (number, audience, is_retained, full_topic, topic, qos, retain, publisher, "
          "expires_at, properties, payload, place_messages, place_bytes) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          "DELETE FROM message WHERE number = ?"),
      inflight_(database, "REPLACE INTO inflight VALUES (?, ?, ?, ?)",
                "DELETE FROM inflight WHERE session = ? AND packet_identifier = ?"),
      received_(database, "REPLACE INTO received VALUES (?, ?)",
                "DELETE FROM received WHERE session = ? AND packet_identifier = ?"),
      intent_(database, "REPLACE INTO intent VALUES (?, ?, ?, ?)",
              "DELETE FROM intent WHERE session = ? AND packet_identifier = ?"),
      carry_out_(
          database.handle(),
          "UPDATE intent SET is_published = 1 WHERE session = ? AND packet_identifier = ? AND item = ?"),
      will_(database, "REPLACE INTO will VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            "DELETE FROM will WHERE session = ?"),
      clean_will_(database, "REPLACE INTO clean_will VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "DELETE FROM clean_will WHERE number = ?"),
      retained_(database, "REPLACE INTO retained VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                "DELETE FROM retained WHERE host = ? AND node = ?"),
      take_over_(database.handle(), "REPLACE INTO taken_over VALUES (?)"),
      remove_filters_(database.handle(), "DELETE FROM filter WHERE session = ?"),
      remove_all_inflight_(database.handle(), "DELETE FROM inflight WHERE session = ?"),
      remove_all_received_(database.handle(), "DELETE FROM received WHERE session = ?"),
      remove_all_intents_(database.handle(), "DELETE FROM intent WHERE session = ?"),
      sweep_(database.handle(),
             "DELETE FROM message WHERE number IN (SELECT number FROM message WHERE audience = ? AND number "
             "<= ? "
             "ORDER BY number LIMIT ?)"),
      items_(database) {}

template <typename Work>
int Writer::in_transaction(Work&& work) {
  if (const int error = begin_.run(); error != SQLITE_OK) return error;
  int error = SQLITE_OK;
  try {
    error = work();
  } catch (...) {
    rollback_.run();
    throw;
  }
  if (error == SQLITE_OK) error = commit_.run();
  // Some errors have rolled it back already.
  if (error != SQLITE_OK && sqlite3_get_autocommit(database_.handle()) == 0) rollback_.run();
  return error;
}

// A page more is written only where the wall clock was set. Who does not know the store's clock does not set it back.
int Writer::put_moment(const Group& group, const Moment& now) {
  constexpr WallTime tolerance = std::chrono::seconds(1);
  meta_.bind(integer(group.last_number())).bind(now.wall.count()).bind(std::int64_t{!now.ahead});
  int error = meta_.run();
  if (error != SQLITE_OK || !now.ahead) return error;
  if (clock_ahead_ && std::chrono::abs(*now.ahead - *clock_ahead_) < tolerance) return SQLITE_OK;
  error = clock_.bind(now.ahead->count()).run();
  clock_ahead_ = now.ahead;
  return error;
}

int Writer::write(const Group& group, const Moment& now) {
  bool swept = false;
  const int error = in_transaction([&] {
    return in_turn([&] { return put_all(group); }, [&] { return put_carried_out(group); },
                   [&] { return remove_all(group); }, [&] { return remove_ended(group); },
                   [&] { return items_.remove(group.items); }, [&] { return items_.put(group.items); },
                   [&] { return items_.sweep(swept); }, [&] { return remove_swept(); },
                   [&] { return put_moment(group, now); });
  });
  if (error != SQLITE_OK) {
    clock_ahead_.reset();
    return error;
  }
  forget_sweeps();
  begin_sweeps(group.removed_up_to);
  begin_sweeps(group.passed_on_up_to);
  return SQLITE_OK;
}

int Writer::write_removals(const Group& group) {
  begin_sweeps(group.removed_up_to);
  const int error = in_transaction([&] {
    return in_turn([&] { return put_released(group); }, [&] { return remove_messages(group, false); },
                   [&] { return items_.remove_where_none_is_put(group.items); },
                   [&] { return remove_swept(); });
  });
  if (error == SQLITE_OK) forget_sweeps();
  return error;
}

// PUBREC has come for them: without their messages PUBREL is to be sent all the same.
int Writer::put_released(const Group& group) {
  return for_each(group.inflight, [this](std::uint64_t /*key*/, const auto& row) {
    return row.second && row.second->message == 0 ? put(*row.second) : SQLITE_OK;
  });
}

int Writer::put_carried_out(const Group& group) {
  for (const auto& [key, intent] : group.carried_out) {
    carry_out_.bind(integer(intent.session)).bind(std::int64_t{intent.packet_identifier}).bind(intent.item);
    if (const int error = carry_out_.run(); error != SQLITE_OK) return error;
  }
  return SQLITE_OK;
}

int Writer::remove_messages(const Group& group, bool with_passed_on) {
  return for_each(group.messages, [&](RowNumber number, const auto& row) {
    if (row.second || (!with_passed_on && group.passed_on.contains(number))) return SQLITE_OK;
    return message_.remove.bind(integer(number)).run();
  });
}

int Writer::put_all(const Group& group) {
  const auto put_each = [this](const auto& changed) {
    return for_each(changed, [this](const auto& /*key*/, const auto& row) {
      return row.second ? this->put(*row.second) : SQLITE_OK;
    });
  };
  return in_turn([&] { return put_each(group.sessions); }, [&] { return put_each(group.cursors); },
                 [&] { return put_each(group.filters); }, [&] { return put_each(group.audiences); },
                 [&] { return put_each(group.messages); }, [&] { return put_each(group.inflight); },
                 [&] { return put_each(group.received); }, [&] { return put_each(group.intents); },
                 [&] { return put_each(group.wills); }, [&] { return put_each(group.clean_wills); },
                 [&] { return put_each(group.retained); }, [&] { return put_taken_over(group); });
}

int Writer::remove_all(const Group& group) {
  const auto by_number = [](Table& table) {
    return [&table](RowNumber key, const auto& row) {
      return row.second ? SQLITE_OK : table.remove.bind(integer(key)).run();
    };
  };
  const auto by_packet = [](Table& table) {
    return [&table](std::uint64_t key, const auto& row) {
      if (row.second) return SQLITE_OK;
      return table.remove.bind(integer(key >> 16U)).bind(static_cast<std::int64_t>(key & 0xFFFFU)).run();
    };
  };
  const auto by_node = [&](const auto& node, const auto& row) {
    return row.second ? SQLITE_OK : retained_.remove.bind(node.first).bind(node.second).run();
  };
  const auto by_filter = [&](const Group::FilterKey& key, const auto& row) {
    return row.second ? SQLITE_OK : remove_filter(key);
  };
  return in_turn([&] { return for_each(group.sessions, by_number(session_)); },
                 [&] { return for_each(group.cursors, by_number(cursor_)); },
                 [&] { return for_each(group.filters, by_filter); },
                 [&] { return for_each(group.audiences, by_number(audience_)); },
                 [&] { return remove_messages(group, true); },
                 [&] { return for_each(group.inflight, by_packet(inflight_)); },
                 [&] { return for_each(group.received, by_packet(received_)); },
                 [&] { return for_each(group.intents, by_packet(intent_)); },
                 [&] { return for_each(group.wills, by_number(will_)); },
                 [&] { return for_each(group.clean_wills, by_number(clean_will_)); },
                 [&] { return for_each(group.retained, by_node); });
}

int Writer::remove_filter(const Group::FilterKey& key) {
  const auto& [session, filter] = key;
  return filter_.remove.bind(integer(session)).bind(filter.text).bind(integer(filter.mounted_at)).run();
}

// After all that is put: what came before the end of a session was posted before.
int Writer::remove_ended(const Group& group) {
  for (const RowNumber session : group.ended_sessions) {
    for (auto* remove : {&session_.remove, &cursor_.remove, &will_.remove, &remove_filters_,
                         &remove_all_inflight_, &remove_all_received_, &remove_all_intents_}) {
      if (const int error = remove->bind(integer(session)).run(); error != SQLITE_OK) return error;
    }
  }
  return SQLITE_OK;
}

// Returns SQLITE_OK or the error.
int Writer::remove_swept() {
  swept_ = 0;
  for (auto& [audience, sweep] : sweeps_) {
    sweep.is_done = false;
    if (swept_ >= most_swept) continue;
    const auto most = most_swept - swept_;
    if (const int error =
            sweep_.bind(integer(audience)).bind(integer(sweep.up_to)).bind(std::int64_t{most}).run();
        error != SQLITE_OK) {
      return error;
    }
    const int removed = sqlite3_changes(database_.handle());
    sweep.is_done = removed < most;
    swept_ += removed;
  }
  return SQLITE_OK;
}

void Writer::begin_sweeps(const std::unordered_map<RowNumber, RowNumber>& removed_up_to) {
  for (const auto& [audience, up_to] : removed_up_to) {
    Sweep& sweep = sweeps_[audience];
    sweep.up_to = std::max(sweep.up_to, up_to);
  }
}

bool Writer::sweep() {
  bool swept = false;
  if (sweeps_.empty()) return in_transaction([&] { return items_.sweep(swept); }) == SQLITE_OK && swept;
  if (in_transaction([&] { return remove_swept(); }) != SQLITE_OK) return false;
  forget_sweeps();
  return true;
}

void Writer::forget_sweeps() {
  std::erase_if(sweeps_, [](const auto& each) { return each.second.is_done; });
}

int Writer::put(const SessionRow& row) {
  auto& statement = session_.put.bind(integer(row.number))
                        .bind(row.account)
                        .bind(row.client_identifier)
                        .bind(static_cast<std::int64_t>(row.level))
                        .bind(std::int64_t{row.is_bridge})
                        .bind(std::int64_t{row.expiry.count()})
                        .bind(std::int64_t{row.keep_alive.count()});
  if (row.offline_since) {
    statement.bind(row.offline_since->count());
  } else {
    statement.bind_null();
  }
  return statement.run();
}

int Writer::put(const CursorRow& row) {
  return cursor_.put.bind(integer(row.session)).bind(integer(row.message)).run();
}

int Writer::put(const FilterRow& row) {
  const auto& subscription = row.subscription;
  return filter_.put.bind(integer(row.session))
      .bind(subscription.topic_filter.text)
      .bind(integer(subscription.topic_filter.mounted_at))
      .bind(static_cast<std::int64_t>(subscription.qos))
      .bind(std::int64_t{subscription.no_local})
      .bind(std::int64_t{subscription.retain_as_published})
      .bind(static_cast<std::int64_t>(subscription.retain_handling))
      .bind(std::int64_t{subscription.identifier})
      .run();
}

int Writer::put(const AudienceRow& row) {
  return audience_.put.bind(integer(row.number)).bind_blob(row.members).run();
}

int Writer::put(const MessageRow& row) {
  const Publication& publication = *row.publication;
  auto& statement = message_.put.bind(integer(row.number))
                        .bind(integer(row.audience))
                        .bind(std::int64_t{row.is_retained})
                        .bind(row.full_topic)
                        .bind(publication.topic)
                        .bind(qos_of(publication))
                        .bind(std::int64_t{publication.envelope.retain})
                        .bind(publisher_of(publication));
  if (row.expires_at == MessageRow::never) {
    statement.bind_null();
  } else {
    statement.bind(row.expires_at.count());
  }
  return statement.bind_blob(properties_of(publication))
      .bind_blob(publication.payload)
      .bind(integer(row.place.messages))
      .bind(integer(row.place.bytes))
      .run();
}

int Writer::put(const InflightRow& row) {
  return inflight_.put.bind(integer(row.session))
      .bind(std::int64_t{row.packet_identifier})
      .bind(integer(row.message))
      .bind(integer(row.position))
      .run();
}

int Writer::put(const ReceivedRow& row) {
  return received_.put.bind(integer(row.session)).bind(std::int64_t{row.packet_identifier}).run();
}

int Writer::put(const IntentRow& row) {
  return intent_.put.bind(integer(row.session))
      .bind(std::int64_t{row.packet_identifier})
      .bind(row.item)
      .bind(std::int64_t{row.is_published})
      .run();
}

int Writer::put(const WillRow& row) {
  bind_will(will_.put.bind(integer(row.session)), row);
  return will_.put.run();
}

int Writer::put(const CleanWillRow& row) {
  auto& statement = clean_will_.put.bind(integer(row.number))
                        .bind(row.account)
                        .bind(row.client_identifier)
                        .bind(static_cast<std::int64_t>(row.level))
                        .bind(std::int64_t{row.keep_alive.count()})
                        .bind(std::int64_t{row.is_due});
  bind_will(statement, row.will);
  return statement.run();
}

void Writer::bind_will(Statement& statement, const WillRow& row) {
  statement.bind(std::int64_t{row.delay.count()});
  if (row.expiry) {
    statement.bind(std::int64_t{row.expiry->count()});
  } else {
    statement.bind_null();
  }
  statement.bind(row.publication.topic)
      .bind(qos_of(row.publication))
      .bind(std::int64_t{row.publication.envelope.retain})
      .bind_blob(properties_of(row.publication))
      .bind_blob(row.publication.payload);
}

int Writer::put(const StoredRetained& row) {
  auto& statement = retained_.put.bind(row->host)
                        .bind(row->node)
                        .bind(row->identity)
                        .bind(row->time.count())
                        .bind(std::int64_t{row->has_ended})
                        .bind(row->type)
                        .bind(std::int64_t{row->is_large})
                        .bind(static_cast<std::int64_t>(row->qos))
                        .bind(static_cast<std::int64_t>(row->publisher));
  if (row->expires_at) {
    statement.bind(row->expires_at->count());
  } else {
    statement.bind_null();
  }
  return statement.bind_blob(row->properties).bind(row->element).bind_blob(row->payload).run();
}

int Writer::put_taken_over(const Group& group) {
  for (const auto& host : group.taken_over) {
    if (const int error = take_over_.bind(host).run(); error != SQLITE_OK) return error;
  }
  return SQLITE_OK;
}

}  // namespace pubsub_mqtt::store
