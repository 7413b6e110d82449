// Publishes at QoS 2 that a client may send again after a crash (docs/durability.md).
#include <gtest/gtest.h>

#include <string>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

class IntentTest : public HubTest {
 protected:
  PublishReply publish(Intent intent, bool retain = false) {
    Request request = AskToPublish{.session = 1,
                                   .topic = "pubsub/json/node",
                                   .payload = "1",
                                   .qos = mqtt::QoS::exactly_once,
                                   .retain = retain,
                                   .packet_identifier = 7};
    std::get<PublishRequest>(request).intent = std::move(intent);
    ask(std::move(request));
    return last_of<PublishReply>();
  }
};

TEST_F(IntentTest, TheItemHasItsIdAndItIsKnownToBePublished) {
  const auto reply = publish({.session = 5, .packet_identifier = 7, .item = "chosen"});
  EXPECT_EQ(service.ids, std::vector<std::string>{"chosen"});
  EXPECT_EQ(service.carried_out_intents, std::vector<std::string>{"chosen 7"});
  EXPECT_TRUE(reply.awaits_commit);
}

TEST_F(IntentTest, WhatPubsubRefusesIsNotCarriedOut) {
  service.outcome = Outcome::refused;
  publish({.session = 5, .item = "chosen"});
  EXPECT_TRUE(service.carried_out_intents.empty());
}

TEST_F(IntentTest, AnItemThatIsThereIsDeliveredAndNotPublishedAgain) {
  subscribe(1, "pubsub/json/node");
  service.ids = {"chosen"};
  const auto reply = publish({.session = 5, .item = "chosen", .is_again = true});
  EXPECT_EQ(reply.outcome, Outcome::accepted);
  EXPECT_TRUE(service.published.empty());
  EXPECT_EQ(take<ItemPublished>().size(), 1U);
  EXPECT_EQ(service.carried_out_intents, std::vector<std::string>{"chosen 0"});
}

TEST_F(IntentTest, OneThatIsNotThereIsPublished) {
  publish({.session = 5, .item = "chosen", .is_again = true});
  EXPECT_EQ(service.ids, std::vector<std::string>{"chosen"});
}

TEST_F(IntentTest, OneThatIsKnownToBePublishedNeedNotBeThereAnyMore) {
  subscribe(1, "pubsub/json/node");
  publish({.session = 5, .item = "trimmed", .is_again = true, .is_published = true});
  EXPECT_TRUE(service.published.empty());
  EXPECT_EQ(take<ItemPublished>().size(), 1U);
}

TEST_F(IntentTest, ARetainedOneIsNotSetAgainOverANewerOne) {
  publish({.session = 5, .item = "older", .is_again = true, .is_published = true}, true);
  EXPECT_TRUE(service.saved.empty());
  publish({.session = 5, .item = "older", .is_again = true}, true);
  EXPECT_EQ(service.ids, std::vector<std::string>{"current"}) << "nobody knows: it is set again";
}

TEST_F(IntentTest, WhereTheStorageDoesNotSayTheClientSendsItAgain) {
  service.storage_works = false;
  EXPECT_EQ(publish({.session = 5, .item = "chosen", .is_again = true}).outcome, Outcome::failed);
  EXPECT_TRUE(service.published.empty());
}

TEST_F(IntentTest, OnlyWhatIsPostedIsAwaited) {
  EXPECT_FALSE(HubTest::publish("pubsub/json/node", "1") != Outcome::accepted);
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  EXPECT_FALSE(last_of<PublishReply>().awaits_commit);
  retain("pubsub/json/node", "1", mqtt::QoS::at_least_once);
  EXPECT_TRUE(last_of<PublishReply>().awaits_commit);
  retain("pubsub/json/node", "");
  EXPECT_TRUE(last_of<PublishReply>().awaits_commit);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
