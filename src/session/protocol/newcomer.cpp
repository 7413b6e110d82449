#include "protocol/newcomer.h"

#include <string_view>
#include <utility>

namespace pubsub_mqtt::session {

PendingConnect::PendingConnect(const mqtt::Connect& packet)
    : client_identifier(packet.client_identifier),
      will_topic(packet.will ? packet.will->topic : std::string_view()),
      will_payload(packet.will ? packet.will->payload : std::string_view()),
      connect(packet) {
  connect.client_identifier = client_identifier;
  if (connect.will) {
    connect.will->topic = will_topic;
    connect.will->payload = will_payload;
  }
  connect.user_name.reset();
  connect.password.reset();
}

Newcomer::Newcomer(Peer from) : peer(std::move(from)), name(peer.name) {}

}  // namespace pubsub_mqtt::session
