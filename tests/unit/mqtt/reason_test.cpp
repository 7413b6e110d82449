// Reasons: which may stand in which packet of MQTT 5.0, and which return codes of 3.1.1 say most of them.
#include "pubsub_mqtt/mqtt/reason.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "packet_bytes.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt {
namespace {

struct PacketWithReason {
  const char* name;
  std::string reasons;  // as its own section lists them
  std::function<std::string(int)> with_reason;
};

// Sections 3.2.2.2, 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1 and 3.15.2.1. DISCONNECT's has 0x8C
// in table 2-6 only.
std::vector<PacketWithReason> packets_with_reasons() {
  const auto publish = bytes(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99);
  return {
      {"CONNACK",
       bytes(0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
             0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F),
       [](int reason) { return packet(0x20, 0, reason, 0); }},
      {"PUBACK", publish, [](int reason) { return packet(0x40, 0, 1, reason); }},
      {"PUBREC", publish, [](int reason) { return packet(0x50, 0, 1, reason); }},
      {"PUBREL", bytes(0x00, 0x92), [](int reason) { return packet(0x62, 0, 1, reason); }},
      {"PUBCOMP", bytes(0x00, 0x92), [](int reason) { return packet(0x70, 0, 1, reason); }},
      {"SUBACK", bytes(0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2),
       [](int reason) { return packet(0x90, 0, 1, 0, 0, reason); }},
      {"UNSUBACK", bytes(0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91),
       [](int reason) { return packet(0xB0, 0, 1, 0, 0, reason); }},
      {"DISCONNECT",
       bytes(0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
             0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2),
       [](int reason) { return packet(0xE0, reason); }},
      {"AUTH", bytes(0x00, 0x18, 0x19), [](int reason) { return packet(0xF0, reason, 4, 0x15, field("M")); }},
  };
}

TEST(Reason, StandsInThePacketsThatTable_2_6_Lists) {
  for (const auto& [name, reasons, with_reason] : packets_with_reasons()) {
    for (int reason = 0; reason < 0x100; ++reason) {
      const auto packet = with_reason(reason);
      const bool is_listed = reasons.find(static_cast<char>(reason)) != std::string::npos;
      const auto reading = read_fragments({packet}, default_max_packet_size, ProtocolLevel::mqtt_5);
      EXPECT_EQ(reading.packets.size(), is_listed ? 1U : 0U) << name << ' ' << reason;
      EXPECT_EQ(reading.code, is_listed ? Reason::success : Reason::malformed_packet)
          << name << ' ' << reason;
    }
  }
}

TEST(Reason, HasANameOfItsOwn) {
  std::string listed;
  for (const auto& packet : packets_with_reasons()) listed += packet.reasons;
  std::set<std::string_view> names;
  for (int reason = 0; reason < 0x100; ++reason) {
    const auto of_it = name(static_cast<Reason>(reason));
    const bool is_listed = listed.find(static_cast<char>(reason)) != std::string::npos;
    EXPECT_EQ(!of_it.empty(), is_listed) << reason;
    EXPECT_TRUE(!is_listed || names.insert(of_it).second) << of_it;
  }
  EXPECT_EQ(name(Reason::topic_filter_invalid), "topic filter invalid");
}

TEST(Reason, IsAnErrorFrom0x80On) {
  EXPECT_FALSE(is_error(Reason::success));
  EXPECT_FALSE(is_error(Reason::reauthenticate));
  EXPECT_TRUE(is_error(Reason::unspecified_error));
  EXPECT_TRUE(is_error(Reason::wildcard_subscriptions_not_supported));
}

TEST(Reason, IsToldToOlderClientsByTheReturnCodeThatSaysMostOfIt) {
  EXPECT_EQ(connect_return_code(Reason::success), 0);
  EXPECT_EQ(connect_return_code(Reason::unsupported_protocol_version), 1);
  EXPECT_EQ(connect_return_code(Reason::client_identifier_not_valid), 2);
  EXPECT_EQ(connect_return_code(Reason::server_unavailable), 3);
  EXPECT_EQ(connect_return_code(Reason::server_busy), 3);
  EXPECT_EQ(connect_return_code(Reason::bad_user_name_or_password), 4);
  EXPECT_EQ(connect_return_code(Reason::not_authorized), 5);
  EXPECT_EQ(connect_return_code(Reason::banned), 5);
  for (int code = 0; code <= 5; ++code) {
    EXPECT_EQ(connect_return_code(reason_of_connect_return_code(static_cast<std::uint8_t>(code))), code);
  }
  EXPECT_EQ(suback_return_code(Reason::granted_qos_0), 0);
  EXPECT_EQ(suback_return_code(Reason::granted_qos_1), 1);
  EXPECT_EQ(suback_return_code(Reason::granted_qos_2), 2);
  EXPECT_EQ(suback_return_code(Reason::not_authorized), 0x80);
  EXPECT_EQ(suback_return_code(Reason::topic_filter_invalid), 0x80);
}

TEST(Reason, OfAGrantIsItsQos) {
  EXPECT_EQ(granted(QoS::at_most_once), Reason::granted_qos_0);
  EXPECT_EQ(granted(QoS::at_least_once), Reason::granted_qos_1);
  EXPECT_EQ(granted(QoS::exactly_once), Reason::granted_qos_2);
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
