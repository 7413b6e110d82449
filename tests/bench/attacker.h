// A connection that sends what it is told to, reads whatever comes, and does not look at it.
#pragma once

#include <cstddef>
#include <string>

#include "event_loop.h"
#include "socket.h"

namespace pubsub_mqtt::bench {

class Attacker final : public EventLoop::Watcher {
 public:
  // How often it sends `bytes`.
  enum class Sends { once, again_and_again };
  Attacker(EventLoop& loop, std::uint16_t port, std::string bytes, Sends sends);

  // Everything was sent, and the server has answered something.
  bool is_done() const { return is_closed_ || (sent_ == bytes_.size() && answered_); }

  void handle(std::uint32_t events) override;

 private:
  void work(std::uint32_t events);

  EventLoop& loop_;
  Socket socket_;
  std::string bytes_;
  std::size_t sent_ = 0;
  bool sends_again_;
  bool answered_ = false;
  bool is_closed_ = false;  // by the server
};

}  // namespace pubsub_mqtt::bench
