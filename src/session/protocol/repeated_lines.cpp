#include "protocol/repeated_lines.h"

#include <chrono>

namespace pubsub_mqtt::session {
namespace {

constexpr std::size_t lines_a_minute = 20;

}  // namespace

void RepeatedLines::log(LogLevel level, const std::string& client, std::string_view cause,
                        const std::string& before) {
  auto minute = minutes_.find(cause);
  if (minute == minutes_.end()) minute = minutes_.try_emplace(std::string(cause)).first;
  auto& [level_of_count, lines, left_out] = minute->second;
  level_of_count = level;
  const bool is_left_out = lines >= lines_a_minute || !once_.is_first(client, cause);
  log_.emplace_back(LogLine{.level = is_left_out ? LogLevel::debug : level,
                            .text = client + ": " + before + std::string(cause)});
  ++(is_left_out ? left_out : lines);
}

void RepeatedLines::expire(Time now) {
  if (minutes_.empty()) return;
  if (!since_) since_ = now;
  if (now - *since_ < std::chrono::minutes(1)) return;
  for (const auto& [cause, minute] : minutes_) {
    if (minute.left_out == 0) continue;
    log_.emplace_back(
        LogLine{.level = minute.level, .text = std::to_string(minute.left_out) + " more times: " + cause});
  }
  minutes_.clear();
  since_.reset();
}

}  // namespace pubsub_mqtt::session
