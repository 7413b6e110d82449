#include "protocol/newcomer.h"

#include <utility>

namespace pubsub_mqtt::session {

PendingConnect::PendingConnect(const mqtt::Connect& packet)
    : client_identifier(packet.client_identifier), properties(packet.properties.encoded()), connect(packet) {
  connect.client_identifier = client_identifier;
  connect.properties = mqtt::Properties(properties);
  if (auto& will = connect.will) {
    will_topic = will->topic;
    will_payload = will->payload;
    will_properties = will->properties.encoded();
    will->topic = will_topic;
    will->payload = will_payload;
    will->properties = mqtt::Properties(will_properties);
  }
  connect.user_name.reset();
  connect.password.reset();
}

Newcomer::Newcomer(Peer from) : peer(std::move(from)), name(peer.name) {}

}  // namespace pubsub_mqtt::session
