#include "pubsub_mqtt/payload/binary.h"

#include <openssl/evp.h>

#include <array>
#include <new>

#include "media_type.h"
#include "tree.h"

namespace pubsub_mqtt::payload {
namespace {

constexpr std::string_view xmlns_bob = "urn:xmpp:bob";
constexpr std::string_view content_id_of_nothing =
    "sha1+da39a3ee5e6b4b0d3255bfef95601890afd80709@bob.xmpp.org";
// Of XML (XML 1.0, 2.3): who writes XML may break lines.
constexpr std::string_view white_space = " \t\r\n";
constexpr std::size_t max_media_type_size = 255;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string without_white_space(std::string_view text) {
  std::string rest(text);
  std::erase_if(rest, [](char c) { return white_space.find(c) != std::string_view::npos; });
  return rest;
}

}  // namespace

std::string content_id(std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (EVP_Digest(content.data(), content.size(), hash.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::bad_alloc();
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id = "sha1+";
  for (unsigned i = 0; i < size; ++i) {
    id += digits[hash[i] >> 4U];
    id += digits[hash[i] & 0x0FU];
  }
  return id + "@bob.xmpp.org";
}

std::string base64(std::string_view content) {
  std::string text(base64_size(content.size()), '\0');
  // Writes a 0 behind the text, where a string has one. An MQTT payload is shorter than 2^28 bytes.
  EVP_EncodeBlock(bytes(text), bytes(content), static_cast<int>(content.size()));
  return text;
}

std::optional<std::string> bytes_of_base64(std::string_view text) {
  if (text.find_first_of(white_space) != std::string_view::npos)
    return bytes_of_base64(without_white_space(text));
  if (text.size() % 4 != 0) return std::nullopt;
  std::string content(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(bytes(content), bytes(text), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  if (static_cast<std::size_t>(size) != content.size()) return std::nullopt;
  content.resize(content.size() - padding);
  // OpenSSL takes more than base64: padding anywhere, hyphens at the end.
  if (base64(content) != text) return std::nullopt;
  return content;
}

std::string_view media_type(std::string_view content_type) {
  const bool is_one = content_type.size() <= max_media_type_size && is_media_type(content_type);
  return is_one ? content_type : "application/octet-stream";
}

pugi::xml_document bits_of_binary(std::string_view content_id, std::string_view media_type,
                                  std::optional<std::string_view> base64) {
  pugi::xml_document document;
  const auto data = append_element(document.root(), "data", xmlns_bob);
  append_attribute(data, "cid", content_id);
  append_attribute(data, "type", media_type);
  if (base64) append_text(data, *base64);
  return document;
}

bool is_bits_of_binary(const pugi::xml_node& element) { return is_element(element, "data", xmlns_bob); }

std::optional<std::string> bytes_of(const pugi::xml_node& element) {
  const auto text = only_text(element);
  auto content = text ? bytes_of_base64(*text) : std::nullopt;
  // Without content it stands for some that is elsewhere, unless that is known to be nothing.
  if (content && content->empty() && element.attribute("cid").value() != content_id_of_nothing)
    return std::nullopt;
  return content;
}

std::string_view media_type_of(const pugi::xml_node& element) {
  const std::string_view type = element.attribute("type").value();
  return is_media_type(type) ? type : std::string_view();
}

}  // namespace pubsub_mqtt::payload
