#include "pubsub_mqtt/mqtt/reason.h"

namespace pubsub_mqtt::mqtt {

ConnectReturnCode connect_return_code(Reason reason) {
  switch (reason) {
    case Reason::success:
      return ConnectReturnCode::accepted;
    case Reason::unsupported_protocol_version:
      return ConnectReturnCode::unacceptable_protocol_version;
    case Reason::identifier_rejected:
      return ConnectReturnCode::identifier_rejected;
    case Reason::server_unavailable:
      return ConnectReturnCode::server_unavailable;
    case Reason::bad_credentials:
      return ConnectReturnCode::bad_user_name_or_password;
    case Reason::not_authorized:
      return ConnectReturnCode::not_authorized;
  }
  return ConnectReturnCode::server_unavailable;
}

SubackReturnCode suback_return_code(const FilterResult& result) {
  const auto* qos = std::get_if<QoS>(&result);
  return qos != nullptr ? static_cast<SubackReturnCode>(*qos) : SubackReturnCode::failure;
}

}  // namespace pubsub_mqtt::mqtt
