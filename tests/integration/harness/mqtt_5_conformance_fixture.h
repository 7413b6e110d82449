// Clients of MQTT 5.0 and a real Prosody, for the statements of the specification that hold only when all rooms do
// their part.
#pragma once

#include <string>

#include "raw_mqtt_5.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests::mqtt_5 {

class Mqtt5Conformance : public RunningProsody {
 protected:
  static constexpr const char* filter = "pubsub.localhost/utf8/#";

  RawMqtt client(const Client& options, bool session_present = false) {
    return connected(prosody.mqtt_port(), options, session_present);
  }
  RawMqtt client(const char* identifier) { return client(Client{.identifier = identifier}); }

  // At QoS 1, to its end: pubsub has it, and so have its subscribers' sessions.
  static mqtt::Reason publish(RawMqtt& client, mqtt::Publish packet) {
    packet.qos = mqtt::QoS::at_least_once;
    packet.packet_identifier = 77;
    client.send(packet);
    return client.read_packet<mqtt::Puback>().reason;
  }

  // Nothing comes before the answer to a PINGREQ: what there was for the client is on its way before.
  static void expect_silence(RawMqtt& client) { client.ping(); }

  const std::string expiry_60 = properties({{Id::session_expiry_interval, 60U}});
};

}  // namespace pubsub_mqtt::tests::mqtt_5
