// In which order sockets get something to read, however late that is looked at.
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace pubsub_mqtt::tests {

class OrderOfArrival {
 public:
  // Of these, which have nothing to read yet.
  explicit OrderOfArrival(const std::vector<int>& sockets)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(sockets.size()) {
    for (const int fd : sockets) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      EXPECT_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), 0);
    }
  }
  ~OrderOfArrival() { close(epoll_); }
  OrderOfArrival(const OrderOfArrival&) = delete;
  OrderOfArrival& operator=(const OrderOfArrival&) = delete;

  // How many of them had something before this one. To be asked once, when all have. The kernel keeps a list of those
  // that have become ready.
  std::size_t before(int socket) {
    const int ready = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 0);
    EXPECT_EQ(ready, static_cast<int>(events_.size()));
    std::size_t position = 0;
    while (position < events_.size() && events_[position].data.fd != socket) ++position;
    return position;
  }

 private:
  int epoll_;
  std::vector<epoll_event> events_;
};

}  // namespace pubsub_mqtt::tests
