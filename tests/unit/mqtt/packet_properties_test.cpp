// The properties of MQTT 5.0 (2.2.2): where each may stand, how often, and with which values.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "packets_with_properties.h"
#include "pubsub_mqtt/mqtt/properties.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt::table_2_4 {
namespace {

using namespace std::string_view_literals;
using enum Place;

struct Listed {
  int identifier;
  std::string value;  // on the wire
  PropertyValue means;
  std::vector<Place> places;
};

std::vector<Place> all_places() { return {every_place.begin(), every_place.end()}; }

// Table 2-4, column by column, with a value for each.
std::vector<Listed> table_2_4() {
  const std::vector<Place> answers{connack, puback,   pubrec,     pubrel, pubcomp,
                                   suback,  unsuback, disconnect, auth};
  return {
      {0x01, bytes(1), 1U, {publish, will}},
      {0x02, bytes(0, 1, 2, 3), 0x00010203U, {publish, will}},
      {0x03, field("text/plain"), "text/plain", {publish, will}},
      {0x08, field("r/t"), "r/t", {publish, will}},
      {0x09, field("\0\xFF"sv), "\0\xFF"sv, {publish, will}},
      {0x0B, bytes(0x80, 0x01), 128U, {publish, subscribe}},
      {0x11, bytes(0xFF, 0xFF, 0xFF, 0xFF), 0xFFFFFFFFU, {connect, connack, disconnect}},
      {0x12, field("c"), "c", {connack}},
      {0x13, bytes(0x01, 0x02), 0x0102U, {connack}},
      {0x15, field("SCRAM-SHA-1"), "SCRAM-SHA-1", {connect, connack, auth}},
      {0x16, field("\0\x80"sv), "\0\x80"sv, {connect, connack, auth}},
      {0x17, bytes(0), 0U, {connect}},
      {0x18, bytes(0, 0, 0, 5), 5U, {will}},
      {0x19, bytes(1), 1U, {connect}},
      {0x1A, field("r/"), "r/", {connack}},
      {0x1C, field("s:1883"), "s:1883", {connack, disconnect}},
      {0x1F, field("why"), "why", answers},
      {0x21, bytes(0xFF, 0xFF), 0xFFFFU, {connect, connack}},
      {0x22, bytes(0, 0), 0U, {connect, connack}},
      {0x23, bytes(0, 7), 7U, {publish}},
      {0x24, bytes(0), 0U, {connack}},
      {0x25, bytes(1), 1U, {connack}},
      {0x26, field("n") + field("v"), UserProperty{"n", "v"}, all_places()},
      {0x27, bytes(0, 0, 1, 0), 256U, {connect, connack}},
      {0x28, bytes(1), 1U, {connack}},
      {0x29, bytes(1), 1U, {connack}},
      {0x2A, bytes(0), 0U, {connack}},
  };
}

const std::vector<Listed>& table() {
  static const std::vector<Listed> listed = table_2_4();
  return listed;
}

const Listed* find(int identifier) {
  const auto row = std::ranges::find(table(), identifier, &Listed::identifier);
  return row == table().end() ? nullptr : &*row;
}

std::string wire(const Listed& property) { return bytes(property.identifier, property.value); }

bool may_stand_in(const Listed* property, Place place) {
  return property != nullptr && std::ranges::find(property->places, place) != property->places.end();
}

// What must stand beside a property: a method beside authentication data, and in each AUTH.
std::string companion(int identifier, Place place) {
  const bool needs_method = identifier == 0x16 || (place == auth && identifier != 0x15);
  return needs_method ? bytes(0x15, field("M")) : "";
}

Reading read(std::string_view packet) {
  const auto reading = read_fragments({packet}, default_max_packet_size, ProtocolLevel::mqtt_5);
  EXPECT_EQ(read_byte_by_byte(packet, default_max_packet_size, ProtocolLevel::mqtt_5), reading);
  return reading;
}

void expect_refused(Place place, std::string_view properties, Reason code) {
  const auto reading = read(packet_with(place, properties));
  EXPECT_TRUE(reading.packets.empty()) << place;
  EXPECT_EQ(reading.code, code) << place << ": " << reading.end;
}

void expect_taken(Place place, std::string_view properties) {
  const auto whole = packet_with(place, properties);
  EXPECT_EQ(read(whole), (Reading{.packets = {whole}, .end = "between packets"})) << place;
}

// Each property with each of its values, wherever it may stand.
template <typename Check>
void in_each_place(int identifier, const std::vector<std::string>& values, Check check) {
  for (const auto place : find(identifier)->places) {
    for (const auto& value : values) {
      check(place, companion(identifier, place) + bytes(identifier, value));
    }
  }
}

TEST(PacketProperties, StandWhereTable_2_4_ListsThemAndNowhereElse) {
  for (int identifier = 0; identifier < 0x100; ++identifier) {
    const auto* listed = find(identifier);
    for (const auto place : every_place) {
      const auto properties =
          companion(identifier, place) + (listed == nullptr ? bytes(identifier, 0, 0, 0, 0) : wire(*listed));
      if (may_stand_in(listed, place)) {
        expect_taken(place, properties);
      } else {
        expect_refused(place, properties, Reason::malformed_packet);
      }
    }
  }
}

TEST(PacketProperties, HaveTheValuesOfTheWire) {
  for (const auto& listed : table()) {
    for (const auto place : listed.places) {
      const auto whole = packet_with(place, companion(listed.identifier, place) + wire(listed));
      PacketReader reader(default_max_packet_size);
      reader.set_level(ProtocolLevel::mqtt_5);
      std::string_view input = whole;
      const auto result = reader.read(input);
      const auto properties = properties_of(std::get<Packet>(result), place);
      const auto identifier = static_cast<PropertyIdentifier>(listed.identifier);
      const auto found = std::find_if(properties.begin(), Properties::end(),
                                      [&](const auto& each) { return each.identifier == identifier; });
      ASSERT_NE(found, Properties::end());
      EXPECT_EQ(found->value, listed.means) << listed.identifier << ' ' << place;
      EXPECT_EQ(found.encoded(), wire(listed));
    }
  }
}

TEST(PacketProperties, AreWrittenAsTheyStandOnTheWire) {
  for (const auto& listed : table()) {
    std::string encoded;
    append({.identifier = static_cast<PropertyIdentifier>(listed.identifier), .value = listed.means},
           encoded);
    EXPECT_EQ(encoded, wire(listed));
  }
}

TEST(PacketProperties, StandOnceButUserPropertiesAndThePublishsSubscriptionIdentifiers) {
  for (const auto& listed : table()) {
    for (const auto place : listed.places) {
      const auto twice = companion(listed.identifier, place) + wire(listed) + wire(listed);
      const bool may = listed.identifier == 0x26 || (listed.identifier == 0x0B && place == publish);
      if (may) {
        expect_taken(place, twice);
      } else {
        expect_refused(place, twice, Reason::protocol_error);
      }
    }
  }
}

TEST(PacketProperties, ThatAreFlagsAre0Or1) {
  for (const int flag : {0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A}) {
    in_each_place(flag, {bytes(0), bytes(1)}, expect_taken);
    in_each_place(flag, {bytes(2), bytes(0x80), bytes(0xFF)}, [](Place place, const std::string& properties) {
      expect_refused(place, properties, Reason::protocol_error);
    });
  }
}

TEST(PacketProperties, ThatAreNeverZero) {
  const auto refuse = [](Place place, const std::string& properties) {
    expect_refused(place, properties, Reason::protocol_error);
  };
  in_each_place(0x0B, {bytes(0)}, refuse);           // subscription identifier
  in_each_place(0x21, {bytes(0, 0)}, refuse);        // receive maximum
  in_each_place(0x27, {bytes(0, 0, 0, 0)}, refuse);  // maximum packet size
  in_each_place(0x0B, {bytes(1)}, expect_taken);
  in_each_place(0x21, {bytes(0, 1)}, expect_taken);
  in_each_place(0x27, {bytes(0, 0, 0, 1)}, expect_taken);
}

TEST(PacketProperties, MayBeZeroElsewhere) {
  in_each_place(0x02, {bytes(0, 0, 0, 0)}, expect_taken);
  in_each_place(0x11, {bytes(0, 0, 0, 0)}, expect_taken);
  in_each_place(0x13, {bytes(0, 0)}, expect_taken);
  in_each_place(0x18, {bytes(0, 0, 0, 0)}, expect_taken);
  in_each_place(0x22, {bytes(0, 0)}, expect_taken);
}

TEST(PacketProperties, HaveNoTopicAlias0_MQTT5_3_3_2_8) {
  expect_refused(publish, bytes(0x23, 0, 0), Reason::topic_alias_invalid);
  expect_taken(publish, bytes(0x23, 0, 1));
  expect_taken(publish, bytes(0x23, 0xFF, 0xFF));
}

TEST(PacketProperties, HaveSubscriptionIdentifiersOfOneToFourBytes) {
  const std::vector<std::string> good{bytes(0x7F), bytes(0x80, 0x01), bytes(0xFF, 0x7F),
                                      bytes(0x80, 0x80, 0x01), bytes(0xFF, 0xFF, 0xFF, 0x7F)};
  in_each_place(0x0B, good, expect_taken);
  const std::vector<std::string> bad{bytes(0x81, 0x00),
                                     bytes(0x81, 0x80, 0x00),
                                     bytes(0x81, 0x80, 0x80, 0x00),
                                     bytes(0x80, 0x00),
                                     bytes(0x80, 0x80, 0x80, 0x80, 0x01),
                                     bytes(0x80)};
  in_each_place(0x0B, bad, [](Place place, const std::string& properties) {
    expect_refused(place, properties, Reason::malformed_packet);
  });
}

// Not UTF-8, cut off, overlong, a surrogate, above U+10FFFF, U+0000
const std::vector<std::string_view> bad_strings{
    "\xFF", "a\xC2", "\xC0\xAF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\0"sv, "a\0b"sv};

TEST(PacketProperties, ThatAreStringsAreUtf8WithoutU0000_MQTT5_1_5_4) {
  for (const int identifier : {0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F}) {
    for (const auto bad : bad_strings) {
      in_each_place(identifier, {field(bad)}, [](Place place, const std::string& properties) {
        expect_refused(place, properties, Reason::malformed_packet);
      });
    }
    in_each_place(identifier, {field("\xEF\xBB\xBFt"), field("\xF4\x8F\xBF\xBF"), field("a")}, expect_taken);
  }
}

TEST(PacketProperties, ThatArePairsOfStringsAreTwoOfUtf8_MQTT5_1_5_7_1) {
  for (const auto bad : bad_strings) {
    in_each_place(0x26, {field(bad) + field("v"), field("n") + field(bad)},
                  [](Place place, const std::string& properties) {
                    expect_refused(place, properties, Reason::malformed_packet);
                  });
  }
  in_each_place(0x26, {field("") + field(""), field("\xEF\xBB\xBF") + field("v")}, expect_taken);
}

TEST(PacketProperties, ThatAreBinaryTakeAnyBytes) {
  for (const auto any : bad_strings) {
    in_each_place(0x09, {field(any), field("")}, expect_taken);
    in_each_place(0x16, {field(any), field("")}, expect_taken);
  }
}

TEST(PacketProperties, HaveAResponseTopicWithoutWildcards_MQTT5_3_3_2_14) {
  in_each_place(0x08, {field(""), field("a/#"), field("+/a"), field("a+")},
                [](Place place, const std::string& properties) {
                  expect_refused(place, properties, Reason::protocol_error);
                });
}

TEST(PacketProperties, EndWithTheirSection) {
  for (const auto& listed : table()) {
    for (const auto place : listed.places) {
      const auto before = companion(listed.identifier, place);
      const auto whole = wire(listed);
      for (std::size_t size = 1; size < whole.size(); ++size) {
        expect_refused(place, before + whole.substr(0, size), Reason::malformed_packet);
      }
    }
  }
}

TEST(PacketProperties, EndWithTheirPacket) {
  for (const auto place : every_place) {
    for (const auto& too_long : {bytes(0x7F), bytes(0xFF, 0x7F), bytes(0xFF, 0xFF, 0xFF, 0x7F)}) {
      const auto reading = read(packet_with_section(place, too_long));
      EXPECT_TRUE(reading.packets.empty()) << place;
      EXPECT_EQ(reading.code, Reason::malformed_packet) << place;
    }
  }
}

TEST(PacketProperties, HaveALengthInItsShortestForm_MQTT5_1_5_5_1) {
  const auto properties = bytes(0x15, field("M"));
  for (const auto place : every_place) {
    for (const auto& length :
         {bytes(0x80, 0x00), bytes(0x80, 0x80, 0x80, 0x80, 0x00), bytes(0xFF, 0xFF, 0xFF, 0xFF)}) {
      EXPECT_EQ(read(packet_with_section(place, length)).code, Reason::malformed_packet) << place;
    }
  }
  EXPECT_EQ(read(packet_with_section(auth, bytes(0x84, 0x00, properties))).code, Reason::malformed_packet);
  EXPECT_EQ(read(packet_with_section(auth, bytes(0x04, properties))).end, "between packets");
}

TEST(PacketProperties, MayBeNoneAndTheirLengthSaysSo_MQTT5_2_2_2_1) {
  for (const auto place : every_place) {
    if (place == auth) continue;
    EXPECT_EQ(read(packet_with(place, "")).end, "between packets") << place;
  }
  std::string publish;
  write(Publish{.topic = "t"}, publish, ProtocolLevel::mqtt_5);
  EXPECT_EQ(publish, bytes(0x30, 4, 0, 1, "t", 0));
}

TEST(PacketProperties, OfAuthenticationBeginWithTheMethod) {
  for (const auto place : {connect, connack, auth}) {
    expect_refused(place, bytes(0x16, field("data")), Reason::protocol_error);
    expect_taken(place, bytes(0x16, field("data"), 0x15, field("M")));  // in either order
  }
  expect_refused(auth, "", Reason::protocol_error);
  expect_refused(auth, bytes(0x1F, field("why")), Reason::protocol_error);
}

TEST(PacketProperties, AreIteratedInTheirOrder) {
  const auto encoded = bytes(0x26, field("b"), field("1"), 0x01, 1, 0x26, field("a"), field("2"), 0x26,
                             field("b"), field("1"));
  const Properties properties(encoded);
  std::vector<PropertyValue> values;
  for (const auto& property : properties) values.push_back(property.value);
  EXPECT_EQ(values, (std::vector<PropertyValue>{UserProperty{"b", "1"}, 1U, UserProperty{"a", "2"},
                                                UserProperty{"b", "1"}}));
  auto each = properties.begin();
  EXPECT_EQ((each++)->value, PropertyValue(UserProperty{"b", "1"}));
  EXPECT_EQ(each.encoded(), bytes(0x01, 1));
}

TEST(PacketProperties, AreFoundByTheirIdentifier) {
  const auto encoded = bytes(0x02, 0, 0, 0, 9, 0x03, field("type"), 0x0B, 1, 0x0B, 2);
  const Properties properties(encoded);
  EXPECT_EQ(properties.integer(PropertyIdentifier::message_expiry_interval), 9U);
  EXPECT_EQ(properties.integer(PropertyIdentifier::subscription_identifier), 1U);
  EXPECT_EQ(properties.integer(PropertyIdentifier::topic_alias), std::nullopt);
  EXPECT_EQ(properties.bytes(PropertyIdentifier::content_type), "type");
  EXPECT_EQ(properties.bytes(PropertyIdentifier::response_topic), std::nullopt);
  EXPECT_TRUE(Properties().empty());
  EXPECT_EQ(Properties().begin(), Properties::end());
}

TEST(PacketProperties, OfAMessageAreForwardedUnalteredInTheirOrder) {
  const auto message = bytes(0x26, field("b"), field("1"), 0x01, 1, 0x08, field("r"), 0x09, field("c"), 0x03,
                             field("type"), 0x26, field("a"), field("2"));
  const auto between = bytes(0x02, 0, 0, 0, 9, 0x23, 0, 1, 0x0B, 5, 0x18, 0, 0, 0, 3);
  EXPECT_EQ(forwarded(Properties(between + message)), message);
  EXPECT_EQ(forwarded(Properties(message + between)), message);
  EXPECT_EQ(forwarded(Properties(between)), "");
  EXPECT_EQ(forwarded(Properties(message), false), bytes(0x26, field("b"), field("1"), 0x08, field("r"), 0x09,
                                                         field("c"), 0x26, field("a"), field("2")));
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt::table_2_4
