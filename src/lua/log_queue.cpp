#include "log_queue.h"

#include <string>
#include <utility>

namespace pubsub_mqtt::lua {
namespace {

constexpr int lines_a_step = 20;
constexpr std::size_t max_lines = 1000;

}  // namespace

void LogQueue::accept(std::vector<LogLine>& batch) {
  for (auto& line : batch) {
    if (lines_.size() < max_lines) {
      lines_.push_back(std::move(line));
    } else {
      ++left_out_;
    }
  }
  batch.clear();
}

bool LogQueue::write_some(hub::PubsubService& service) {
  if (lines_.empty()) return false;
  for (int i = 0; i < lines_a_step && !lines_.empty(); ++i) {
    const LogLine line = std::move(lines_.front());
    lines_.pop_front();
    service.log(line.level, line.text);
  }
  if (lines_.empty() && left_out_ > 0) {
    service.log(LogLevel::warn, std::to_string(std::exchange(left_out_, 0)) + " log lines were left out");
  }
  return true;
}

}  // namespace pubsub_mqtt::lua
