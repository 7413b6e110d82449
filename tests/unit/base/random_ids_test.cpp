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
  std::mt19937_64 random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_item_id(random);
    EXPECT_TRUE(std::regex_match(id, form)) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

}  // namespace
}  // namespace pubsub_mqtt
