#include "mosquitto.h"

namespace pubsub_mqtt::bench {
namespace {

// mosquitto.conf(5). No limits, nothing written to disk or log: it is to be as fast as it can be. So
// set_tcp_nodelay stays as it is, false: true halves its rate, since each message becomes a segment of its
// own.
constexpr const char* settings = R"(allow_anonymous true
persistence false
sys_interval 0
log_type none
connection_messages false
max_queued_messages 0
max_queued_bytes 0
user root
)";

}  // namespace

Mosquitto::Mosquitto() : Server("localhost") {
  const std::string path =
      folder().write("mosquitto.conf", std::string(settings) + "listener " + std::to_string(mqtt_port()) +
                                           " 127.0.0.1\nlistener " + std::to_string(mqtt_tls_port()) +
                                           " 127.0.0.1\ncertfile " + folder().path("certs/localhost.crt") +
                                           "\nkeyfile " + folder().path("certs/localhost.key") + '\n');
  start({"mosquitto", "-c", path}, mqtt_port());
}

}  // namespace pubsub_mqtt::bench
