#include "payload.h"

#include <gtest/gtest.h>

#include <limits>

namespace pubsub_mqtt::bench {
namespace {

class RoundTrip : public testing::TestWithParam<Stamp> {};

TEST_P(RoundTrip, OfAStamp) {
  char text[stamp_size];
  write_stamp(GetParam(), text);
  const Stamp stamp = read_stamp(text);
  EXPECT_EQ(stamp.sequence, GetParam().sequence);
  EXPECT_EQ(stamp.time, GetParam().time);
  for (const char character : text) EXPECT_TRUE(character >= 'A' && character <= 'P') << character;
}

INSTANTIATE_TEST_SUITE_P(Payload, RoundTrip,
                         testing::Values(Stamp{}, Stamp{1, 2}, Stamp{0x12345678, 0x9ABCDEF001234567},
                                         Stamp{std::numeric_limits<std::uint32_t>::max(),
                                               std::numeric_limits<std::uint64_t>::max()}));

TEST(Payload, HasTheSizeAskedFor) {
  const std::string payload = make_payload(default_payload_size);
  EXPECT_EQ(payload.size(), default_payload_size);
  EXPECT_TRUE(payload.starts_with(payload_mark));
  EXPECT_EQ(read_stamp(payload.data() + payload_mark.size()).sequence, 0U);
}

}  // namespace
}  // namespace pubsub_mqtt::bench
