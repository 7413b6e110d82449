// Bytes on their way to a socket: small writes gathered into one piece, large shared ones kept as they are.
// Nothing is held while it is empty. Network thread only.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pubsub_mqtt::net {

class SendQueue {
 public:
  void push(std::string_view bytes);
  void push(std::shared_ptr<const std::string> bytes);

  // Moves what `more` holds to the end, without a copy of shared bytes.
  void append(SendQueue&& more);

  bool empty() const { return size() == 0; }
  std::size_t size() const { return held_ ? held_->size : 0; }

  // Pieces from the front, for one system call; one call seldom sends more than a few. They are good until
  // the next call that is not const.
  using Buffers = std::array<iovec, 64>;
  std::span<iovec> front(Buffers& into) const;

  // Forgets this many bytes from the front.
  void pop(std::size_t bytes);

 private:
  using Piece = std::variant<std::string, std::shared_ptr<const std::string>>;
  static std::string_view view(const Piece& piece);

  struct Held {
    std::vector<Piece> pieces;
    std::size_t first = 0;   // pieces before it are sent
    std::size_t offset = 0;  // bytes of pieces[first] that are sent
    std::size_t size = 0;    // bytes that are not
  };
  Held& held();
  bool gather(std::string_view bytes);

  std::unique_ptr<Held> held_;  // none while it is empty
};

}  // namespace pubsub_mqtt::net
