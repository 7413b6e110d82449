#include "connection/lingering_close.h"

#include <cerrno>
#include <cstddef>

namespace pubsub_mqtt::net {
namespace {

constexpr std::size_t unit = 1024;
constexpr std::uint16_t most_units =
    8192;  // 8 MiB: of a packet that is too large, the rest has mostly come by then

}  // namespace

void LingeringClose::begin(ClientSocket& socket) {
  socket.end_sending();
  units_ = 1;
}

// One read a turn, as of any connection.
bool LingeringClose::drop_input(ClientSocket& socket, std::span<char> into) {
  const ssize_t size = socket.receive(into);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) return false;
  units_ = static_cast<std::uint16_t>(units_ + (static_cast<std::size_t>(size) + unit - 1) / unit);
  return units_ < most_units;
}

}  // namespace pubsub_mqtt::net
