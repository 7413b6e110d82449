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

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Pieces from the front, for one system call; one call seldom sends more than a few. They are good until
  // the next call that is not const.
  using Buffers = std::array<iovec, 64>;
  std::span<iovec> front(Buffers& into) const;

  // Forgets this many bytes from the front.
  void pop(std::size_t bytes);
  void clear();

 private:
  using Piece = std::variant<std::string, std::shared_ptr<const std::string>>;
  static std::string_view view(const Piece& piece);

  std::vector<Piece> pieces_;
  std::size_t first_ = 0;   // pieces before it are sent
  std::size_t offset_ = 0;  // bytes of pieces_[first_] that are sent
  std::size_t size_ = 0;
};

}  // namespace pubsub_mqtt::net
