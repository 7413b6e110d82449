// The load generator's only thread: one epoll loop.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "file_descriptor.h"

namespace pubsub_mqtt::bench {

class EventLoop {
 public:
  class Watcher {
   public:
    Watcher() = default;
    virtual ~Watcher() = default;
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // `events` are epoll's. May throw: the row has failed then.
    virtual void handle(std::uint32_t events) = 0;
  };

  EventLoop();

  // Level-triggered. A watcher lives until its descriptor is closed, and does not end within a turn.
  void watch(int fd, std::uint32_t events, Watcher& watcher);
  void change(int fd, std::uint32_t events, Watcher& watcher);

  // Waits for events, and handles those that there are.
  void turn(std::chrono::milliseconds at_most);

  // Turns until the condition holds. Throws std::runtime_error where it does not in time; `what` names it.
  template <typename Condition>
  void run_until(Condition condition, const char* what,
                 std::chrono::seconds patience = std::chrono::seconds(30)) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= until) fail(what);
      turn(std::chrono::milliseconds(10));
    }
  }

  // Everybody reads into it, so that it stays in the cache.
  std::span<char> buffer() { return buffer_; }

 private:
  [[noreturn]] static void fail(const char* what);

  tests::FileDescriptor epoll_;
  std::vector<epoll_event> events_;
  std::vector<char> buffer_;
};

}  // namespace pubsub_mqtt::bench
