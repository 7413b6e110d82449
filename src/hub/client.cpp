#include "client.h"

#include "pubsub_mqtt/base/printable.h"

namespace pubsub_mqtt::hub {

bool is_about_the_broker(std::string_view topic) { return topic.starts_with("$SYS/"); }

std::string printable_topic(std::string_view topic, std::size_t mounted_at) {
  if (mounted_at == 0) return printable(topic);
  return printable(topic.substr(mounted_at)) + " (" + printable(topic) + ')';
}

std::string printable_filter(const TopicFilter& filter) {
  if (!filter.is_mounted()) return printable(filter.text);
  return printable(filter.named()) + " (" + printable(filter.text) + ')';
}

void log_refusal(const Shared& shared, const Client& client, std::string_view what, std::string_view topic,
                 std::string_view reason) {
  if (!shared.logged.is_first(client.name, reason)) return;
  std::string line = client.name;
  line += ": ";
  line += what;
  line += " to ";
  line += topic;
  line += " refused: ";
  line += reason;
  line += " (logged once for this client)";
  shared.service.log(LogLevel::info, line);
}

}  // namespace pubsub_mqtt::hub
