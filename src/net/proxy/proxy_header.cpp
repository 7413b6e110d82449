#include "proxy/proxy_header.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace pubsub_mqtt::net {
namespace {

using Result = std::variant<ProxyHeader, IncompleteProxyHeader, MalformedProxyHeader>;

constexpr std::string_view signature_1 = "PROXY ";
constexpr std::string_view signature_2("\r\n\r\n\0\r\nQUIT\n", 12);

// --- Version 1: one line ---

constexpr std::size_t longest_line = 107;  // CRLF included

// Takes a word off the front, and the space behind it.
std::string_view take_word(std::string_view& line) {
  const auto space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<std::uint16_t> port(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool has_leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end != text.data() + text.size() || has_leading_zero) return std::nullopt;
  return number;
}

std::optional<RemoteAddress> address(std::string_view text, std::optional<std::uint16_t> port, bool is_v6) {
  if (!port || (text.find(':') != std::string_view::npos) != is_v6) return std::nullopt;
  return RemoteAddress::parse(text, *port);
}

Result read_line(std::string_view line, std::size_t size) {
  line.remove_prefix(signature_1.size());
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return ProxyHeader{.size = size, .client = {}, .is_encrypted = {}};
  if (family != "TCP4" && family != "TCP6") return MalformedProxyHeader{};
  const bool is_v6 = family == "TCP6";
  const std::string_view from = take_word(line);
  const std::string_view to = take_word(line);
  const auto from_port = port(take_word(line));
  const auto to_port = port(line);
  const auto client = address(from, from_port, is_v6);
  if (!client || !address(to, to_port, is_v6)) return MalformedProxyHeader{};
  return ProxyHeader{.size = size, .client = client, .is_encrypted = {}};
}

Result read_version_1(std::string_view bytes) {
  const auto end = bytes.substr(0, longest_line).find("\r\n");
  if (end != std::string_view::npos) return read_line(bytes.substr(0, end), end + 2);
  if (bytes.size() >= longest_line) return MalformedProxyHeader{};
  return IncompleteProxyHeader{};
}

// --- Version 2: bytes in the network's order ---

struct __attribute__((packed)) Version2 {
  char signature[12];
  std::uint8_t version_and_command;
  std::uint8_t family_and_protocol;
  std::uint16_t length;
};
struct __attribute__((packed)) Addresses4 {
  in_addr from, to;
  in_port_t from_port, to_port;
};
struct __attribute__((packed)) Addresses6 {
  in6_addr from, to;
  in_port_t from_port, to_port;
};
struct __attribute__((packed)) Tlv {
  std::uint8_t type;
  std::uint16_t length;
};
struct __attribute__((packed)) Ssl {
  std::uint8_t client;
  std::uint32_t verify;
};

constexpr std::uint8_t local = 0x20;
constexpr std::uint8_t proxied = 0x21;
constexpr std::uint8_t tcp_over_4 = 0x11;
constexpr std::uint8_t tcp_over_6 = 0x21;
constexpr std::uint8_t ssl_type = 0x20;
constexpr std::uint8_t client_speaks_ssl = 0x01;

// Takes a structure off the front; nullopt: the bytes end before.
template <typename Structure>
std::optional<Structure> take(std::string_view& bytes) {
  Structure structure;
  if (bytes.size() < sizeof structure) return std::nullopt;
  std::memcpy(&structure, bytes.data(), sizeof structure);
  bytes.remove_prefix(sizeof structure);
  return structure;
}

template <typename Address>
RemoteAddress remote(const Address& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return RemoteAddress(storage);
}

RemoteAddress client(const Addresses4& addresses) {
  return remote(sockaddr_in{
      .sin_family = AF_INET, .sin_port = addresses.from_port, .sin_addr = addresses.from, .sin_zero = {}});
}

RemoteAddress client(const Addresses6& addresses) {
  return remote(sockaddr_in6{.sin6_family = AF_INET6,
                             .sin6_port = addresses.from_port,
                             .sin6_flowinfo = 0,
                             .sin6_addr = addresses.from,
                             .sin6_scope_id = 0});
}

// Whether the TLVs are whole.
bool read_tlvs(std::string_view bytes, ProxyHeader& header) {
  while (!bytes.empty()) {
    const auto tlv = take<Tlv>(bytes);
    if (!tlv || bytes.size() < ntohs(tlv->length)) return false;
    std::string_view value = bytes.substr(0, ntohs(tlv->length));
    bytes.remove_prefix(value.size());
    if (tlv->type != ssl_type) continue;
    const auto ssl = take<Ssl>(value);
    if (!ssl) return false;
    header.is_encrypted = (ssl->client & client_speaks_ssl) != 0;
  }
  return true;
}

template <typename Addresses>
bool read_addresses(std::string_view& bytes, ProxyHeader& header) {
  const auto addresses = take<Addresses>(bytes);
  if (addresses) header.client = client(*addresses);
  return addresses.has_value();
}

Result read_version_2(std::string_view bytes) {
  const auto fixed = take<Version2>(bytes);
  if (!fixed) return IncompleteProxyHeader{};
  if (fixed->version_and_command != local && fixed->version_and_command != proxied)
    return MalformedProxyHeader{};
  const std::size_t length = ntohs(fixed->length);
  if (bytes.size() < length) return IncompleteProxyHeader{};
  bytes = bytes.substr(0, length);
  ProxyHeader header{.size = sizeof *fixed + length, .client = {}, .is_encrypted = {}};
  if (fixed->version_and_command == local) return header;
  bool is_whole = true;
  if (fixed->family_and_protocol == tcp_over_4) {
    is_whole = read_addresses<Addresses4>(bytes, header) && read_tlvs(bytes, header);
  } else if (fixed->family_and_protocol == tcp_over_6) {
    is_whole = read_addresses<Addresses6>(bytes, header) && read_tlvs(bytes, header);
  }
  if (!is_whole) return MalformedProxyHeader{};
  return header;
}

bool is_beginning_of(std::string_view bytes, std::string_view signature) {
  return signature.starts_with(bytes.substr(0, signature.size()));
}

}  // namespace

Result read_proxy_header(std::string_view bytes) {
  for (const std::string_view signature : {signature_1, signature_2}) {
    if (!is_beginning_of(bytes, signature)) continue;
    if (bytes.size() < signature.size()) return IncompleteProxyHeader{};
    return signature == signature_1 ? read_version_1(bytes) : read_version_2(bytes);
  }
  return MalformedProxyHeader{};
}

bool begins_proxy_header(std::string_view bytes) {
  return bytes.starts_with(signature_1) || bytes.starts_with(signature_2);
}

}  // namespace pubsub_mqtt::net
