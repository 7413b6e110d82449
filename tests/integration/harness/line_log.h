// What another process writes, line by line, kept as it comes by a thread of its own, so that a test can wait
// for a line and the writer never waits for the test.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "file_descriptor.h"
#include "patience.h"

namespace pubsub_mqtt::tests {

class LineLog {
 public:
  explicit LineLog(FileDescriptor source);
  ~LineLog();
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;

  // The first line at or after `from` that the pattern (a POSIX extended regular expression; case does not
  // matter) is found in. Throws TimedOut.
  std::string wait_for(const std::string& pattern, std::size_t from = 0);

  // Waits until every writer has closed its end. Throws TimedOut.
  void wait_for_end();

  // Lines so far: a mark for `from`.
  std::size_t size() const;
  std::vector<std::string> lines(std::size_t from = 0) const;
  std::size_t count(const std::string& pattern, std::size_t from = 0) const;

 private:
  void read_lines();
  void add(std::string_view bytes);

  FileDescriptor source_;
  FileDescriptor stop_;  // an eventfd
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::string unfinished_;
  bool ended_ = false;
  std::thread reader_;
};

}  // namespace pubsub_mqtt::tests
