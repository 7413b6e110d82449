#include "pubsub_mqtt/mqtt/properties.h"

#include <gtest/gtest.h>

#include <string>

namespace pubsub_mqtt::mqtt {
namespace {

using Id = PropertyIdentifier;

std::string sample() {
  std::string encoded;
  append({.identifier = Id::payload_format_indicator, .value = std::uint32_t{1}}, encoded);
  append({.identifier = Id::user_property, .value = UserProperty{.name = "a", .value = "1"}}, encoded);
  append({.identifier = Id::correlation_data, .value = std::string_view("\0\xFF", 2)}, encoded);
  append({.identifier = Id::user_property, .value = UserProperty{.name = "a", .value = "2"}}, encoded);
  return encoded;
}

TEST(ForwardedProperties, OfAStoreAreCheckedLikeThoseOfAClient) {
  EXPECT_TRUE(are_forwarded(""));
  EXPECT_TRUE(are_forwarded(sample()));
  EXPECT_TRUE(are_forwarded(forwarded(Properties(sample()), false)));
  EXPECT_FALSE(are_forwarded(sample().substr(0, sample().size() - 1)));
  EXPECT_FALSE(are_forwarded(sample() + sample()));  // the payload format indicator twice
  EXPECT_FALSE(are_forwarded("\xFF"));
  std::string expiry;
  append({.identifier = Id::message_expiry_interval, .value = std::uint32_t{1}}, expiry);
  EXPECT_FALSE(are_forwarded(expiry));  // counts down, and is not handed on as it is
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
