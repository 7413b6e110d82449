#include "client.h"

#include <algorithm>

#include "pubsub_mqtt/base/printable.h"

namespace pubsub_mqtt::hub {

void log_refusal(PubsubService& service, Client& client, std::string_view what, std::string_view topic,
                 std::string_view reason) {
  if (std::find(client.logged.begin(), client.logged.end(), reason) != client.logged.end()) return;
  client.logged.emplace_back(reason);
  std::string line = client.name;
  line += ": ";
  line += what;
  line += " to ";
  line += printable(topic);
  line += " refused: ";
  line += reason;
  line += " (logged once for this client)";
  service.log(LogLevel::info, line);
}

}  // namespace pubsub_mqtt::hub
