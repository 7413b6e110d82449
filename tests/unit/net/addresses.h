// Addresses of clients, by number.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <cstring>

#include "admission/remote_address.h"

namespace pubsub_mqtt::net {

inline RemoteAddress v4_address(std::uint32_t number) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(number);
  sockaddr_storage storage{};
  std::memcpy(&storage, &v4, sizeof v4);
  return RemoteAddress(storage);
}

inline RemoteAddress v6_address(std::uint8_t subnet, std::uint8_t host) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr.s6_addr[0] = 0x20;
  v6.sin6_addr.s6_addr[7] = subnet;
  v6.sin6_addr.s6_addr[15] = host;
  sockaddr_storage storage{};
  std::memcpy(&storage, &v6, sizeof v6);
  return RemoteAddress(storage);
}

}  // namespace pubsub_mqtt::net
