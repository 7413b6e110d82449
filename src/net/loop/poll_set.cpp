#include "loop/poll_set.h"

#include <algorithm>

namespace pubsub_mqtt::net {

bool PollSet::open() {
  epoll_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
  return epoll_.get() >= 0;
}

// One that is not watched is taken out: epoll reports errors of all that are in, again and again.
bool PollSet::watch(int socket, std::uint64_t name, Events before, Events events) {
  if (events == before) return true;
  epoll_event event{.events = events, .data = {.u64 = name}};
  const int operation = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return epoll_ctl(epoll_.get(), operation, socket, &event) == 0;
}

std::span<const epoll_event> PollSet::wait() {
  const int count = epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), 0);
  return {ready_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace pubsub_mqtt::net
