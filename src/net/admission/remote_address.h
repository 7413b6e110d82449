// Where a connection comes from. An IPv4 client of an IPv6 socket (::ffff:192.0.2.1; RFC 4291, 2.5.5.2) is an
// IPv4 client.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::net {

// What one party has for itself: an address of IPv4, a /64 of IPv6 (RFC 6177: nobody is given less).
struct AddressPrefix {
  std::array<std::uint8_t, 16> bytes{};  // of IPv4 as an IPv6 address

  // clang-tidy 14 sees a 0 in what the compiler writes here.
  auto operator<=>(const AddressPrefix&) const = default;  // NOLINT(modernize-use-nullptr)
};

class RemoteAddress {
 public:
  RemoteAddress() = default;  // unknown
  // Of IPv4 or IPv6.
  explicit RemoteAddress(const sockaddr_storage& address);
  // As text, with a port of its own or none. nullopt: that is no address.
  static std::optional<RemoteAddress> parse(std::string_view text, std::uint16_t port = 0);

  // The same, of a client of a proxy: loopback of another machine is no loopback of ours, so it never is.
  RemoteAddress behind_proxy() const;

  std::string text() const;  // without the port
  bool is_loopback() const;
  std::array<std::uint8_t, 16> bytes() const;  // of IPv4 as an IPv6 address
  AddressPrefix prefix() const;
  std::string party() const;  // the prefix as text, see session::Peer
  session::Peer peer(bool is_encrypted) const;

 private:
  sockaddr_storage address_{};
  bool is_behind_proxy_ = false;
};

}  // namespace pubsub_mqtt::net
