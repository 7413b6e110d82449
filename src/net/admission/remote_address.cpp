#include "admission/remote_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace pubsub_mqtt::net {
namespace {

constexpr std::size_t mapped_prefix = 12;  // bytes of an IPv6 address in front of an IPv4 one
constexpr std::size_t v6_prefix = 8;

const sockaddr_in& v4(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in&>(address);
}

const sockaddr_in6& v6(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in6&>(address);
}

}  // namespace

RemoteAddress::RemoteAddress(const sockaddr_storage& address) : address_(address) {
  if (address.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6(address).sin6_addr)) return;
  sockaddr_in mapped{};
  mapped.sin_family = AF_INET;
  mapped.sin_port = v6(address).sin6_port;
  std::memcpy(&mapped.sin_addr, &v6(address).sin6_addr.s6_addr[mapped_prefix], sizeof mapped.sin_addr);
  address_ = {};
  std::memcpy(&address_, &mapped, sizeof mapped);
}

std::string RemoteAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = address_.ss_family == AF_INET6 ? static_cast<const void*>(&v6(address_).sin6_addr)
                                                     : static_cast<const void*>(&v4(address_).sin_addr);
  if (inet_ntop(address_.ss_family, bytes, text.data(), text.size()) == nullptr) return "unknown address";
  return text.data();
}

bool RemoteAddress::is_loopback() const {
  if (address_.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&v6(address_).sin6_addr);
  return address_.ss_family == AF_INET &&
         ntohl(v4(address_).sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
}

AddressPrefix RemoteAddress::prefix() const {
  AddressPrefix prefix;
  if (address_.ss_family == AF_INET6) {
    std::copy_n(v6(address_).sin6_addr.s6_addr, v6_prefix, prefix.bytes.begin());
  } else {
    prefix.bytes[10] = prefix.bytes[11] = 0xff;
    std::memcpy(&prefix.bytes[mapped_prefix], &v4(address_).sin_addr, sizeof(in_addr));
  }
  return prefix;
}

std::string RemoteAddress::party() const {
  if (address_.ss_family != AF_INET6) return text();
  sockaddr_storage network = address_;
  auto& bytes = reinterpret_cast<sockaddr_in6&>(network).sin6_addr.s6_addr;
  std::fill(bytes + 8, bytes + 16, std::uint8_t{0});
  return RemoteAddress(network).text() + "/64";
}

session::Peer RemoteAddress::peer(bool is_encrypted) const {
  const std::string address = text();
  const bool is_v6 = address_.ss_family == AF_INET6;
  const auto port = std::to_string(ntohs(is_v6 ? v6(address_).sin6_port : v4(address_).sin_port));
  return {.address = address,
          .party = party(),
          .name = (is_v6 ? "[" + address + "]:" : address + ":") + port,
          .is_loopback = is_loopback(),
          .is_encrypted = is_encrypted};
}

}  // namespace pubsub_mqtt::net
