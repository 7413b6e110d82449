#include "record/session_key.h"

#include "pubsub_mqtt/base/printable.h"

namespace pubsub_mqtt::session {

std::string client_name(std::string_view address, std::string_view client_identifier) {
  return std::string(address) + " \"" + printable(client_identifier) + '"';
}

std::string client_name(std::string_view address, const SessionKey& key) {
  std::string name = client_name(address, key.client_identifier);
  if (!key.account.empty()) name += " (" + key.account + ')';
  return name;
}

}  // namespace pubsub_mqtt::session
