// Which of many sockets are ready: an epoll set, inside libuv's loop. libuv's own handle for a socket is
// larger than all that a connection at rest may cost. Network thread only.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "loop/file_descriptor.h"

namespace pubsub_mqtt::net {

class PollSet {
 public:
  // What a socket is watched for: EPOLLIN, EPOLLOUT. 0: not at all.
  using Events = std::uint32_t;

  // False: the system has no descriptor left.
  bool open();

  // Readable while any socket is ready.
  int fd() const { return epoll_.get(); }

  // `name` is what wait() calls the socket. False: the system has no memory left. A socket that is closed is
  // watched no more.
  bool watch(int socket, std::uint64_t name, Events before, Events events);

  // Those that are ready now, some of them if they are many; good until the next call.
  std::span<const epoll_event> wait();

 private:
  FileDescriptor epoll_;
  std::array<epoll_event, 256> ready_{};
};

}  // namespace pubsub_mqtt::net
