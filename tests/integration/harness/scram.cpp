#include "scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace pubsub_mqtt::tests {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

const EVP_MD* hash_of(std::string_view method) { return method == "SCRAM-SHA-1" ? EVP_sha1() : EVP_sha256(); }

std::string hmac(const EVP_MD* hash, std::string_view key, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()), bytes(text), text.size(), bytes(out), &size);
  out.resize(size);
  return out;
}

std::string digest(const EVP_MD* hash, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), bytes(out), &size, hash, nullptr);
  out.resize(size);
  return out;
}

std::string pbkdf2(const EVP_MD* hash, std::string_view password, std::string_view salt, int iterations) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(hash)), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes(salt),
                    static_cast<int>(salt.size()), iterations, hash, static_cast<int>(out.size()),
                    bytes(out));
  return out;
}

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');  // with the NUL that OpenSSL appends
  out.resize(
      static_cast<std::size_t>(EVP_EncodeBlock(bytes(out), bytes(text), static_cast<int>(text.size()))));
  return out;
}

std::string from_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(bytes(out), bytes(text), static_cast<int>(text.size()));
  if (size < 0) throw std::runtime_error("no base64: " + std::string(text));
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace

std::string attribute(std::string_view message, char name) {
  while (!message.empty()) {
    const auto end = std::min(message.find(','), message.size());
    const auto each = message.substr(0, end);
    if (each.size() > 1 && each[0] == name && each[1] == '=') return std::string(each.substr(2));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  throw std::runtime_error("a SCRAM message without " + std::string(1, name));
}

Scram::Scram(Client client) : client_(std::move(client)) {}

std::string Scram::first() const { return client_.gs2_header + "n=" + client_.name + ",r=" + client_.nonce; }

// RFC 5802, section 3
std::string Scram::last(std::string_view server_first) {
  const EVP_MD* hash = hash_of(client_.method);
  const std::string salted = pbkdf2(hash, client_.password, from_base64(attribute(server_first, 's')),
                                    std::stoi(attribute(server_first, 'i')));
  const std::string without_proof = "c=" + base64(client_.gs2_header) + ",r=" + attribute(server_first, 'r');
  const std::string auth_message =
      "n=" + client_.name + ",r=" + client_.nonce + ',' + std::string(server_first) + ',' + without_proof;
  std::string proof = hmac(hash, salted, "Client Key");
  const std::string signature = hmac(hash, digest(hash, proof), auth_message);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  proof_of_server_ = "v=" + base64(hmac(hash, hmac(hash, salted, "Server Key"), auth_message));
  return without_proof + ",p=" + base64(proof);
}

}  // namespace pubsub_mqtt::tests
