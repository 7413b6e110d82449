#include "connect.h"

#include <string>

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint32_t a_day = 86400;  // seconds

std::string make_kept() {
  std::string properties;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::session_expiry_interval, .value = a_day}, properties);
  return properties;
}

}  // namespace

mqtt::Connect connect_packet(mqtt::ProtocolLevel level, std::string_view client_identifier, Session session) {
  static const std::string kept = make_kept();
  mqtt::Connect packet{.level = level, .client_identifier = client_identifier};
  if (session == Session::kept) {
    packet.clean_session = false;
    packet.properties = mqtt::Properties(kept);  // of which versions before 5.0 have none
  }
  return packet;
}

}  // namespace pubsub_mqtt::bench
