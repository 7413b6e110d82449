#include "protocol/client_disconnect.h"

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

using mqtt::Reason;

// Table 3-10: the others are a server's.
bool is_of_clients(Reason reason) {
  switch (reason) {
    case Reason::success:
    case Reason::disconnect_with_will:
    case Reason::unspecified_error:
    case Reason::malformed_packet:
    case Reason::protocol_error:
    case Reason::implementation_specific_error:
    case Reason::topic_name_invalid:
    case Reason::receive_maximum_exceeded:
    case Reason::topic_alias_invalid:
    case Reason::packet_too_large:
    case Reason::message_rate_too_high:
    case Reason::quota_exceeded:
    case Reason::administrative_action:
    case Reason::payload_format_invalid:
    case Reason::bad_authentication_method:  // table 2-6 has it, too, and does not say whose it is
      return true;
    default:
      return false;
  }
}

}  // namespace

Violation fault(const mqtt::Disconnect& packet, bool outlives_connection) {
  if (!is_of_clients(packet.reason))
    return BrokenRule{"a DISCONNECT with a reason of servers (5.0, 3.14.2.1)"};
  if (packet.properties.bytes(Id::server_reference)) {
    return BrokenRule{"a DISCONNECT with a server reference, which is a server's (5.0, 3.14.2.2.5)"};
  }
  if (!outlives_connection && packet.properties.integer(Id::session_expiry_interval).value_or(0) > 0) {
    return BrokenRule{"a DISCONNECT that keeps a session which CONNECT did not (5.0, 3.14.2.2.2)"};
  }
  return std::nullopt;
}

}  // namespace pubsub_mqtt::session
