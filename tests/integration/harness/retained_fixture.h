// A node, and what it retains for whoever subscribes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {

class Retained : public RunningProsody {
 protected:
  void publish_once(mqtt::Publish packet) {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    publish(client, packet);
  }
  void retain(std::string_view payload) {
    publish_once({.topic = topic, .payload = payload, .qos = mqtt::QoS::at_least_once, .retain = true});
  }
  // What somebody gets who subscribes now.
  std::vector<Message> retained(const std::string& filter = topic, mqtt::QoS qos = mqtt::QoS::exactly_once) {
    RawMqtt client = connected(prosody.mqtt_port(), "");
    client.subscribe(filter, qos);
    return messages_so_far(client);
  }
  static std::vector<Message> only(std::string_view payload, int qos = 1) {
    return {{.topic = topic, .payload = std::string(payload), .qos = qos, .retain = true}};
  }
  XmppClient log_in() const { return {"admin@localhost", account_password, prosody.c2s_port()}; }
};

}  // namespace pubsub_mqtt::tests
