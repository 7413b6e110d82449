// What the table of limits promises, and that docs/configuration.md says the same.
#include "pubsub_mqtt/base/limits.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace pubsub_mqtt {
namespace {

TEST(LimitsTest, EachDefaultIsInItsRange) {
  for (const LimitSetting& setting : limit_settings) {
    EXPECT_GE(value_of(setting, Limits{}), setting.least) << setting.name;
    EXPECT_LE(value_of(setting, Limits{}), setting.most) << setting.name;
  }
}

TEST(LimitsTest, EachSettingHasAMemberOfItsOwn) {
  Limits limits;
  std::set<std::string_view> names;
  for (const LimitSetting& setting : limit_settings) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    set(setting, setting.least, limits);
  }
  for (const LimitSetting& setting : limit_settings) {
    EXPECT_EQ(value_of(setting, limits), setting.least) << setting.name;
    set(setting, setting.most, limits);
    EXPECT_EQ(value_of(setting, limits), setting.most) << setting.name;
    set(setting, setting.least, limits);
  }
}

TEST(LimitsTest, ATimeIsSetInSeconds) {
  Limits limits;
  for (const LimitSetting& setting : limit_settings) {
    if (setting.name == "mqtt_connect_timeout") set(setting, 7, limits);
  }
  EXPECT_EQ(limits.connect_timeout, std::chrono::seconds(7));
}

TEST(LimitsTest, TheDocumentationHasEachWithItsDefault) {
  std::ifstream file(PUBSUB_MQTT_DOCS "/configuration.md");
  std::stringstream documentation;
  documentation << file.rdbuf();
  for (const LimitSetting& setting : limit_settings) {
    const std::string row =
        "| `" + std::string(setting.name) + "` | " + std::to_string(value_of(setting, Limits{}));
    EXPECT_NE(documentation.str().find(row), std::string::npos) << "no row begins with " << row;
  }
}

}  // namespace
}  // namespace pubsub_mqtt
