#include "event_loop.h"

#include <cerrno>
#include <stdexcept>
#include <string>

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t events_a_turn = 1024;
constexpr std::size_t buffer_size = 256 * 1024;

void control(int epoll, int operation, int fd, std::uint32_t events, EventLoop::Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (epoll_ctl(epoll, operation, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

}  // namespace

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"), events_(events_a_turn), buffer_(buffer_size) {}

void EventLoop::watch(int fd, std::uint32_t events, Watcher& watcher) {
  control(epoll_.get(), EPOLL_CTL_ADD, fd, events, watcher);
}

void EventLoop::change(int fd, std::uint32_t events, Watcher& watcher) {
  control(epoll_.get(), EPOLL_CTL_MOD, fd, events, watcher);
}

void EventLoop::turn(std::chrono::milliseconds at_most) {
  const int count = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                               static_cast<int>(at_most.count()));
  if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    static_cast<Watcher*>(event.data.ptr)->handle(event.events);
  }
}

void EventLoop::fail(const char* what) {
  throw std::runtime_error(std::string("waited in vain for ") + what);
}

}  // namespace pubsub_mqtt::bench
