// Columns of a row, one after the other, as what they stand for. The thread that has the database only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/store/rows.h"
#include "statement.h"

namespace pubsub_mqtt::store {

inline RowNumber number(Statement& row) { return static_cast<RowNumber>(row.integer()); }
inline bool flag(Statement& row) { return row.integer() != 0; }
inline std::string text(Statement& row) { return std::string(row.bytes()); }

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
inline mqtt::QoS qos(Statement& row) { return within<mqtt::QoS>(row, 2); }

inline std::shared_ptr<const std::string> properties(Statement& row) {
  const auto bytes = row.bytes();
  return bytes.empty() ? nullptr : std::make_shared<const std::string>(bytes);
}

}  // namespace pubsub_mqtt::store
