// The control packets of MQTT 3.1, 3.1.1 (OASIS Standard, 29 October 2014) and 5.0 (OASIS Standard, 7 March 2019) as
// plain values. What only 5.0 has, properties above all, is left out where a packet is written in the form of the
// others.
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

#include "pubsub_mqtt/mqtt/properties.h"
#include "pubsub_mqtt/mqtt/qos.h"
#include "pubsub_mqtt/mqtt/reason.h"

namespace pubsub_mqtt::mqtt {

// The protocol level byte of CONNECT. 3 goes with the protocol name "MQIsdp", the others with "MQTT".
enum class ProtocolLevel : std::uint8_t { mqtt_3_1 = 3, mqtt_3_1_1 = 4, mqtt_5 = 5 };

// The version that goes with it.
constexpr std::string_view name(ProtocolLevel level) {
  return level == ProtocolLevel::mqtt_5 ? "5.0" : level == ProtocolLevel::mqtt_3_1 ? "3.1" : "3.1.1";
}

// Identifies a packet within a flow; never 0 [MQTT-2.3.1-1].
using PacketIdentifier = std::uint16_t;

struct Publish {
  std::string_view topic = {};  // empty: 5.0's Topic Alias stands for it
  std::string_view payload = {};
  QoS qos = QoS::at_most_once;
  bool retain = false;
  bool dup = false;
  PacketIdentifier packet_identifier = 0;  // 0 where qos is 0
  Properties properties = {};

  bool operator==(const Publish&) const = default;
};

struct Connect {
  ProtocolLevel level = ProtocolLevel::mqtt_3_1_1;
  bool is_bridge =
      false;  // the highest bit of the level byte is set: how mosquitto's bridges say what they are
  bool clean_session = true;     // 5.0 says Clean Start
  std::uint16_t keep_alive = 0;  // seconds; 0: none
  std::string_view client_identifier = {};
  std::optional<Publish> will = {};  // without a packet identifier
  std::optional<std::string_view> user_name = {};
  std::optional<std::string_view> password = {};  // any bytes
  Properties properties = {};

  bool operator==(const Connect&) const = default;
};

struct Connack {
  bool session_present = false;
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Connack&) const = default;
};

struct Puback {
  PacketIdentifier packet_identifier = 0;
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Puback&) const = default;
};
struct Pubrec {
  PacketIdentifier packet_identifier = 0;
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Pubrec&) const = default;
};
struct Pubrel {
  PacketIdentifier packet_identifier = 0;
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Pubrel&) const = default;
};
struct Pubcomp {
  PacketIdentifier packet_identifier = 0;
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Pubcomp&) const = default;
};

// When a SUBSCRIBE brings retained messages (MQTT 5.0, 3.8.3.1).
enum class RetainHandling : std::uint8_t { always = 0, new_subscription = 1, never = 2 };

struct SubscriptionRequest {
  std::string_view topic_filter = {};
  QoS qos = QoS::at_most_once;
  bool no_local = false;  // this and the rest: 5.0 only
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::always;

  bool operator==(const SubscriptionRequest&) const = default;
};

struct Subscribe {
  PacketIdentifier packet_identifier = 0;
  std::vector<SubscriptionRequest> subscriptions = {};  // at least one [MQTT-3.8.3-3]
  Properties properties = {};

  bool operator==(const Subscribe&) const = default;
};

struct Suback {
  PacketIdentifier packet_identifier = 0;
  std::vector<Reason> reasons = {};  // one for each filter, in their order [MQTT-3.8.4-5]
  Properties properties = {};

  bool operator==(const Suback&) const = default;
};

struct Unsubscribe {
  PacketIdentifier packet_identifier = 0;
  std::vector<std::string_view> topic_filters = {};  // at least one [MQTT-3.10.3-2]
  Properties properties = {};

  bool operator==(const Unsubscribe&) const = default;
};

struct Unsuback {
  PacketIdentifier packet_identifier = 0;
  std::vector<Reason> reasons = {};  // one for each filter [MQTT5-3.11.3-1]; none in 3.1.1
  Properties properties = {};

  bool operator==(const Unsuback&) const = default;
};

struct Pingreq {
  bool operator==(const Pingreq&) const = default;
};
struct Pingresp {
  bool operator==(const Pingresp&) const = default;
};
struct Disconnect {
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Disconnect&) const = default;
};

// 5.0 only.
struct Auth {
  Reason reason = Reason::success;
  Properties properties = {};

  bool operator==(const Auth&) const = default;
};

using Packet = std::variant<Connect, Connack, Publish, Puback, Pubrec, Pubrel, Pubcomp, Subscribe, Suback,
                            Unsubscribe, Unsuback, Pingreq, Pingresp, Disconnect, Auth>;

}  // namespace pubsub_mqtt::mqtt
