#include "mosquitto.h"

namespace pubsub_mqtt::bench {
namespace {

// mosquitto.conf(5). No limits, nothing written to the log: it is to be as fast as it can be. So
// set_tcp_nodelay stays as it is, false: true halves its rate, since each message becomes a segment of its
// own.
constexpr const char* settings = R"(allow_anonymous true
sys_interval 0
log_type none
connection_messages false
max_queued_messages 0
max_queued_bytes 0
user root
)";

std::string text_of(Mosquitto::Persistence persistence, const std::string& folder) {
  using enum Mosquitto::Persistence;
  if (persistence == none) return "persistence false\n";
  std::string text = "persistence true\npersistence_location " + folder + "/\n";
  if (persistence == on_each_change) text += "autosave_interval 1\nautosave_on_changes true\n";
  return text;
}

}  // namespace

Mosquitto::Mosquitto(Persistence persistence) : Server("localhost") {
  const std::string path = folder().write(
      "mosquitto.conf",
      settings + text_of(persistence, folder().path(".")) + "listener " + std::to_string(mqtt_port()) +
          " 127.0.0.1\nlistener " + std::to_string(mqtt_tls_port()) + " 127.0.0.1\ncertfile " +
          folder().path("certs/localhost.crt") + "\nkeyfile " + folder().path("certs/localhost.key") + '\n');
  start({"mosquitto", "-c", path}, mqtt_port());
}

}  // namespace pubsub_mqtt::bench
