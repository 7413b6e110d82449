#include "free_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <random>

namespace pubsub_mqtt::tests {
namespace {

// Below the range that Linux gives to outgoing connections.
constexpr std::uint16_t first = 20000;
constexpr std::uint16_t last = 32000;

bool try_claim(int fd, std::uint16_t port) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "pubsub_mqtt tests, port " + std::to_string(port);
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

bool nobody_listens(std::uint16_t port) {
  const FileDescriptor probe(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;  // any address, IPv4 too
  address.sin6_port = htons(port);
  return bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

FreePort::FreePort() {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> any(first, last);
  while (true) {
    number_ = any(random);
    claim_ = FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    if (try_claim(claim_.get(), number_) && nobody_listens(number_)) return;
  }
}

}  // namespace pubsub_mqtt::tests
