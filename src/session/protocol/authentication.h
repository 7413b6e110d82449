// Enhanced authentication on one connection (MQTT 5.0, 4.12): exchanges in which the client proves who it is, with
// CONNECT and again later. What is said in them is for Prosody's thread; here is whose turn it is. Network thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/violation.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::session {

class Authentication {
 public:
  // `method` is CONNECT's, which is that of every later packet, too [MQTT5-4.12.0-5].
  Authentication(LoginClient client, std::string_view method);

  // An exchange begins, with the properties of CONNECT or of AUTH. `name` is what log lines call the client now. The
  // rest of the request is the caller's.
  AuthRequest begin(std::string name, const mqtt::Properties& properties, Time now);

  // The rule that an AUTH breaks. is_connected: CONNACK was sent.
  Violation fault(const mqtt::Auth& auth, bool is_connected) const;

  // The client goes on, with an AUTH without fault.
  AuthResponse go_on(const mqtt::Auth& auth);

  // Prosody's thread has answered: the client's turn, or the end.
  void replied(mqtt::Reason reason);

  // Ends an exchange, where there is one. True: Prosody's thread is to be told.
  bool leave();

  bool awaits_client() const { return turn_ == Turn::client; }
  // When the exchange began; nullopt: there is none.
  std::optional<Time> began_at() const;

  // Adds what an AUTH, or the CONNACK that accepts the client, bears of it.
  void append_properties(std::string_view data, std::string& properties) const;

 private:
  enum class Turn : std::uint8_t { none, client, prosody };

  Turn turn_ = Turn::none;
  Time began_at_{0};
  std::string method_;
  LoginClient client_;
};

// What DISCONNECT says where an exchange that is not CONNECT's has failed [MQTT5-4.12.1-2]: it has fewer reasons.
mqtt::Reason reason_to_disconnect(mqtt::Reason reason);

}  // namespace pubsub_mqtt::session
