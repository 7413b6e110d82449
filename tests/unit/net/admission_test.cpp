#include "admission/admission.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "addresses.h"

namespace pubsub_mqtt::net {
namespace {

constexpr std::uint32_t loopback_address = 0x7f000001;
constexpr std::uint32_t client = 0xc0000201;  // 192.0.2.1

class AdmissionTest : public testing::Test {
 protected:
  // True: it stays.
  bool admit(const RemoteAddress& from, Time now = Time(0)) {
    places.push_back(admission.admit(from, now));
    return places.back().has_value();
  }
  bool admit(std::uint32_t from, Time now = Time(0)) { return admit(v4_address(from), now); }

  std::vector<std::string> lines() const {
    std::vector<std::string> texts;
    for (const LogLine& line : log) {
      EXPECT_EQ(line.level, LogLevel::warn);
      texts.push_back(line.text);
    }
    return texts;
  }

  Limits limits{.max_connections = 5, .max_connections_per_address = 2, .max_connection_rate = 1};
  std::vector<LogLine> log;
  Admission admission{limits, log};
  std::vector<std::optional<Admission::Place>> places;
};

using Lines = std::vector<std::string>;

TEST_F(AdmissionTest, SoManyInAll) {
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(admit(client + i));
  EXPECT_FALSE(admit(client + 5));
  EXPECT_FALSE(admit(client + 6));
  EXPECT_EQ(lines(), Lines{"MQTT connections are refused: there are as many as mqtt_max_connections (5)"});
  places.erase(places.begin());
  EXPECT_TRUE(admit(client + 7));
  EXPECT_FALSE(admit(client + 8));
  admission.expire(Time(60000));
  EXPECT_EQ(lines().back(), "3 MQTT connections were refused because of mqtt_max_connections");
}

TEST_F(AdmissionTest, SoManyFromOneAddress) {
  EXPECT_TRUE(admit(client));
  EXPECT_TRUE(admit(client));
  EXPECT_FALSE(admit(client));
  EXPECT_FALSE(admit(client));
  EXPECT_TRUE(admit(client + 1));
  EXPECT_EQ(lines(), Lines{"MQTT connections are refused: 192.0.2.1 has as many as "
                           "mqtt_max_connections_per_address (2)"});
  places.erase(places.begin());
  EXPECT_TRUE(admit(client));
  admission.expire(Time(60000));
  EXPECT_EQ(lines().back(), "2 MQTT connections were refused because of mqtt_max_connections_per_address");
}

TEST_F(AdmissionTest, ASubnetOfIpv6IsOneAddress) {
  EXPECT_TRUE(admit(v6_address(1, 1)));
  EXPECT_TRUE(admit(v6_address(1, 2)));
  EXPECT_FALSE(admit(v6_address(1, 3)));
  EXPECT_TRUE(admit(v6_address(2, 1)));
}

TEST_F(AdmissionTest, SoManyASecondFromOneAddress) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(admission.admit(v4_address(client), Time(0)).has_value());
  EXPECT_FALSE(admit(client));
  EXPECT_FALSE(admit(client, Time(999)));
  EXPECT_TRUE(admit(client + 1));
  EXPECT_EQ(lines(), Lines{"MQTT connections are refused: 192.0.2.1 makes more in a second than "
                           "mqtt_max_connection_rate (1)"});
  EXPECT_TRUE(admit(client, Time(1000)));
  admission.expire(Time(60000));
  EXPECT_EQ(lines().back(), "2 MQTT connections were refused because of mqtt_max_connection_rate");
}

TEST_F(AdmissionTest, LoopbackCountsInAllOnly) {
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(admission.admit(v4_address(loopback_address), Time(0)).has_value());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(admit(loopback_address));
  EXPECT_FALSE(admit(loopback_address));
  EXPECT_FALSE(admit(client));
  places.clear();
  EXPECT_TRUE(admit(client));
}

TEST_F(AdmissionTest, AFloodIsTwoLinesAMinuteForEachSetting) {
  for (int i = 0; i < 100000; ++i) admit(client + static_cast<std::uint32_t>(i % 100), Time(i));
  EXPECT_LE(log.size(), 3U * 2U * 2U);
}

}  // namespace
}  // namespace pubsub_mqtt::net
