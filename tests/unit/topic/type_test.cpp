#include "pubsub_mqtt/topic/type.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::topic {
namespace {

TEST(Type, HasTheNameThatTopicsUse) {
  EXPECT_EQ(name(Type::json), "json");
  EXPECT_EQ(name(Type::utf8), "utf8");
  EXPECT_EQ(name(Type::atom_title), "atom_title");
  EXPECT_EQ(name(Type::xml), "xml");
}

TEST(Type, IsFoundByItsName) {
  EXPECT_EQ(type_from_name("json"), Type::json);
  EXPECT_EQ(type_from_name("utf8"), Type::utf8);
  EXPECT_EQ(type_from_name("atom_title"), Type::atom_title);
  EXPECT_EQ(type_from_name("xml"), Type::xml);
}

TEST(Type, IsNotFoundByAnyOtherName) {
  for (const char* other : {"", "JSON", "json ", "jso", "jsonx", "base64", "+", "#"}) {
    EXPECT_EQ(type_from_name(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace pubsub_mqtt::topic
