// Every rule of MQTT 3.1.1 that a receiver can check, broken once by a packet that is right in all else.
#include <gtest/gtest.h>

#include <ostream>

#include "packet_bytes.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt {
namespace {

using namespace std::string_view_literals;

struct Broken {
  const char* name;
  std::string_view rule;  // as the reason cites it
  std::string bytes;
};

std::ostream& operator<<(std::ostream& out, const Broken& broken) { return out << broken.name; }

class MalformedPacket : public testing::TestWithParam<Broken> {};

TEST_P(MalformedPacket, IsRefusedForTheRuleItBreaks) {
  const auto& [name, rule, bytes] = GetParam();
  const auto whole = read_fragments({bytes});
  EXPECT_TRUE(whole.packets.empty());
  EXPECT_NE(whole.end.find(rule), std::string::npos) << whole.end;
  EXPECT_EQ(read_byte_by_byte(bytes), whole);
}

std::vector<Broken> fixed_headers() {
  constexpr auto flags = "[MQTT-2.2.2-2]"sv;
  return {
      {"packet_type_0", "(2.2.1)", bytes(0x00)},
      {"packet_type_15", "(2.2.1)", bytes(0xF0)},
      {"reserved_flags_of_CONNECT_MQTT_2_2_2_2", flags, bytes(0x11)},
      {"reserved_flags_of_CONNACK_MQTT_2_2_2_2", flags, bytes(0x22)},
      {"reserved_flags_of_PUBACK_MQTT_2_2_2_2", flags, bytes(0x42)},
      {"reserved_flags_of_PUBREC_MQTT_2_2_2_2", flags, bytes(0x51)},
      {"reserved_flags_of_PUBREL_MQTT_3_6_1_1", flags, bytes(0x60)},
      {"DUP_of_PUBREL_MQTT_3_6_1_1", flags, bytes(0x6A)},
      {"reserved_flags_of_PUBCOMP_MQTT_2_2_2_2", flags, bytes(0x78)},
      {"reserved_flags_of_SUBSCRIBE_MQTT_3_8_1_1", flags, bytes(0x80)},
      {"DUP_of_SUBSCRIBE_MQTT_3_8_1_1", flags, bytes(0x8A)},
      {"reserved_flags_of_SUBACK_MQTT_2_2_2_2", flags, bytes(0x91)},
      {"reserved_flags_of_UNSUBSCRIBE_MQTT_3_10_1_1", flags, bytes(0xA0)},
      {"DUP_of_UNSUBSCRIBE_MQTT_3_10_1_1", flags, bytes(0xAA)},
      {"reserved_flags_of_UNSUBACK_MQTT_2_2_2_2", flags, bytes(0xB2)},
      {"reserved_flags_of_PINGREQ_MQTT_2_2_2_2", flags, bytes(0xC1)},
      {"reserved_flags_of_PINGRESP_MQTT_2_2_2_2", flags, bytes(0xD1)},
      {"reserved_flags_of_DISCONNECT_MQTT_3_14_1_1", flags, bytes(0xE1)},
      {"QoS_3_MQTT_3_3_1_4", "[MQTT-3.3.1-4]", bytes(0x36)},
      {"QoS_3_with_DUP_MQTT_3_3_1_4", "[MQTT-3.3.1-4]", bytes(0x3F)},
      {"DUP_at_QoS_0_MQTT_3_3_1_2", "[MQTT-3.3.1-2]", bytes(0x38)},
      {"remaining_length_of_five_bytes_2_2_3", "(2.2.3)", bytes(0x30, 0x80, 0x80, 0x80, 0x80)},
      {"a_TLS_client", flags, bytes(0x16, 3, 1, 2, 0, 1, 0)},
      {"an_HTTP_client", flags, "GET / HTTP/1.1\r\n"},
  };
}

// From protocol name to client identifier.
std::string connect(int flags, std::string_view fields_after_client_identifier = {}) {
  return packet(0x10, field("MQTT"), 4, flags, 0, 60, field("id"), fields_after_client_identifier);
}

std::vector<Broken> connects() {
  constexpr auto cut = "ends before its last field"sv;
  constexpr auto left_over = "bytes after its last field"sv;
  constexpr auto utf8 = "[MQTT-1.5.3-1, MQTT-1.5.3-2]"sv;
  return {
      {"protocol_name_MQTT_3_1_2_1", "[MQTT-3.1.2-1]", packet(0x10, field("HTTP"), 4, 2, 0, 60, field("id"))},
      {"empty_protocol_name_MQTT_3_1_2_1", "[MQTT-3.1.2-1]",
       packet(0x10, field(""), 4, 2, 0, 60, field("id"))},
      {"protocol_name_in_small_letters_MQTT_3_1_2_1", "[MQTT-3.1.2-1]",
       packet(0x10, field("mqtt"), 4, 2, 0, 60, field("id"))},
      {"protocol_name_of_another_level_MQTT_3_1_2_1", "[MQTT-3.1.2-1]",
       packet(0x10, field("HTTP"), 9, 2, 0, 60, field("id"))},
      {"reserved_connect_flag_MQTT_3_1_2_3", "[MQTT-3.1.2-3]", connect(0x03)},
      {"will_QoS_without_will_MQTT_3_1_2_11", "[MQTT-3.1.2-11, MQTT-3.1.2-13]", connect(0x0A)},
      {"will_retain_without_will_MQTT_3_1_2_11", "[MQTT-3.1.2-11, MQTT-3.1.2-15]", connect(0x22)},
      {"will_fields_without_will_MQTT_3_1_2_11", left_over, connect(0x02, field("t") + field("m"))},
      {"will_QoS_3_MQTT_3_1_2_14", "[MQTT-3.1.2-14]", connect(0x1E, field("t") + field("m"))},
      {"no_will_fields_MQTT_3_1_2_9", cut, connect(0x06)},
      {"no_will_message_MQTT_3_1_2_9", cut, connect(0x06, field("t"))},
      {"user_name_without_its_flag_MQTT_3_1_2_18", left_over, connect(0x02, field("user"))},
      {"no_user_name_MQTT_3_1_2_19", cut, connect(0x82)},
      {"password_without_its_flag_MQTT_3_1_2_20", left_over, connect(0x82, field("user") + field("secret"))},
      {"no_password_MQTT_3_1_2_21", cut, connect(0xC2, field("user"))},
      {"password_without_user_name_MQTT_3_1_2_22", "[MQTT-3.1.2-22]", connect(0x42, field("secret"))},
      {"no_client_identifier_MQTT_3_1_3_3", cut, packet(0x10, field("MQTT"), 4, 2, 0, 60)},
      {"client_identifier_not_UTF_8_MQTT_3_1_3_4", utf8,
       packet(0x10, field("MQTT"), 4, 2, 0, 60, field("\xFF"))},
      {"client_identifier_with_U0000_MQTT_1_5_3_2", utf8,
       packet(0x10, field("MQTT"), 4, 2, 0, 60, field("a\0b"sv))},
      {"will_topic_not_UTF_8_MQTT_3_1_3_10", utf8, connect(0x06, field("\xC0\xAF") + field("m"))},
      {"will_topic_with_a_wildcard_MQTT_4_7_1_1", "MQTT-4.7.1-1]", connect(0x06, field("a/#") + field("m"))},
      {"empty_will_topic_MQTT_4_7_3_1", "[MQTT-4.7.3-1]", connect(0x06, field("") + field("m"))},
      {"user_name_not_UTF_8_MQTT_3_1_3_11", utf8, connect(0x82, field("\xED\xA0\x80"))},
      {"user_name_with_U0000_MQTT_1_5_3_2", utf8, connect(0x82, field("a\0"sv))},
      {"CONNECT_without_a_body", cut, bytes(0x10, 0)},
      {"CONNECT_without_a_level", cut, packet(0x10, field("MQTT"))},
      {"CONNECT_without_flags", cut, packet(0x10, field("MQTT"), 4)},
      {"CONNECT_without_a_keep_alive", cut, packet(0x10, field("MQTT"), 4, 2, 0)},
      {"CONNECT_with_a_byte_left_over", left_over, connect(0x02, "x")},
      {"CONNECT_with_a_field_longer_than_the_packet", cut,
       packet(0x10, field("MQTT"), 4, 2, 0, 60, 0xFF, 0xFF, "id")},
  };
}

std::vector<Broken> publishes() {
  constexpr auto utf8 = "[MQTT-1.5.3-1, MQTT-1.5.3-2]"sv;
  constexpr auto cut = "ends before its last field"sv;
  return {
      {"no_topic_name_MQTT_3_3_2_1", cut, bytes(0x30, 0)},
      {"half_of_a_length_MQTT_3_3_2_1", cut, bytes(0x30, 1, 0)},
      {"topic_name_longer_than_the_packet_MQTT_3_3_2_1", cut, packet(0x30, 0, 4, "a/b")},
      {"topic_name_not_UTF_8_MQTT_3_3_2_1", utf8, packet(0x30, field("a\x80"))},
      {"topic_name_with_a_surrogate_MQTT_1_5_3_1", utf8, packet(0x30, field("\xED\xBF\xBF"))},
      {"topic_name_with_U0000_MQTT_4_7_3_2", utf8, packet(0x30, field("a\0b"sv))},
      {"topic_name_with_a_multi_level_wildcard_MQTT_3_3_2_2", "[MQTT-3.3.2-2", packet(0x30, field("a/#"))},
      {"topic_name_with_a_single_level_wildcard_MQTT_3_3_2_2", "[MQTT-3.3.2-2", packet(0x30, field("a/+/b"))},
      {"empty_topic_name_MQTT_4_7_3_1", "[MQTT-4.7.3-1]", packet(0x30, field(""), "payload")},
      {"packet_identifier_0_at_QoS_1_MQTT_2_3_1_1", "[MQTT-2.3.1-1]", packet(0x32, field("t"), 0, 0)},
      {"packet_identifier_0_at_QoS_2_MQTT_2_3_1_1", "[MQTT-2.3.1-1]", packet(0x34, field("t"), 0, 0, "p")},
      {"no_packet_identifier_at_QoS_1_MQTT_2_3_1_1", cut, packet(0x32, field("t"))},
      {"half_a_packet_identifier_at_QoS_1_MQTT_2_3_1_1", cut, packet(0x32, field("t"), 1)},
  };
}

std::vector<Broken> subscribes() {
  constexpr auto utf8 = "[MQTT-1.5.3-1, MQTT-1.5.3-2]"sv;
  constexpr auto cut = "ends before its last field"sv;
  constexpr auto wildcard = "[MQTT-4.7.1-2, MQTT-4.7.1-3]"sv;
  constexpr auto qos = "[MQTT-3-8.3-4]"sv;
  return {
      {"SUBSCRIBE_without_a_body", cut, bytes(0x82, 0)},
      {"SUBSCRIBE_with_packet_identifier_0_MQTT_2_3_1_1", "[MQTT-2.3.1-1]",
       packet(0x82, 0, 0, field("a"), 0)},
      {"SUBSCRIBE_without_a_filter_MQTT_3_8_3_3", "[MQTT-3.8.3-3]", packet(0x82, 0, 1)},
      {"SUBSCRIBE_to_no_UTF_8_MQTT_3_8_3_1", utf8, packet(0x82, 0, 1, field("\xF5"), 0)},
      {"SUBSCRIBE_to_U0000_MQTT_4_7_3_2", utf8, packet(0x82, 0, 1, field("\0"sv), 0)},
      {"SUBSCRIBE_to_an_empty_filter_MQTT_4_7_3_1", "[MQTT-4.7.3-1]", packet(0x82, 0, 1, field(""), 0)},
      {"SUBSCRIBE_with_a_multi_level_wildcard_inside_MQTT_4_7_1_2", wildcard,
       packet(0x82, 0, 1, field("a/#/b"), 0)},
      {"SUBSCRIBE_with_a_single_level_wildcard_beside_text_MQTT_4_7_1_3", wildcard,
       packet(0x82, 0, 1, field("a/b+"), 0)},
      {"SUBSCRIBE_at_QoS_3_MQTT_3_8_3_4", qos, packet(0x82, 0, 1, field("a"), 3)},
      {"SUBSCRIBE_with_reserved_QoS_bits_MQTT_3_8_3_4", qos, packet(0x82, 0, 1, field("a"), 0x81)},
      {"SUBSCRIBE_without_a_QoS", cut, packet(0x82, 0, 1, field("a"))},
      {"SUBSCRIBE_with_a_bad_second_filter", wildcard, packet(0x82, 0, 1, field("a"), 0, field("##"), 0)},
      {"SUBSCRIBE_with_a_byte_left_over", cut, packet(0x82, 0, 1, field("a"), 0, 0)},
      {"UNSUBSCRIBE_with_packet_identifier_0_MQTT_2_3_1_1", "[MQTT-2.3.1-1]", packet(0xA2, 0, 0, field("a"))},
      {"UNSUBSCRIBE_without_a_filter_MQTT_3_10_3_2", "[MQTT-3.10.3-2]", packet(0xA2, 0, 1)},
      {"UNSUBSCRIBE_from_no_UTF_8_MQTT_3_10_3_1", utf8, packet(0xA2, 0, 1, field("\xC1\xBF"))},
      {"UNSUBSCRIBE_from_an_empty_filter_MQTT_4_7_3_1", "[MQTT-4.7.3-1]", packet(0xA2, 0, 1, field(""))},
      {"UNSUBSCRIBE_from_a_bad_filter_MQTT_4_7_1_2", wildcard, packet(0xA2, 0, 1, field("a#"))},
      {"UNSUBSCRIBE_with_a_byte_left_over", cut, packet(0xA2, 0, 1, field("a"), 0)},
  };
}

std::vector<Broken> answers() {
  constexpr auto cut = "ends before its last field"sv;
  constexpr auto left_over = "bytes after its last field"sv;
  constexpr auto identifier = "[MQTT-2.3.1-1]"sv;
  return {
      {"CONNACK_with_reserved_flags_3_2_2_1", "(3.2.2.1)", packet(0x20, 2, 0)},
      {"CONNACK_with_a_reserved_flag_beside_session_present_3_2_2_1", "(3.2.2.1)", packet(0x20, 3, 0)},
      {"CONNACK_with_a_reserved_code_3_2_2_3", "(3.2.2.3)", packet(0x20, 0, 6)},
      {"CONNACK_that_refuses_a_present_session_MQTT_3_2_2_4", "[MQTT-3.2.2-4]", packet(0x20, 1, 2)},
      {"CONNACK_cut_off", cut, packet(0x20, 0)},
      {"CONNACK_with_a_byte_left_over", left_over, packet(0x20, 0, 0, 0)},
      {"PUBACK_with_packet_identifier_0_MQTT_2_3_1_1", identifier, packet(0x40, 0, 0)},
      {"PUBREC_with_packet_identifier_0_MQTT_2_3_1_1", identifier, packet(0x50, 0, 0)},
      {"PUBREL_with_packet_identifier_0_MQTT_2_3_1_1", identifier, packet(0x62, 0, 0)},
      {"PUBCOMP_with_packet_identifier_0_MQTT_2_3_1_1", identifier, packet(0x70, 0, 0)},
      {"UNSUBACK_with_packet_identifier_0_MQTT_2_3_1_1", identifier, packet(0xB0, 0, 0)},
      {"PUBACK_cut_off", cut, packet(0x40, 1)},
      {"PUBREC_cut_off", cut, packet(0x50, 1)},
      {"PUBREL_cut_off", cut, packet(0x62, 1)},
      {"PUBCOMP_cut_off", cut, packet(0x70, 1)},
      {"UNSUBACK_cut_off", cut, packet(0xB0, 1)},
      {"PUBACK_with_a_byte_left_over", left_over, packet(0x40, 0, 1, 0)},
      {"PUBREC_with_a_byte_left_over", left_over, packet(0x50, 0, 1, 0)},
      {"PUBREL_with_a_byte_left_over", left_over, packet(0x62, 0, 1, 0)},
      {"PUBCOMP_with_a_byte_left_over", left_over, packet(0x70, 0, 1, 0)},
      {"UNSUBACK_with_a_byte_left_over", left_over, packet(0xB0, 0, 1, 0)},
      {"SUBACK_with_packet_identifier_0_MQTT_2_3_1_1", identifier, packet(0x90, 0, 0, 0)},
      {"SUBACK_without_a_code_MQTT_3_8_4_5", "[MQTT-3.8.4-5]", packet(0x90, 0, 1)},
      {"SUBACK_with_a_reserved_code_MQTT_3_9_3_2", "[MQTT-3.9.3-2]", packet(0x90, 0, 1, 3)},
      {"SUBACK_with_another_reserved_code_MQTT_3_9_3_2", "[MQTT-3.9.3-2]", packet(0x90, 0, 1, 0, 0x81)},
      {"PINGREQ_with_a_body", left_over, packet(0xC0, 0)},
      {"PINGRESP_with_a_body", left_over, packet(0xD0, 0)},
      {"DISCONNECT_with_a_body", left_over, packet(0xE0, 0)},
  };
}

std::string name_of(const testing::TestParamInfo<Broken>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(FixedHeader, MalformedPacket, testing::ValuesIn(fixed_headers()), name_of);
INSTANTIATE_TEST_SUITE_P(Connect, MalformedPacket, testing::ValuesIn(connects()), name_of);
INSTANTIATE_TEST_SUITE_P(Publish, MalformedPacket, testing::ValuesIn(publishes()), name_of);
INSTANTIATE_TEST_SUITE_P(Subscribe, MalformedPacket, testing::ValuesIn(subscribes()), name_of);
INSTANTIATE_TEST_SUITE_P(Answers, MalformedPacket, testing::ValuesIn(answers()), name_of);

TEST(FixedHeader, IsRefusedForEveryValueOfItsFirstByteThatTable_2_2_DoesNotList) {
  const std::string listed = bytes(0x10, 0x20, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3A, 0x3B, 0x3C, 0x3D,
                                   0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0);
  for (int first_byte = 0; first_byte < 0x100; ++first_byte) {
    const bool is_listed = listed.find(static_cast<char>(first_byte)) != std::string::npos;
    EXPECT_EQ(read_fragments({bytes(first_byte)}).end == "in a packet", is_listed) << first_byte;
  }
}

TEST(MalformedPacketAmongOthers, LeavesThoseBeforeItAndEndsTheStream) {
  const auto ping = bytes(0xC0, 0);
  const auto reading = read_fragments({ping + ping + packet(0x40, 0, 0) + ping});
  EXPECT_EQ(reading.packets, (std::vector{ping, ping}));
  EXPECT_EQ(reading.end, "packet identifier 0 [MQTT-2.3.1-1]");
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
