// Packets of MQTT 5.0, byte for byte: what each means, and how each is written.
#include <gtest/gtest.h>

#include "packet_bytes.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt {
namespace {

constexpr auto mqtt_5 = ProtocolLevel::mqtt_5;

void expect_read(std::string_view bytes, const Packet& expected) {
  PacketReader reader(default_max_packet_size);
  reader.set_level(mqtt_5);
  const auto result = reader.read(bytes);
  const auto* malformed = std::get_if<Malformed>(&result);
  ASSERT_EQ(malformed, nullptr) << malformed->reason;
  EXPECT_EQ(std::get<Packet>(result), expected);
  EXPECT_TRUE(bytes.empty());
}

void expect_read_and_written(const std::string& bytes, const Packet& packet) {
  expect_read(bytes, packet);
  EXPECT_EQ(encoded(packet, mqtt_5), bytes);
  EXPECT_EQ(read_byte_by_byte(bytes, default_max_packet_size, mqtt_5),
            (Reading{.packets = {bytes}, .end = "between packets"}));
}

const std::string user_property = bytes(0x26, 0, 1, "n", 0, 1, "v");
const std::string reason_string = bytes(0x1F, 0, 3, "why");

TEST(Mqtt5Packets, TheSmallestConnect) {
  expect_read_and_written(bytes(0x10, 13, 0, 4, "MQTT", 5, 0x02, 0, 0, 0, 0, 0), Connect{.level = mqtt_5});
}

TEST(Mqtt5Packets, AConnectWithEveryFieldInTheOrderOf_MQTT5_3_1_3_1) {
  const auto properties = bytes(0x11, 0, 0, 0, 10, 0x21, 0, 20);
  const auto will_properties = bytes(0x18, 0, 0, 0, 5, user_property);
  const auto connect = bytes(0x10, 60, 0, 4, "MQTT", 5, 0xF4, 0x12, 0x34, 8, properties, 0, 2, "id", 12,
                             will_properties, 0, 3, "w/t", 0, 3, "bye", 0, 4, "user", 0, 6, "secret");
  expect_read_and_written(connect, Connect{.level = mqtt_5,
                                           .clean_session = false,
                                           .keep_alive = 0x1234,
                                           .client_identifier = "id",
                                           .will = Publish{.topic = "w/t",
                                                           .payload = "bye",
                                                           .qos = QoS::exactly_once,
                                                           .retain = true,
                                                           .properties = Properties(will_properties)},
                                           .user_name = "user",
                                           .password = "secret",
                                           .properties = Properties(properties)});
}

// 3.1.2.9: unlike 3.1.1
TEST(Mqtt5Packets, AConnectWithAPasswordAndNoUserName) {
  expect_read_and_written(packet(0x10, field("MQTT"), 5, 0x42, 0, 0, 0, field("id"), field("secret")),
                          Connect{.level = mqtt_5, .client_identifier = "id", .password = "secret"});
}

TEST(Mqtt5Packets, AConnectWithAnEmptyWillAndNoCleanStart) {
  const auto connect = packet(0x10, field("MQTT"), 5, 0x04, 0, 0, 0, field(""), 0, field("t"), field(""));
  expect_read_and_written(connect,
                          Connect{.level = mqtt_5, .clean_session = false, .will = Publish{.topic = "t"}});
}

TEST(Mqtt5Packets, ConnackWithAndWithoutProperties) {
  expect_read_and_written(bytes(0x20, 3, 0, 0, 0), Connack{});
  expect_read_and_written(bytes(0x20, 3, 1, 0, 0), Connack{.session_present = true});
  expect_read_and_written(bytes(0x20, 9, 0, 0x87, 6, reason_string),
                          Connack{.reason = Reason::not_authorized, .properties = Properties(reason_string)});
}

TEST(Mqtt5Packets, PublishWithAndWithoutProperties) {
  expect_read_and_written(bytes(0x30, 7, 0, 3, "a/b", 0, "p"), Publish{.topic = "a/b", .payload = "p"});
  expect_read_and_written(bytes(0x3B, 14, 0, 1, "t", 0x0A, 0x0B, 7, user_property, "p"),
                          Publish{.topic = "t",
                                  .payload = "p",
                                  .qos = QoS::at_least_once,
                                  .retain = true,
                                  .dup = true,
                                  .packet_identifier = 0x0A0B,
                                  .properties = Properties(user_property)});
}

TEST(Mqtt5Packets, APublishWithATopicAliasMayHaveNoTopic) {
  const auto alias = bytes(0x23, 0, 1);
  expect_read_and_written(bytes(0x30, 7, 0, 0, 3, alias, "p"),
                          Publish{.payload = "p", .properties = Properties(alias)});
}

TEST(Mqtt5Packets, APublishHeaderThatIsRewrittenKeepsItsProperties) {
  const Publish first{.topic = "t",
                      .payload = "p",
                      .qos = QoS::at_least_once,
                      .packet_identifier = 1,
                      .properties = Properties(user_property)};
  std::string header;
  const auto place = write_publish_header(first, 1, header, mqtt_5);
  auto other = first;
  other.qos = QoS::exactly_once;
  other.retain = true;
  other.packet_identifier = 0x0203;
  rewrite_publish_header(
      header, place,
      {.qos = other.qos, .retain = other.retain, .packet_identifier = other.packet_identifier});
  EXPECT_EQ(header + "p", encoded(other, mqtt_5));
}

// Packet identifier alone; with a reason; with properties: 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1
template <typename Acknowledgement>
void expect_forms_of(int first_byte, Reason reason) {
  const int code = static_cast<int>(reason);
  expect_read_and_written(bytes(first_byte, 2, 1, 2), Acknowledgement{0x0102});
  expect_read_and_written(bytes(first_byte, 3, 1, 2, code), Acknowledgement{0x0102, reason});
  expect_read_and_written(bytes(first_byte, 10, 1, 2, code, 6, reason_string),
                          Acknowledgement{0x0102, reason, Properties(reason_string)});
  expect_read_and_written(bytes(first_byte, 11, 1, 2, 0, 7, user_property),
                          Acknowledgement{0x0102, Reason::success, Properties(user_property)});
  // Longer than need be
  expect_read(bytes(first_byte, 3, 1, 2, 0), Acknowledgement{0x0102});
  expect_read(bytes(first_byte, 4, 1, 2, 0, 0), Acknowledgement{0x0102});
  expect_read(bytes(first_byte, 4, 1, 2, code, 0), Acknowledgement{0x0102, reason});
}

TEST(Mqtt5Packets, AcknowledgementsInTheirShortFormsAndWhole) {
  expect_forms_of<Puback>(0x40, Reason::no_matching_subscribers);
  expect_forms_of<Puback>(0x40, Reason::not_authorized);
  expect_forms_of<Pubrec>(0x50, Reason::quota_exceeded);
  expect_forms_of<Pubrel>(0x62, Reason::packet_identifier_not_found);
  expect_forms_of<Pubcomp>(0x70, Reason::packet_identifier_not_found);
}

TEST(Mqtt5Packets, SubscribeWithEveryOptionOf_3_8_3_1) {
  const auto identifier = bytes(0x0B, 0x80, 0x01);
  expect_read_and_written(
      bytes(0x82, 30, 0, 10, 3, identifier, 0, 1, "a", 0x00, 0, 1, "b", 0x05, 0, 1, "c", 0x0A, 0, 1, "d",
            0x10, 0, 1, "e", 0x2E, 0, 1, "f", 0x02),
      Subscribe{
          .packet_identifier = 10,
          .subscriptions = {{"a"},
                            {.topic_filter = "b", .qos = QoS::at_least_once, .no_local = true},
                            {.topic_filter = "c", .qos = QoS::exactly_once, .retain_as_published = true},
                            {.topic_filter = "d", .retain_handling = RetainHandling::new_subscription},
                            {.topic_filter = "e",
                             .qos = QoS::exactly_once,
                             .no_local = true,
                             .retain_as_published = true,
                             .retain_handling = RetainHandling::never},
                            {.topic_filter = "f", .qos = QoS::exactly_once}},
          .properties = Properties(identifier)});
}

TEST(Mqtt5Packets, ASharedSubscription) {
  expect_read_and_written(packet(0x82, 0, 1, 0, field("$share/g/a/#"), 0x09),
                          Subscribe{.packet_identifier = 1,
                                    .subscriptions = {{.topic_filter = "$share/g/a/#",
                                                       .qos = QoS::at_least_once,
                                                       .retain_as_published = true}}});
}

TEST(Mqtt5Packets, SubackWithAReasonForEachFilter) {
  using enum Reason;
  expect_read_and_written(
      bytes(0x90, 14, 0, 3, 6, reason_string, 0, 1, 2, 0x87, 0x8F),
      Suback{.packet_identifier = 3,
             .reasons = {granted_qos_0, granted_qos_1, granted_qos_2, not_authorized, topic_filter_invalid},
             .properties = Properties(reason_string)});
}

TEST(Mqtt5Packets, UnsubscribeAndUnsuback) {
  expect_read_and_written(
      bytes(0xA2, 17, 0, 10, 7, user_property, 0, 2, "bc", 0, 1, "c"),
      Unsubscribe{
          .packet_identifier = 10, .topic_filters = {"bc", "c"}, .properties = Properties(user_property)});
  expect_read_and_written(
      bytes(0xB0, 5, 0, 10, 0, 0, 0x11),
      Unsuback{.packet_identifier = 10, .reasons = {Reason::success, Reason::no_subscription_existed}});
}

TEST(Mqtt5Packets, PingreqAndPingresp) {
  expect_read_and_written(bytes(0xC0, 0), Pingreq{});
  expect_read_and_written(bytes(0xD0, 0), Pingresp{});
}

TEST(Mqtt5Packets, DisconnectInItsShortFormsAndWhole) {
  expect_read_and_written(bytes(0xE0, 0), Disconnect{});
  expect_read_and_written(bytes(0xE0, 1, 0x04), Disconnect{Reason::disconnect_with_will});
  expect_read_and_written(bytes(0xE0, 8, 0x8E, 6, reason_string),
                          Disconnect{Reason::session_taken_over, Properties(reason_string)});
  const auto expiry = bytes(0x11, 0, 0, 0, 60);
  expect_read_and_written(bytes(0xE0, 7, 0x00, 5, expiry), Disconnect{Reason::success, Properties(expiry)});
  expect_read(bytes(0xE0, 1, 0x00), Disconnect{});
  expect_read(bytes(0xE0, 2, 0x00, 0), Disconnect{});
  expect_read(bytes(0xE0, 2, 0x04, 0), Disconnect{Reason::disconnect_with_will});
}

TEST(Mqtt5Packets, AuthInItsShortFormAndWhole) {
  const auto method = bytes(0x15, 0, 1, "M", 0x16, 0, 1, "d");
  expect_read_and_written(bytes(0xF0, 0), Auth{});
  expect_read_and_written(bytes(0xF0, 10, 0x18, 8, method),
                          Auth{Reason::continue_authentication, Properties(method)});
  expect_read_and_written(bytes(0xF0, 10, 0x19, 8, method), Auth{Reason::reauthenticate, Properties(method)});
  expect_read_and_written(bytes(0xF0, 10, 0x00, 8, method), Auth{Reason::success, Properties(method)});
}

// Each has all that 5.0 may say, and none of it is written for a client of 3.1.1.
TEST(Mqtt5Packets, AreWrittenWithoutReasonsAndPropertiesForOlderClients) {
  const Properties properties(user_property);
  const std::vector<std::pair<Packet, std::string>> packets{
      {Connack{.reason = Reason::not_authorized, .properties = properties}, bytes(0x20, 2, 0, 5)},
      {Publish{.topic = "t", .payload = "p", .properties = properties}, bytes(0x30, 4, 0, 1, "t", "p")},
      {Puback{1, Reason::not_authorized, properties}, bytes(0x40, 2, 0, 1)},
      {Pubrec{1, Reason::not_authorized, properties}, bytes(0x50, 2, 0, 1)},
      {Pubrel{1, Reason::packet_identifier_not_found, properties}, bytes(0x62, 2, 0, 1)},
      {Pubcomp{1, Reason::packet_identifier_not_found, properties}, bytes(0x70, 2, 0, 1)},
      {Subscribe{1,
                 {{.topic_filter = "t", .no_local = true, .retain_handling = RetainHandling::never}},
                 properties},
       bytes(0x82, 6, 0, 1, 0, 1, "t", 0)},
      {Suback{1, {Reason::granted_qos_1, Reason::topic_filter_invalid}, properties},
       bytes(0x90, 4, 0, 1, 1, 0x80)},
      {Unsubscribe{1, {"t"}, properties}, bytes(0xA2, 5, 0, 1, 0, 1, "t")},
      {Unsuback{1, {Reason::no_subscription_existed}, properties}, bytes(0xB0, 2, 0, 1)},
      {Disconnect{Reason::session_taken_over, properties}, bytes(0xE0, 0)},
  };
  for (const auto& [packet, expected] : packets) EXPECT_EQ(encoded(packet), expected);
}

TEST(Mqtt5Packets, FollowTheConnectThatSaidTheLevel) {
  const auto connect = packet(0x10, field("MQTT"), 5, 0x02, 0, 60, 0, field("id"));
  const auto publish = packet(0x30, field("t"), 0, "p");
  const auto auth = packet(0xF0, 0x18, 4, 0x15, field("M"));
  EXPECT_EQ(read_fragments({connect + publish + auth}),
            (Reading{.packets = {connect, publish, auth}, .end = "between packets"}));
  EXPECT_EQ(read_byte_by_byte(connect + publish + auth),
            (Reading{.packets = {connect, publish, auth}, .end = "between packets"}));
  // As before for a client of 3.1.1, whose payload begins with that 0.
  const auto older = packet(0x10, field("MQTT"), 4, 0x02, 0, 60, field("id"));
  const auto reading = read_fragments({older + publish + auth});
  EXPECT_EQ(reading.packets, (std::vector{older, publish}));
  EXPECT_EQ(reading.end, "a packet of a forbidden type (2.2.1)");
}

TEST(Mqtt5Packets, TellTheLevelAlsoWhereTheRestOfConnectIsMalformed) {
  for (const int level : {3, 4, 5}) {
    PacketReader reader(default_max_packet_size);
    const auto connect = packet(0x10, field(level == 3 ? "MQIsdp" : "MQTT"), level, 0x02);
    std::string_view input = connect;
    EXPECT_TRUE(std::holds_alternative<Malformed>(reader.read(input)));
    EXPECT_EQ(static_cast<int>(reader.level()), level);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
