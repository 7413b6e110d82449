// What a session needs of a network connection: the net room implements it, unit tests imitate it.
// Network thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace pubsub_mqtt::session {

class Outbox {
 public:
  Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  virtual ~Outbox() = default;

  // Copies the bytes of a packet, or of the beginning of one whose rest follows without a copy; they leave with the
  // next flush, in order.
  virtual void write(std::string_view packets) = 0;

  // The rest of a packet, or a part of it, without a copy: many connections send it.
  virtual void write(std::shared_ptr<const std::string> packets) = 0;

  // Bytes written here that the socket has not taken yet.
  virtual std::size_t waiting_bytes() const = 0;

  // Sends what was written, then closes. Nothing is read or written afterwards, and the connection tells
  // nobody.
  virtual void close() noexcept = 0;

  // The session takes bytes again after it had refused some (Connection::receive).
  virtual void resume_reading() noexcept = 0;
};

}  // namespace pubsub_mqtt::session
