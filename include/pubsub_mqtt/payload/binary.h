// Bytes in XML: <data xmlns='urn:xmpp:bob' cid='...' type='...'> with base64 inside (XEP-0231, Bits of Binary). Any
// thread; hashing and encoding take milliseconds for a megabyte, so they are for the network thread.
#pragma once

#include <cstddef>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace pubsub_mqtt::payload {

// XEP-0231, 2.1: "sha1+...@bob.xmpp.org", with the hash of the bytes. SHA-1 is what its readers know.
std::string content_id(std::string_view bytes);

// RFC 4648, 4.
std::string base64(std::string_view bytes);
constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
// The bytes that a base64 text encodes, white space apart; nullopt where it is not what base64() makes of any.
std::optional<std::string> bytes_of_base64(std::string_view text);

// What an element says of bytes whose publisher calls them `content_type`: that, where it is a media type by RFC 2045,
// 5.1, of at most 255 bytes; else "application/octet-stream".
std::string_view media_type(std::string_view content_type);

// The element. Without `base64` it names the content and does not hold it.
pugi::xml_document bits_of_binary(std::string_view content_id, std::string_view media_type,
                                  std::optional<std::string_view> base64 = std::nullopt);

bool is_bits_of_binary(const pugi::xml_node& element);

// The bytes that such an element holds; nullopt where it holds none, or what is inside is no base64.
std::optional<std::string> bytes_of(const pugi::xml_node& element);
// Its `type`, where it is a media type; else empty.
std::string_view media_type_of(const pugi::xml_node& element);

}  // namespace pubsub_mqtt::payload
