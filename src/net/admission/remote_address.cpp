#include "admission/remote_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <utility>

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

std::optional<RemoteAddress> RemoteAddress::parse(std::string_view text, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  sockaddr_storage address{};
  auto& of_4 = reinterpret_cast<sockaddr_in&>(address);
  auto& of_6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, copy.data(), &of_4.sin_addr) == 1) {
    of_4.sin_family = AF_INET;
    of_4.sin_port = htons(port);
  } else if (inet_pton(AF_INET6, copy.data(), &of_6.sin6_addr) == 1) {
    of_6.sin6_family = AF_INET6;
    of_6.sin6_port = htons(port);
  } else {
    return std::nullopt;
  }
  return RemoteAddress(address);
}

RemoteAddress RemoteAddress::behind_proxy() const {
  RemoteAddress client = *this;
  client.is_behind_proxy_ = true;
  return client;
}

std::string RemoteAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = address_.ss_family == AF_INET6 ? static_cast<const void*>(&v6(address_).sin6_addr)
                                                     : static_cast<const void*>(&v4(address_).sin_addr);
  if (inet_ntop(address_.ss_family, bytes, text.data(), text.size()) == nullptr) return "unknown address";
  return text.data();
}

bool RemoteAddress::is_loopback() const {
  if (is_behind_proxy_) return false;
  if (address_.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&v6(address_).sin6_addr);
  return address_.ss_family == AF_INET &&
         ntohl(v4(address_).sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
}

std::array<std::uint8_t, 16> RemoteAddress::bytes() const {
  std::array<std::uint8_t, 16> bytes{};
  if (address_.ss_family == AF_INET6) {
    std::ranges::copy(v6(address_).sin6_addr.s6_addr, bytes.begin());
  } else {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(&bytes[mapped_prefix], &v4(address_).sin_addr, sizeof(in_addr));
  }
  return bytes;
}

AddressPrefix RemoteAddress::prefix() const {
  AddressPrefix prefix{bytes()};
  if (address_.ss_family == AF_INET6)
    std::fill(prefix.bytes.begin() + v6_prefix, prefix.bytes.end(), std::uint8_t{0});
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
  const auto port = ntohs(is_v6 ? v6(address_).sin6_port : v4(address_).sin_port);
  std::string name = is_v6 ? "[" + address + "]" : address;
  if (port != 0) name += ":" + std::to_string(port);
  return {.address = address,
          .party = party(),
          .name = std::move(name),
          .is_loopback = is_loopback(),
          .is_encrypted = is_encrypted};
}

}  // namespace pubsub_mqtt::net
