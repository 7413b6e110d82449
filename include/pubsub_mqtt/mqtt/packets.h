// The 14 control packets of MQTT 3.1.1 (OASIS Standard, 29 October 2014) as plain values.
//
// Strings are UTF-8 without U+0000 and without surrogates, as [MQTT-1.5.3-1] and [MQTT-1.5.3-2] demand;
// payloads are any bytes. Views in a packet that came from PacketReader borrow the bytes that were read: see
// packet_reader.h for how long. Values only, so any thread may use them.
//
// Every member has an initialiser, so that `Publish{.topic = topic, .retain = true}` may leave the others
// out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace pubsub_mqtt::mqtt {

enum class QoS : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

// The protocol level byte of CONNECT. 3 goes with the protocol name "MQIsdp", 4 with "MQTT".
enum class ProtocolLevel : std::uint8_t { mqtt_3_1 = 3, mqtt_3_1_1 = 4 };

// Identifies a packet within a flow; never 0 [MQTT-2.3.1-1].
using PacketIdentifier = std::uint16_t;

struct Publish {
  std::string_view topic = {};
  std::string_view payload = {};
  QoS qos = QoS::at_most_once;
  bool retain = false;
  bool dup = false;
  PacketIdentifier packet_identifier = 0;  // 0 where qos is 0

  bool operator==(const Publish&) const = default;
};

struct Connect {
  ProtocolLevel level = ProtocolLevel::mqtt_3_1_1;
  bool is_bridge =
      false;  // the highest bit of the level byte is set: how mosquitto's bridges say what they are
  bool clean_session = true;
  std::uint16_t keep_alive = 0;  // seconds; 0: none
  std::string_view client_identifier = {};
  std::optional<Publish> will = {};  // without a packet identifier
  std::optional<std::string_view> user_name = {};
  std::optional<std::string_view> password = {};  // any bytes

  bool operator==(const Connect&) const = default;
};

// 3.2.2.3, table 3.1
enum class ConnectReturnCode : std::uint8_t {
  accepted = 0,
  unacceptable_protocol_version = 1,
  identifier_rejected = 2,
  server_unavailable = 3,
  bad_user_name_or_password = 4,
  not_authorized = 5,
};

struct Connack {
  bool session_present = false;
  ConnectReturnCode code = ConnectReturnCode::accepted;

  bool operator==(const Connack&) const = default;
};

struct Puback {
  PacketIdentifier packet_identifier = 0;

  bool operator==(const Puback&) const = default;
};
struct Pubrec {
  PacketIdentifier packet_identifier = 0;

  bool operator==(const Pubrec&) const = default;
};
struct Pubrel {
  PacketIdentifier packet_identifier = 0;

  bool operator==(const Pubrel&) const = default;
};
struct Pubcomp {
  PacketIdentifier packet_identifier = 0;

  bool operator==(const Pubcomp&) const = default;
};

struct SubscriptionRequest {
  std::string_view topic_filter = {};
  QoS qos = QoS::at_most_once;

  bool operator==(const SubscriptionRequest&) const = default;
};

struct Subscribe {
  PacketIdentifier packet_identifier = 0;
  std::vector<SubscriptionRequest> subscriptions = {};  // at least one [MQTT-3.8.3-3]

  bool operator==(const Subscribe&) const = default;
};

// 3.9.3; the first three are the granted QoS.
enum class SubackReturnCode : std::uint8_t { qos_0 = 0, qos_1 = 1, qos_2 = 2, failure = 0x80 };

struct Suback {
  PacketIdentifier packet_identifier = 0;
  std::vector<SubackReturnCode> return_codes = {};  // one for each filter, in their order [MQTT-3.8.4-5]

  bool operator==(const Suback&) const = default;
};

struct Unsubscribe {
  PacketIdentifier packet_identifier = 0;
  std::vector<std::string_view> topic_filters = {};  // at least one [MQTT-3.10.3-2]

  bool operator==(const Unsubscribe&) const = default;
};

struct Unsuback {
  PacketIdentifier packet_identifier = 0;

  bool operator==(const Unsuback&) const = default;
};

struct Pingreq {
  bool operator==(const Pingreq&) const = default;
};
struct Pingresp {
  bool operator==(const Pingresp&) const = default;
};
struct Disconnect {
  bool operator==(const Disconnect&) const = default;
};

using Packet = std::variant<Connect, Connack, Publish, Puback, Pubrec, Pubrel, Pubcomp, Subscribe, Suback,
                            Unsubscribe, Unsuback, Pingreq, Pingresp, Disconnect>;

}  // namespace pubsub_mqtt::mqtt
