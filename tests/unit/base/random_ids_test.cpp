#include "pubsub_mqtt/base/random_ids.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace pubsub_mqtt {
namespace {

TEST(RandomIdsTest, OfAnAtomEntryIsAVersion4UuidAsAUrn) {  // RFC 4122, 3 and 4.4
  const std::regex form("urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::mt19937_64 random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string urn = random_uuid_urn(random);
    EXPECT_TRUE(std::regex_match(urn, form)) << urn;
    EXPECT_TRUE(seen.insert(urn).second) << urn;
  }
}

TEST(RandomIdsTest, OfAnItemIsDifferentEachTime) {
  const std::regex form("[A-Za-z0-9_-]{20}");
  const auto now = std::chrono::system_clock::now();
  std::mt19937_64 random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = item_id(random, now);
    EXPECT_TRUE(std::regex_match(id, form)) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(RandomIdsTest, OfALaterItemComesLater) {
  std::mt19937_64 random;
  const std::chrono::system_clock::time_point from(std::chrono::seconds(1764208800));
  std::string last;
  for (int i = 0; i < 1000; ++i) {
    std::string id = item_id(random, from + std::chrono::microseconds(i));
    EXPECT_GT(id, last);
    last = std::move(id);
  }
}

}  // namespace
}  // namespace pubsub_mqtt
