#include "record/session_key.h"

#include "pubsub_mqtt/base/printable.h"

namespace pubsub_mqtt::session {

// FNV-1a, 64 bits wide. Of two clients with the same number, one that is a bridge would not get what the other one
// publishes: by chance that is one pair in 2^64, and who looks for such a pair hides nothing but own messages.
PublisherId publisher_id(const SessionKey& key) {
  constexpr PublisherId offset = 0xCBF29CE484222325;
  constexpr PublisherId prime = 0x100000001B3;
  PublisherId id = offset;
  const auto add = [&](char byte) { id = (id ^ static_cast<unsigned char>(byte)) * prime; };
  for (const char byte : key.account) add(byte);
  add('\0');  // stands in no account
  for (const char byte : key.client_identifier) add(byte);
  return id;
}

std::string client_name(std::string_view address, std::string_view client_identifier) {
  return std::string(address) + " \"" + printable(client_identifier) + '"';
}

std::string client_name(std::string_view address, const SessionKey& key) {
  std::string name = client_name(address, key.client_identifier);
  if (!key.account.empty()) name += " (" + key.account + ')';
  return name;
}

}  // namespace pubsub_mqtt::session
