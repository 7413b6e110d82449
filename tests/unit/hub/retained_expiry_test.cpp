// The end of retained messages: cleared, or expired (MQTT 5.0, 3.3.2.3.3; docs/mapping.md, "Retained messages").
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RetainedExpiryTest : public HubTest {
 protected:
  RetainedExpiryTest() { hub.set_time(seconds(1000)); }

  void retain_until(Time expires_at, const std::string& node = "node") {
    Request request =
        AskToPublish{.session = 1, .topic = "pubsub/json/" + node, .payload = "1", .retain = true};
    std::get<PublishRequest>(request).publication.envelope.expires_at = expires_at;
    ask(std::move(request));
  }

  void advance_to(Time now) {
    hub.set_time(now);
    while (hub.step()) {
    }
    hub.take_deliveries(deliveries);
  }

  const std::vector<std::string> one{"1"};
  const std::vector<std::string> none;
};

TEST_F(RetainedExpiryTest, WhatHasExpiredIsNotSent) {
  retain_until(seconds(1010));
  advance_to(milliseconds(1009999));
  EXPECT_EQ(retained(), one);
  hub.set_time(seconds(1010));  // and nothing has been done since
  std::vector<Request> batch;
  batch.emplace_back(AskToSubscribe{
      .session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/node"}}});
  hub.accept(batch);
  advance_to(seconds(1010));
  EXPECT_TRUE(take<RetainedMessages>().empty());
}

TEST_F(RetainedExpiryTest, ItsEndRetractsTheItemAndTellsNobody) {
  subscribe(1, "pubsub/json/node");
  retain_until(seconds(1010));
  deliveries.clear();
  advance_to(milliseconds(1009999));
  EXPECT_TRUE(service.dropped.empty());
  advance_to(seconds(1010));
  EXPECT_EQ(service.dropped, std::vector<std::string>{"node"});
  EXPECT_EQ(service.retracted, 0);
  EXPECT_EQ(service.saved["node"], std::nullopt);
  EXPECT_TRUE(take<ItemPublished>().empty());
  advance_to(seconds(2000));
  EXPECT_EQ(service.dropped.size(), 1U);
}

TEST_F(RetainedExpiryTest, TheHubIsWokenForTheNextOne) {
  retain_until(seconds(1010));
  EXPECT_GE(service.wakes_after, seconds(10));
  EXPECT_LE(service.wakes_after, seconds(11));
  service.wakes_after.reset();
  retain_until(seconds(1020), "other");
  EXPECT_EQ(service.wakes_after, std::nullopt);  // it is earlier already
  retain_until(seconds(1005), "other");
  EXPECT_LE(service.wakes_after, seconds(6));
  service.wakes_after.reset();
  advance_to(seconds(1006));
  EXPECT_EQ(service.dropped, std::vector<std::string>{"other"});
  EXPECT_GE(service.wakes_after, seconds(4));
  EXPECT_LE(service.wakes_after, seconds(5));
  advance_to(seconds(1011));
  EXPECT_EQ(service.dropped.size(), 2U);
}

// The timer may have gone with a module that was reloaded.
TEST_F(RetainedExpiryTest, WhoeverCallsTheHubLaterHasItExpire) {
  retain_until(seconds(1010));
  advance_to(seconds(1500));
  EXPECT_EQ(service.dropped.size(), 1U);
}

TEST_F(RetainedExpiryTest, ANewerOneHasItsOwn) {
  retain_until(seconds(1010));
  retain_until(Time::max());
  advance_to(seconds(1010));
  EXPECT_TRUE(service.dropped.empty());
  EXPECT_EQ(retained(), one);
  retain_until(seconds(1020));
  retain("pubsub/json/node", "");  // cleared: nothing is left to expire
  service.retracted = 0;
  advance_to(seconds(1020));
  EXPECT_TRUE(service.dropped.empty());
}

// MQTT 5.0, 3.3.2.3.3: 0xFFFFFFFF seconds neither overflow nor vanish.
TEST_F(RetainedExpiryTest, TheLongestIntervalIsLong) {
  retain_until(seconds(1000) + seconds(0xFFFFFFFF));
  advance_to(seconds(1000) + seconds(0xFFFFFFFE));
  EXPECT_EQ(retained(), one);
  advance_to(seconds(1000) + seconds(0xFFFFFFFF));
  EXPECT_EQ(service.dropped.size(), 1U);
}

TEST_F(RetainedExpiryTest, NothingOlderIsSentInPlaceOfOneThatWasCleared) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>0</json>";
  EXPECT_EQ(retained(), std::vector<std::string>{"0"});
  retain("pubsub/json/node", "1");
  retain("pubsub/json/node", "");
  EXPECT_EQ(retained(), none);
  EXPECT_EQ(service.saved["node"], std::nullopt);
}

TEST_F(RetainedExpiryTest, NorInPlaceOfOneThatThereWasNot) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>0</json>";
  retain("pubsub/json/node", "");
  EXPECT_EQ(retained(), none);
  EXPECT_TRUE(service.saved.contains("node"));
}

TEST_F(RetainedExpiryTest, NorOfOneThatHasExpired) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>0</json>";
  retain_until(seconds(1010));
  hub.set_time(seconds(1010));
  EXPECT_EQ(retained(), none);
}

TEST_F(RetainedExpiryTest, NorOfOneThatEndedBeforeARestart) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>0</json>";
  hub.restore_end("pubsub", "node");
  EXPECT_EQ(retained(), none);
  hub.restore_end("pubsub", "gone");
}

TEST_F(RetainedExpiryTest, ANewerItemIs) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>2</json>";
  const std::vector<std::string> two{"2"};
  retain("pubsub/json/node", "");
  publish("pubsub/json/node", "2");
  EXPECT_EQ(retained(), two);
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {"pubsub/json/node"}});
  retain("pubsub/json/node", "");
  EXPECT_TRUE(hub.wants_item("pubsub", "node", "id"));
  hub.item_published("pubsub", "node", "id",
                     element("<json xmlns='urn:xmpp:json:0'>2</json>").document_element());
  EXPECT_FALSE(hub.wants_item("pubsub", "node", "id"));
  EXPECT_EQ(retained(), two);
}

TEST_F(RetainedExpiryTest, ANodeThatIsCreatedAgainIsAnotherOne) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>0</json>";
  retain("pubsub/json/node", "");
  hub.node_deleted("pubsub", "node");
  hub.node_created("pubsub", "node");
  EXPECT_EQ(retained(), std::vector<std::string>{"0"});
}

TEST_F(RetainedExpiryTest, OneThatExpiredWhileProsodyWasAwayEndsAtOnce) {
  auto copy = restored(topic::Type::json, "1", "<json xmlns='urn:xmpp:json:0'>1</json>",
                       mqtt::QoS::at_most_once, false);
  copy->envelope.expires_at = seconds(900);
  hub.restore_retained("pubsub", "node", *copy);
  EXPECT_LE(service.wakes_after, seconds(1));
  advance_to(seconds(1000));
  EXPECT_EQ(service.dropped, std::vector<std::string>{"node"});
}

TEST_F(RetainedExpiryTest, TheCopyOfAHostThatIsDisabledExpiresWhenTheHostIsBack) {
  retain_until(seconds(1010));
  hub.host_disabled("pubsub");
  advance_to(seconds(1010));
  EXPECT_TRUE(service.dropped.empty());
}

}  // namespace
}  // namespace pubsub_mqtt::hub
