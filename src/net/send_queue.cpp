#include "send_queue.h"

#include <algorithm>
#include <utility>

namespace pubsub_mqtt::net {
namespace {

// Beyond this a growing string would be copied too often.
constexpr std::size_t gathered_size = 64UL * 1024;

}  // namespace

std::string_view SendQueue::view(const Piece& piece) {
  if (const auto* own = std::get_if<std::string>(&piece)) return *own;
  return *std::get<std::shared_ptr<const std::string>>(piece);
}

void SendQueue::push(std::string_view bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (!pieces_.empty()) {
    auto* last = std::get_if<std::string>(&pieces_.back());
    if (last != nullptr && last->size() + bytes.size() <= gathered_size) {
      last->append(bytes);
      return;
    }
  }
  pieces_.emplace_back(std::string(bytes));
}

void SendQueue::push(std::shared_ptr<const std::string> bytes) {
  if (bytes->empty()) return;
  size_ += bytes->size();
  pieces_.emplace_back(std::move(bytes));
}

std::span<iovec> SendQueue::front(Buffers& into) const {
  const std::size_t count = std::min(pieces_.size() - first_, into.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view bytes = view(pieces_[first_ + i]).substr(i == 0 ? offset_ : 0);
    // The system's buffers are not const, but sending does not change them.
    into[i] = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  }
  return {into.data(), count};
}

void SendQueue::pop(std::size_t bytes) {
  size_ -= bytes;
  if (size_ == 0) return clear();
  while (bytes > 0) {
    const std::size_t left = view(pieces_[first_]).size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    pieces_[first_] = std::string();
    ++first_;
    offset_ = 0;
  }
  // Sent pieces leave in bulk, so that each is moved once on average.
  if (first_ > pieces_.size() / 2) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void SendQueue::clear() {
  pieces_ = {};
  first_ = 0;
  offset_ = 0;
  size_ = 0;
}

}  // namespace pubsub_mqtt::net
