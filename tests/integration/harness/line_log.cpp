#include "line_log.h"

#include <poll.h>
#include <regex.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace pubsub_mqtt::tests {
namespace {

class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    if (regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) {
      throw std::invalid_argument("not a regular expression: " + text);
    }
  }
  ~Pattern() { regfree(&compiled_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool is_in(const std::string& line) const { return regexec(&compiled_, line.c_str(), 0, nullptr, 0) == 0; }

 private:
  regex_t compiled_{};
};

}  // namespace

LineLog::LineLog(FileDescriptor source)
    : source_(std::move(source)),
      stop_(eventfd(0, EFD_CLOEXEC), "eventfd"),
      reader_([this] { read_lines(); }) {}

LineLog::~LineLog() {
  eventfd_write(stop_.get(), 1);
  reader_.join();
}

void LineLog::read_lines() {
  std::array<char, 65536> buffer;
  while (true) {
    std::array<pollfd, 2> descriptors{{{source_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    poll(descriptors.data(), descriptors.size(), -1);
    if (descriptors[1].revents != 0) return;
    const ssize_t received = read(source_.get(), buffer.data(), buffer.size());
    if (received < 0) continue;
    const std::scoped_lock lock(mutex_);
    if (received == 0) {
      ended_ = true;
      changed_.notify_all();
      return;
    }
    add(std::string_view(buffer.data(), static_cast<std::size_t>(received)));
    changed_.notify_all();
  }
}

void LineLog::add(std::string_view bytes) {
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    lines_.push_back(unfinished_ + std::string(bytes.substr(0, end)));
    unfinished_.clear();
    bytes.remove_prefix(end + 1);
  }
  unfinished_ += bytes;
}

std::string LineLog::wait_for(const std::string& pattern, std::size_t from) {
  const Pattern compiled(pattern);
  const auto until = deadline();
  std::unique_lock lock(mutex_);
  std::size_t next = from;
  while (true) {
    for (; next < lines_.size(); ++next) {
      if (compiled.is_in(lines_[next])) return lines_[next];
    }
    if (ended_) throw TimedOut("the output ended without a line that matches: " + pattern);
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) {
      throw TimedOut("no line that matches: " + pattern);
    }
  }
}

void LineLog::wait_for_end() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, deadline(), [this] { return ended_; }))
    throw TimedOut("the output did not end");
}

std::size_t LineLog::size() const {
  const std::scoped_lock lock(mutex_);
  return lines_.size();
}

std::vector<std::string> LineLog::lines(std::size_t from) const {
  const std::scoped_lock lock(mutex_);
  const auto start = static_cast<std::ptrdiff_t>(std::min(from, lines_.size()));
  return {lines_.begin() + start, lines_.end()};
}

std::size_t LineLog::count(const std::string& pattern, std::size_t from) const {
  const Pattern compiled(pattern);
  const std::vector<std::string> all = lines(from);
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const std::string& line) { return compiled.is_in(line); }));
}

}  // namespace pubsub_mqtt::tests
