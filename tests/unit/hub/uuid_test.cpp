#include "uuid.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace pubsub_mqtt::hub {
namespace {

TEST(UuidTest, IsAVersion4UuidAsAUrn) {  // RFC 4122, 3 and 4.4
  const std::regex form("urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::mt19937_64 random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string urn = random_uuid_urn(random);
    EXPECT_TRUE(std::regex_match(urn, form)) << urn;
    EXPECT_TRUE(seen.insert(urn).second) << urn;
  }
}

}  // namespace
}  // namespace pubsub_mqtt::hub
