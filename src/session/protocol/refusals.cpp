#include "protocol/refusals.h"

#include <chrono>

namespace pubsub_mqtt::session {

void Refusals::log(Time now, LogLevel level, const std::string& client, std::string_view reason,
                   std::string_view total) {
  auto refusal = by_reason_.find(reason);
  if (refusal == by_reason_.end()) {
    refusal = by_reason_
                  .try_emplace(std::string(reason), std::chrono::minutes(1),
                               std::string(total) + std::string(reason), log_, level)
                  .first;
  }
  const auto line = [&] { return client + ": closed: " + std::string(reason); };
  if (refusal->second.happens(now, line)) return;
  log_.emplace_back(LogLine{.level = LogLevel::debug, .text = line()});
}

void Refusals::expire(Time now) {
  for (auto& [reason, refusal] : by_reason_) refusal.expire(now);
}

}  // namespace pubsub_mqtt::session
