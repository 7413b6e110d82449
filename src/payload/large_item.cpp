#include "pubsub_mqtt/payload/large_item.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>
#include <variant>

#include "namespace_budget.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "tree.h"

namespace pubsub_mqtt::payload {
namespace {

// What `<item>`, the payload element around a text, and their attributes add; what XML escaping makes of one byte at
// most.
constexpr std::size_t item_overhead = 512;
constexpr std::size_t most_escaped_size = 6;

// As serialize() escapes text.
std::size_t escaped_size(std::string_view text) {
  std::size_t size = text.size();
  for (const char c : text) {
    if (c == '<' || c == '>') size += 3;
    if (c == '&' || c == '\r') size += 4;
    if (c == '"' || c == '\'') size += 5;
  }
  return size;
}

// XEP-0231, 2.1: the algorithm and the hash of the bytes. SHA-1 is what its readers know.
std::string content_id_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::bad_alloc();
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id = "sha1+";
  for (unsigned i = 0; i < size; ++i) {
    id += digits[hash[i] >> 4U];
    id += digits[hash[i] & 0x0FU];
  }
  return id + "@bob.xmpp.org";
}

std::string_view media_type(topic::Type type) {
  switch (type) {
    case topic::Type::json:
      return "application/json";
    case topic::Type::utf8:
    case topic::Type::atom_title:
      return "text/plain";
    case topic::Type::xml:
      break;
  }
  return "application/xml";
}

}  // namespace

std::size_t certain_payload_size(std::size_t max_item_size) {
  return (std::max(max_item_size, item_overhead) - item_overhead) / most_escaped_size;
}

std::size_t certain_payload_size(topic::Type type, std::size_t max_item_size) {
  if (type != Type::xml) return certain_payload_size(max_item_size);
  const std::size_t around = item_overhead + namespace_allowance;
  return (std::max(max_item_size, around) - around) / (most_escaped_size + namespace_growth);
}

Examined examine(topic::Type type, std::string_view payload, const Limits& limits) {
  std::size_t size = 0;
  if (type == Type::xml) {
    const auto document = parse_element(payload, limits.max_xml_elements);
    if (const auto* refused = std::get_if<Refused>(&document))
      return {.refusal = refused->reason, .content_id = {}};
    size = serialize(std::get<pugi::xml_document>(document).document_element()).size();
  } else {
    if (const auto refused = check_text(type, payload)) return {.refusal = refused->reason, .content_id = {}};
    size = escaped_size(payload);
  }
  if (size + item_overhead <= limits.max_item_size) return {};
  return {.refusal = {}, .content_id = content_id_of(payload)};
}

pugi::xml_document stand_in(topic::Type type, std::string_view content_id) {
  pugi::xml_document document;
  const auto data = append_element(document.root(), "data", "urn:xmpp:bob");
  append_attribute(data, "cid", content_id);
  append_attribute(data, "type", media_type(type));
  return document;
}

}  // namespace pubsub_mqtt::payload
