#include "pubsub_mqtt/net/page.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace pubsub_mqtt::net {
namespace {

// Half of a SHA-256 is enough to tell files from each other.
constexpr std::size_t tag_bytes = 16;

std::string tag_of(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), digest.data(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256, with which files of the page are told from each other");
  constexpr std::string_view digits = "0123456789abcdef";
  std::string tag;
  for (std::size_t i = 0; i < tag_bytes; ++i) {
    tag += digits[digest[i] >> 4U];
    tag += digits[digest[i] & 0xfU];
  }
  return tag;
}

}  // namespace

PageFile make_page_file(std::string media_type, std::string bytes, std::string compressed) {
  std::string tag = tag_of(bytes);
  return {.media_type = std::move(media_type),
          .bytes = std::move(bytes),
          .compressed = std::move(compressed),
          .tag = std::move(tag)};
}

}  // namespace pubsub_mqtt::net
