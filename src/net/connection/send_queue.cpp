#include "connection/send_queue.h"

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

SendQueue::Held& SendQueue::held() {
  if (!held_) held_ = std::make_unique<Held>();
  return *held_;
}

// Whether the bytes fit into the last piece, and are there now.
bool SendQueue::gather(std::string_view bytes) {
  auto& pieces = held().pieces;
  auto* last = pieces.empty() ? nullptr : std::get_if<std::string>(&pieces.back());
  if (last == nullptr || last->size() + bytes.size() > gathered_size) return false;
  last->append(bytes);
  held_->size += bytes.size();
  return true;
}

void SendQueue::push(std::string_view bytes) {
  if (bytes.empty() || gather(bytes)) return;
  held_->pieces.emplace_back(std::string(bytes));
  held_->size += bytes.size();
}

void SendQueue::push(std::shared_ptr<const std::string> bytes) {
  const std::size_t size = bytes->size();
  if (size == 0) return;
  held().pieces.emplace_back(std::move(bytes));
  held_->size += size;
}

void SendQueue::append(SendQueue&& more) {
  if (empty()) return held_.swap(more.held_);
  const auto taken = std::exchange(more.held_, nullptr);
  if (!taken) return;
  for (std::size_t i = taken->first; i < taken->pieces.size(); ++i) {
    Piece& piece = taken->pieces[i];
    const std::string_view bytes = view(piece);
    if (i == taken->first && taken->offset > 0) {
      push(bytes.substr(taken->offset));
    } else if (std::holds_alternative<std::string>(piece) && gather(bytes)) {
      continue;
    } else {
      held_->pieces.push_back(std::move(piece));
      held_->size += bytes.size();
    }
  }
}

std::span<iovec> SendQueue::front(Buffers& into) const {
  if (empty()) return {};
  const auto& [pieces, first, offset, size] = *held_;
  const std::size_t count = std::min(pieces.size() - first, into.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view bytes = view(pieces[first + i]).substr(i == 0 ? offset : 0);
    // The system's buffers are not const, but sending does not change them.
    into[i] = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  }
  return {into.data(), count};
}

void SendQueue::pop(std::size_t bytes) {
  if (bytes == size()) return held_.reset();
  auto& [pieces, first, offset, size] = *held_;
  size -= bytes;
  while (bytes > 0) {
    const std::size_t left = view(pieces[first]).size() - offset;
    if (bytes < left) {
      offset += bytes;
      return;
    }
    bytes -= left;
    pieces[first] = std::string();
    ++first;
    offset = 0;
  }
  // Sent pieces leave in bulk, so that each is moved once on average.
  if (first > pieces.size() / 2) {
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(first));
    first = 0;
  }
}

}  // namespace pubsub_mqtt::net
