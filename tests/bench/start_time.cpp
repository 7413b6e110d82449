#include "start_time.h"

#include <unistd.h>

#include <stdexcept>

#include "monotonic_time.h"
#include "mqtt_client.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double patience = 900;  // seconds: with many nodes, on a machine that has other work

}  // namespace

double time_to_start(Server& server, mqtt::ProtocolLevel level) {
  const std::uint64_t start = monotonic_time();
  server.start_again();
  EventLoop loop;
  for (;;) {
    try {
      MqttClient client(loop, server.mqtt_port(), {.level = level, .client_identifier = "first"});
      loop.run_until([&] { return client.connected(); }, "CONNACK");
      return seconds(monotonic_time() - start);
    } catch (const std::runtime_error&) {  // its port is not open yet
      if (monotonic_time() > start + nanoseconds(patience)) throw;
      usleep(1'000);
    }
  }
}

}  // namespace pubsub_mqtt::bench
