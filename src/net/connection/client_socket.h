// The socket of a client, at the bottom of a connection: bytes that were read, and a queue of those that wait
// to be sent. Network thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <utility>

#include "connection/send_queue.h"
#include "loop/file_descriptor.h"
#include "loop/poll_set.h"

namespace pubsub_mqtt::net {

class ClientSocket {
 public:
  // One that does not block.
  explicit ClientSocket(FileDescriptor socket) : socket_(std::move(socket)) {}

  // `name` is what the set calls it. Throws std::bad_alloc where the system has no memory left.
  void watch(PollSet& set, std::uint64_t name, PollSet::Events events);
  PollSet::Events watched() const { return watched_; }

  // As recv(2) does.
  ssize_t receive(std::span<char> into);

  // Also where the client only says that it will send no more.
  bool client_is_gone() const;

  // What waits to be sent.
  SendQueue& outgoing() { return outgoing_; }
  const SendQueue& outgoing() const { return outgoing_; }

  // Sends what waits, many pieces with one system call. Returns 0: all is sent; EAGAIN: the socket takes the
  // rest later; else what is wrong with it.
  int send();

  // The client reads the end behind what was sent; what it sends can still be received.
  void end_sending();

  void close();

 private:
  FileDescriptor socket_;
  PollSet::Events watched_ = 0;
  SendQueue outgoing_;
};

}  // namespace pubsub_mqtt::net
