// Every rule of MQTT 5.0 that a receiver of a packet can check, broken once by a packet that is right in all else, with
// the reason that is told: malformed packet (0x81) where it cannot be parsed, protocol error (0x82) where the protocol
// does not permit it (1.2, 4.13.1). Properties and reasons have tables of their own: packet_properties_test.cpp,
// reason_test.cpp.
#include <gtest/gtest.h>

#include <ostream>

#include "packet_bytes.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt::in_5_0 {
namespace {

using namespace std::string_view_literals;

struct Broken {
  const char* name;
  std::string bytes;
};

std::ostream& operator<<(std::ostream& out, const Broken& broken) { return out << broken.name; }

class Mqtt5Packet : public testing::TestWithParam<Broken> {
 protected:
  static void expect(Reason code) {
    const auto& bytes = GetParam().bytes;
    const auto whole = read_fragments({bytes}, default_max_packet_size, ProtocolLevel::mqtt_5);
    EXPECT_TRUE(whole.packets.empty());
    EXPECT_EQ(whole.code, code) << whole.end;
    EXPECT_EQ(read_byte_by_byte(bytes, default_max_packet_size, ProtocolLevel::mqtt_5), whole);
  }
};
class Mqtt5MalformedPacket : public Mqtt5Packet {};
class Mqtt5ProtocolError : public Mqtt5Packet {};

TEST_P(Mqtt5MalformedPacket, IsRefusedWith0x81) { expect(Reason::malformed_packet); }
TEST_P(Mqtt5ProtocolError, IsRefusedWith0x82) { expect(Reason::protocol_error); }

std::vector<Broken> fixed_headers() {
  return {
      {"packet_type_0_2_1_2", bytes(0x00)},
      {"reserved_flags_of_CONNECT_2_1_3_1", bytes(0x11)},
      {"reserved_flags_of_PUBACK_2_1_3_1", bytes(0x42)},
      {"reserved_flags_of_PUBREC_2_1_3_1", bytes(0x51)},
      {"reserved_flags_of_PUBREL_3_6_1_1", bytes(0x60)},
      {"DUP_of_PUBREL_3_6_1_1", bytes(0x6A)},
      {"reserved_flags_of_PUBCOMP_2_1_3_1", bytes(0x78)},
      {"reserved_flags_of_SUBSCRIBE_3_8_1_1", bytes(0x80)},
      {"reserved_flags_of_UNSUBSCRIBE_3_10_1_1", bytes(0xA0)},
      {"reserved_flags_of_PINGREQ_2_1_3_1", bytes(0xC1)},
      {"reserved_flags_of_DISCONNECT_3_14_1_1", bytes(0xE1)},
      {"reserved_flags_of_AUTH_3_15_1_1", bytes(0xF2)},
      {"QoS_3_3_3_1_4", bytes(0x36)},
      {"DUP_at_QoS_0_3_3_1_2", bytes(0x38)},
      {"remaining_length_of_five_bytes_2_1_4", bytes(0x30, 0x80, 0x80, 0x80, 0x80)},
      {"remaining_length_of_two_bytes_for_0_1_5_5_1", bytes(0xC0, 0x80, 0x00)},
      {"remaining_length_of_four_bytes_for_2_1_5_5_1", bytes(0x40, 0x82, 0x80, 0x80, 0x00, 0, 1)},
      {"remaining_length_of_two_bytes_of_CONNECT_1_5_5_1",
       bytes(0x10, 0x8F, 0x00, field("MQTT"), 5, 2, 0, 60, 0, field("id"))},
      {"PINGREQ_with_a_body", packet(0xC0, 0)},
      {"PINGRESP_with_a_body", packet(0xD0, 0)},
  };
}

template <typename... Rest>
std::string connect(int flags, const Rest&... rest) {
  return packet(0x10, field("MQTT"), 5, flags, 0, 60, 0, field("id"), rest...);
}

std::vector<Broken> connects() {
  return {
      {"protocol_name_3_1_2_1", packet(0x10, field("HTTP"), 5, 2, 0, 60, 0, field("id"))},
      {"reserved_connect_flag_3_1_2_3", connect(0x03)},
      {"will_QoS_without_will_3_1_2_11", connect(0x0A)},
      {"will_QoS_3_3_1_2_12", connect(0x1E, 0, field("t"), field("m"))},
      {"will_retain_without_will_3_1_2_13", connect(0x22)},
      {"no_will_properties_3_1_2_9", connect(0x06)},
      {"no_will_topic_3_1_2_9", connect(0x06, 0)},
      {"no_will_payload_3_1_2_9", connect(0x06, 0, field("t"))},
      {"will_without_its_flag", connect(0x02, 0, field("t"), field("m"))},
      {"user_name_without_its_flag_3_1_2_16", connect(0x02, field("user"))},
      {"no_user_name_3_1_2_17", connect(0x82)},
      {"password_without_its_flag_3_1_2_18", connect(0x82, field("user"), field("secret"))},
      {"no_password_3_1_2_19", connect(0xC2, field("user"))},
      {"no_client_identifier_3_1_3_3", packet(0x10, field("MQTT"), 5, 2, 0, 60, 0)},
      {"no_properties_2_2_2_1", packet(0x10, field("MQTT"), 5, 2, 0, 60)},
      {"the_form_of_3_1_1", packet(0x10, field("MQTT"), 5, 2, 0, 60, field("identifier"))},
      {"client_identifier_not_UTF_8_3_1_3_4", packet(0x10, field("MQTT"), 5, 2, 0, 60, 0, field("\xFF"))},
      {"client_identifier_with_U0000_1_5_4_2", packet(0x10, field("MQTT"), 5, 2, 0, 60, 0, field("a\0"sv))},
      {"will_topic_not_UTF_8_3_1_3_11", connect(0x06, 0, field("\xC0\xAF"), field("m"))},
      {"will_topic_with_U0000_1_5_4_2", connect(0x06, 0, field("\0"sv), field("m"))},
      {"will_topic_with_a_wildcard_4_7_0_1", connect(0x06, 0, field("a/#"), field("m"))},
      {"user_name_not_UTF_8_3_1_3_12", connect(0x82, field("\xED\xA0\x80"))},
      {"user_name_with_U0000_1_5_4_2", connect(0x82, field("a\0b"sv))},
      {"CONNECT_with_a_byte_left_over", connect(0x02, "x")},
  };
}

std::vector<Broken> publishes() {
  return {
      {"no_topic_name_3_3_2_1", bytes(0x30, 0)},
      {"topic_name_longer_than_the_packet_3_3_2_1", packet(0x30, 0, 9, "a/b", 0)},
      {"topic_name_not_UTF_8_3_3_2_1", packet(0x30, field("a\x80"), 0)},
      {"topic_name_with_U0000_4_7_3_2", packet(0x30, field("a\0b"sv), 0)},
      {"topic_name_with_a_multi_level_wildcard_3_3_2_2", packet(0x30, field("a/#"), 0)},
      {"topic_name_with_a_single_level_wildcard_3_3_2_2", packet(0x30, field("+/a"), 0)},
      {"no_packet_identifier_at_QoS_1_2_2_1_3", packet(0x32, field("t"))},
      {"no_topic_name_and_bad_properties_2_2_2_2", packet(0x30, field(""), 3, 0, 0, 0, "p")},
      {"no_topic_name_and_a_property_cut_off_2_2_2_2", packet(0x30, field(""), 2, 0x23, 0, "p")},
      {"PUBLISH_without_properties_2_2_2_1", packet(0x30, field("t"))},
      {"PUBLISH_at_QoS_1_without_properties_2_2_2_1", packet(0x32, field("t"), 0, 1)},
  };
}

std::vector<Broken> publishes_against_the_protocol() {
  return {
      {"no_topic_name_and_no_alias_3_3_2_1", packet(0x30, field(""), 0, "p")},
      {"packet_identifier_0_at_QoS_1_2_2_1_3", packet(0x32, field("t"), 0, 0, 0)},
      {"packet_identifier_0_at_QoS_2_2_2_1_3", packet(0x34, field("t"), 0, 0, 0, "p")},
      {"empty_will_topic_4_7_3_1", connect(0x06, 0, field(""), field("m"))},
  };
}

std::vector<Broken> subscribes() {
  return {
      {"SUBSCRIBE_without_a_body", bytes(0x82, 0)},
      {"SUBSCRIBE_without_properties_2_2_2_1", packet(0x82, 0, 1)},
      {"SUBSCRIBE_to_no_UTF_8_3_8_3_1", packet(0x82, 0, 1, 0, field("\xF5"), 0)},
      {"SUBSCRIBE_to_U0000_4_7_3_2", packet(0x82, 0, 1, 0, field("\0"sv), 0)},
      {"SUBSCRIBE_with_a_multi_level_wildcard_inside_4_7_1_1", packet(0x82, 0, 1, 0, field("a/#/b"), 0)},
      {"SUBSCRIBE_with_a_single_level_wildcard_beside_text_4_7_1_2", packet(0x82, 0, 1, 0, field("a/b+"), 0)},
      {"SUBSCRIBE_with_reserved_option_6_3_8_3_5", packet(0x82, 0, 1, 0, field("a"), 0x40)},
      {"SUBSCRIBE_with_reserved_option_7_3_8_3_5", packet(0x82, 0, 1, 0, field("a"), 0x81)},
      {"SUBSCRIBE_without_options_3_8_3_2", packet(0x82, 0, 1, 0, field("a"))},
      {"SUBSCRIBE_with_a_byte_left_over", packet(0x82, 0, 1, 0, field("a"), 0, 0)},
      {"UNSUBSCRIBE_without_properties_2_2_2_1", packet(0xA2, 0, 1)},
      {"UNSUBSCRIBE_from_no_UTF_8_3_10_3_1", packet(0xA2, 0, 1, 0, field("\xC1\xBF"))},
      {"UNSUBSCRIBE_from_a_bad_filter_4_7_1_1", packet(0xA2, 0, 1, 0, field("a#"))},
      {"UNSUBSCRIBE_with_a_byte_left_over", packet(0xA2, 0, 1, 0, field("a"), 0)},
  };
}

std::vector<Broken> subscribes_against_the_protocol() {
  return {
      {"SUBSCRIBE_with_packet_identifier_0_2_2_1_3", packet(0x82, 0, 0, 0, field("a"), 0)},
      {"SUBSCRIBE_without_a_filter_3_8_3_2", packet(0x82, 0, 1, 0)},
      {"SUBSCRIBE_to_an_empty_filter_4_7_3_1", packet(0x82, 0, 1, 0, field(""), 0)},
      {"SUBSCRIBE_at_QoS_3_3_8_3_1", packet(0x82, 0, 1, 0, field("a"), 0x03)},
      {"SUBSCRIBE_with_retain_handling_3_3_8_3_1", packet(0x82, 0, 1, 0, field("a"), 0x30)},
      {"no_local_on_a_shared_subscription_3_8_3_4", packet(0x82, 0, 1, 0, field("$share/g/a"), 0x04)},
      {"UNSUBSCRIBE_with_packet_identifier_0_2_2_1_3", packet(0xA2, 0, 0, 0, field("a"))},
      {"UNSUBSCRIBE_without_a_filter_3_10_3_2", packet(0xA2, 0, 1, 0)},
      {"UNSUBSCRIBE_from_an_empty_filter_4_7_3_1", packet(0xA2, 0, 1, 0, field(""))},
  };
}

std::vector<Broken> answers() {
  return {
      {"CONNACK_with_reserved_flags_3_2_2_1", packet(0x20, 2, 0, 0)},
      {"CONNACK_without_properties_2_2_2_1", packet(0x20, 0, 0)},
      {"CONNACK_that_refuses_a_present_session_3_2_2_6", packet(0x20, 1, 0x87, 0)},
      {"PUBACK_cut_off", packet(0x40, 1)},
      {"PUBREC_cut_off", packet(0x50, 1)},
      {"PUBREL_cut_off", packet(0x62, 1)},
      {"PUBCOMP_cut_off", packet(0x70, 1)},
      {"PUBACK_with_a_byte_left_over", packet(0x40, 0, 1, 0, 0, 0)},
      {"PUBREC_with_a_byte_left_over", packet(0x50, 0, 1, 0, 0, 0)},
      {"PUBREL_with_a_byte_left_over", packet(0x62, 0, 1, 0, 0, 0)},
      {"PUBCOMP_with_a_byte_left_over", packet(0x70, 0, 1, 0, 0, 0)},
      {"SUBACK_without_a_reason_3_8_4_6", packet(0x90, 0, 1, 0)},
      {"UNSUBACK_without_a_reason_3_11_3_1", packet(0xB0, 0, 1, 0)},
      {"UNSUBACK_in_the_form_of_3_1_1", packet(0xB0, 0, 1)},
      {"DISCONNECT_with_a_byte_left_over", packet(0xE0, 0, 0, 0)},
      {"AUTH_with_a_reason_and_no_properties_3_15_2_1", packet(0xF0, 0x18)},
      {"AUTH_with_a_byte_left_over", packet(0xF0, 0x18, 4, 0x15, field("M"), 0)},
  };
}

std::vector<Broken> answers_against_the_protocol() {
  return {
      {"PUBACK_with_packet_identifier_0", packet(0x40, 0, 0)},
      {"PUBREC_with_packet_identifier_0", packet(0x50, 0, 0)},
      {"PUBREL_with_packet_identifier_0", packet(0x62, 0, 0)},
      {"PUBCOMP_with_packet_identifier_0", packet(0x70, 0, 0)},
      {"SUBACK_with_packet_identifier_0", packet(0x90, 0, 0, 0, 0)},
      {"UNSUBACK_with_packet_identifier_0", packet(0xB0, 0, 0, 0, 0)},
      {"AUTH_without_a_method_3_15_2_2_2", packet(0xF0, 0x18, 0)},
  };
}

std::string name_of(const testing::TestParamInfo<Broken>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(FixedHeader, Mqtt5MalformedPacket, testing::ValuesIn(fixed_headers()), name_of);
INSTANTIATE_TEST_SUITE_P(Connect, Mqtt5MalformedPacket, testing::ValuesIn(connects()), name_of);
INSTANTIATE_TEST_SUITE_P(Publish, Mqtt5MalformedPacket, testing::ValuesIn(publishes()), name_of);
INSTANTIATE_TEST_SUITE_P(Subscribe, Mqtt5MalformedPacket, testing::ValuesIn(subscribes()), name_of);
INSTANTIATE_TEST_SUITE_P(Answers, Mqtt5MalformedPacket, testing::ValuesIn(answers()), name_of);
INSTANTIATE_TEST_SUITE_P(Publish, Mqtt5ProtocolError, testing::ValuesIn(publishes_against_the_protocol()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Subscribe, Mqtt5ProtocolError, testing::ValuesIn(subscribes_against_the_protocol()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Answers, Mqtt5ProtocolError, testing::ValuesIn(answers_against_the_protocol()),
                         name_of);

TEST(Mqtt5FixedHeader, IsRefusedForEveryValueOfItsFirstByteThatTable_2_2_DoesNotList) {
  const std::string listed = bytes(0x10, 0x20, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3A, 0x3B, 0x3C, 0x3D,
                                   0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0);
  for (int first_byte = 0; first_byte < 0x100; ++first_byte) {
    const bool is_listed = listed.find(static_cast<char>(first_byte)) != std::string::npos;
    const auto reading = read_fragments({bytes(first_byte)}, default_max_packet_size, ProtocolLevel::mqtt_5);
    EXPECT_EQ(reading.end == "in a packet", is_listed) << first_byte;
    EXPECT_EQ(reading.code, is_listed ? Reason::success : Reason::malformed_packet) << first_byte;
  }
}

TEST(Mqtt5PacketTooLarge, HasAReasonOfItsOwn) {
  const auto claim = bytes(0x30, 0xFF, 0xFF, 0xFF, 0x7F);
  EXPECT_EQ(read_fragments({claim}, 1000, ProtocolLevel::mqtt_5).code, Reason::packet_too_large);
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt::in_5_0
