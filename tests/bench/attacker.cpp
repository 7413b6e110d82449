#include "attacker.h"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace pubsub_mqtt::bench {

Attacker::Attacker(EventLoop& loop, std::uint16_t port, std::string bytes, Sends sends)
    : loop_(loop),
      socket_(port, nullptr),
      bytes_(std::move(bytes)),
      sends_again_(sends == Sends::again_and_again) {
  loop_.watch(socket_.fd(), EPOLLIN | EPOLLOUT, *this);
}

// A server may close: that is its right.
void Attacker::handle(std::uint32_t events) {
  try {
    work(events);
  } catch (const std::runtime_error&) {
    is_closed_ = true;
    loop_.change(socket_.fd(), 0, *this);
  }
}

void Attacker::work(std::uint32_t events) {
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && socket_.read(loop_.buffer()) > 0) answered_ = true;
  while (const std::size_t size = socket_.write(std::string_view(bytes_).substr(sent_))) {
    sent_ += size;
    if (sent_ < bytes_.size()) continue;
    if (!sends_again_) return loop_.change(socket_.fd(), EPOLLIN, *this);
    sent_ = 0;
    return;
  }
}

}  // namespace pubsub_mqtt::bench
