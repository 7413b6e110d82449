#include "connection/client_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

namespace pubsub_mqtt::net {

void ClientSocket::watch(PollSet& set, std::uint64_t name, PollSet::Events events) {
  if (!set.watch(socket_.get(), name, watched_, events)) throw std::bad_alloc();
  watched_ = events;
}

ssize_t ClientSocket::receive(std::span<char> into) {
  return recv(socket_.get(), into.data(), into.size(), 0);
}

bool ClientSocket::client_is_gone() const {
  pollfd socket{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  return poll(&socket, 1, 0) != 0;
}

int ClientSocket::send() {
  while (!outgoing_.empty()) {
    SendQueue::Buffers buffers;
    const auto pieces = outgoing_.front(buffers);
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      outgoing_.pop(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void ClientSocket::end_sending() { shutdown(socket_.get(), SHUT_WR); }

void ClientSocket::close() {
  socket_.reset();
  outgoing_ = {};
}

}  // namespace pubsub_mqtt::net
