// Who may read `$SYS/...`, as Prosody's thread knows it (docs/mapping.md, "What the server says of itself").
#include <gtest/gtest.h>

#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

class SystemTopicsTest : public HubTest {
 protected:
  SystemTopicsTest() { service.administrator = "admin@capulet.lit"; }

  bool may_read(SessionId session, const std::string& filter = "$SYS/#") {
    ask(AskToSubscribe{.session = session, .packet_identifier = 1, .filters = {{.topic_filter = filter}}});
    return last_of<SubscribeReply>().may_read_system;
  }

  std::vector<SessionId> readers() {
    hub.publish_system({{.topic = "$SYS/broker/uptime", .payload = "1"}});
    hub.take_deliveries(deliveries);
    return last_of<SystemPublished>().readers;
  }

  using Sessions = std::vector<SessionId>;
};

TEST_F(SystemTopicsTest, AreForAccountsOfAdministrators) {
  open(2, "admin@capulet.lit");
  open(3, "juliet@capulet.lit");
  EXPECT_FALSE(may_read(2, "pubsub/json/node")) << "not asked for";
  EXPECT_TRUE(may_read(2));
  EXPECT_FALSE(may_read(3));
  EXPECT_EQ(readers(), Sessions{2});
}

TEST_F(SystemTopicsTest, AreLeftToTheNetworkThreadWhereThereIsNoAccount) {
  EXPECT_FALSE(may_read(1));
  EXPECT_EQ(readers(), Sessions{1});
}

TEST_F(SystemTopicsTest, FollowWhoAdministers) {
  open(2, "admin@capulet.lit");
  open(3, "juliet@capulet.lit");
  may_read(2);
  may_read(3);
  service.administrator = "juliet@capulet.lit";
  EXPECT_EQ(readers(), Sessions{3});
}

TEST_F(SystemTopicsTest, EndWithTheSession) {
  open(2, "admin@capulet.lit");
  may_read(2);
  ask(CloseSession{.session = 2});
  EXPECT_EQ(readers(), Sessions{});
}

// --- What the hub counts

TEST_F(HubTest, CountsRetainedMessages) {
  const auto messages = [&] { return hub.metrics().retained_messages; };
  const auto bytes = [&] { return hub.metrics().retained_bytes; };
  retain("pubsub/json/node", "12345");
  retain("pubsub/json/node", "123");
  EXPECT_EQ(messages(), 1U);
  EXPECT_EQ(bytes(), 3U);
  retain("pubsub/json/other", "1");
  retain("pubsub/json/node", "");
  EXPECT_EQ(messages(), 1U);
  EXPECT_EQ(bytes(), 1U);
  hub.host_disabled("pubsub");
  EXPECT_EQ(messages(), 0U);
  EXPECT_EQ(bytes(), 0U);
}

TEST_F(HubTest, CountsWhatBecameOfPublishesAndFilters) {
  publish("pubsub/json/node", "1");
  publish("pubsub/json/node", "no JSON");
  publish("$SYS/json/node", "1");
  service.outcome = Outcome::failed;
  publish("pubsub/json/node", "1");
  subscribe(1, "nowhere/json/node");
  const Metrics& metrics = hub.metrics();
  EXPECT_EQ(metrics.accepted_publishes, 1U);
  EXPECT_EQ(metrics.failed_publishes, 1U);
  EXPECT_EQ(metrics.refused_publishes.of(mqtt::Reason::payload_format_invalid), 1U);
  EXPECT_EQ(metrics.refused_publishes.of(mqtt::Reason::topic_name_invalid), 1U);
  EXPECT_EQ(metrics.refused_subscriptions.of(mqtt::Reason::topic_filter_invalid), 1U);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
