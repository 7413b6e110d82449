#include "expected_work.h"

#include <gtest/gtest.h>

#include <string>

namespace pubsub_mqtt::hub {
namespace {

std::size_t work_for(std::size_t payload, const PreparedItem& prepared = {}) {
  return expected_work(PublishRequest{.ticket = {},
                                      .publication = {.topic = {}, .payload = std::string(payload, 'x')},
                                      .prepared = prepared});
}

TEST(ExpectedWork, GrowsWithWhatBecomesAnItem) {
  EXPECT_EQ(work_for(0), work::publish(0));
  EXPECT_EQ(work_for(3000), work::publish(3000));
}

TEST(ExpectedWork, OfBytesIsThatOfTheirBase64) {
  EXPECT_EQ(work_for(3000, {.content_id = "sha1+1@bob.xmpp.org", .base64 = std::string(4000, 'A')}),
            work::publish(4000));
}

// Pubsub is not given the content.
TEST(ExpectedWork, OfAPayloadThatIsTooLargeForXmppIsToCopyIt) {
  EXPECT_EQ(work_for(1000000, {.content_id = "sha1+1@bob.xmpp.org"}),
            work::publish(0) + 1000000 / work::bytes_of_copy);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
