// Retained messages that are found out one by one after a host was enabled, or when somebody needs one.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

class RestoreLaterTest : public HubTest {
 protected:
  RestoreLaterTest() {
    hub.restore_later("pubsub", "node");
    service.on_restore = [this] { hub.restore_retained("pubsub", "node", copy()); };
  }

  static Retained copy() {
    return restored(topic::Type::json, "1", "<json xmlns='urn:xmpp:json:0'>1</json>", mqtt::QoS::at_most_once,
                    false)
        .value();
  }

  const std::vector<std::string> one{"1"};
  const std::vector<std::string> asked_once{"node"};
  pugi::xml_document json_item = element("<json xmlns='urn:xmpp:json:0'>2</json>");
};

TEST_F(RestoreLaterTest, ASubscribeAsksForWhatItNeeds) {
  EXPECT_TRUE(retained("pubsub/json/other").empty());
  EXPECT_TRUE(service.asked_to_restore.empty());
  EXPECT_EQ(retained(), one);
  EXPECT_EQ(retained("pubsub/json/#"), one);
  EXPECT_EQ(service.asked_to_restore, asked_once);
}

TEST_F(RestoreLaterTest, WhatCannotBeReadNowIsAskedForAgain) {
  const auto tells = service.on_restore;
  service.on_restore = [this] { hub.restore_later("pubsub", "node"); };
  EXPECT_TRUE(retained().empty());
  service.on_restore = tells;
  EXPECT_EQ(retained(), one);
  EXPECT_EQ(service.asked_to_restore, (std::vector<std::string>{"node", "node"}));
}

TEST_F(RestoreLaterTest, WhatHasBeenToldIsNotAskedFor) {
  hub.restore_retained("pubsub", "node", copy());
  EXPECT_EQ(retained(), one);
  for (const std::string node : {"n1", "n2", "n3"}) {
    create(node);
    hub.restore_later("pubsub", node);
  }
  hub.restore_none("pubsub", "n1");
  hub.restore_end("pubsub", "n2");
  hub.restore_current("pubsub", "n3", json_item.document_element());
  EXPECT_EQ(retained("pubsub/json/+"), (std::vector<std::string>{"2", "1"}));  // n3, node
  EXPECT_TRUE(service.asked_to_restore.empty());
}

TEST_F(RestoreLaterTest, AnItemThatIsCurrentIsSentThoughItIsRestoredBehindTheSubscribe) {
  service.on_restore = [this] { hub.restore_current("pubsub", "node", json_item.document_element()); };
  EXPECT_EQ(retained(), std::vector<std::string>{"2"});
}

TEST_F(RestoreLaterTest, ANewMessageIsNewer) {
  retain("pubsub/json/node", "3");
  hub.restore_retained("pubsub", "node", copy());
  EXPECT_EQ(retained(), std::vector<std::string>{"3"});
  EXPECT_TRUE(service.asked_to_restore.empty());
}

TEST_F(RestoreLaterTest, AClearIsOfWhatThereWas) {
  subscribe(1, "pubsub/json/node");
  hub.restore_later("pubsub", "node");  // no longer
  take<RetainedMessages>();
  hub.restore_later("pubsub", "other");
  service.on_restore = [this] { hub.restore_retained("pubsub", "other", copy()); };
  subscribe(1, "pubsub/utf8/other");
  take<ItemPublished>();
  retain("pubsub/utf8/other", "");
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(item.natural_type, topic::Type::json);
  EXPECT_TRUE(retained("pubsub/json/other").empty());
}

// The copy that could not be read is older, and so is the item that pubsub could not retract.
TEST_F(RestoreLaterTest, NothingIsAskedForBehindAClear) {
  const auto tells = service.on_restore;
  service.on_restore = [this] { hub.restore_later("pubsub", "node"); };
  retain("pubsub/json/node", "");
  service.on_restore = tells;
  EXPECT_TRUE(hub.unrestored_nodes("pubsub", "", 1).names.empty());
  EXPECT_TRUE(retained().empty());
}

TEST_F(RestoreLaterTest, ADeletedNodeHasNone) {
  hub.node_deleted("pubsub", "node");
  hub.node_created("pubsub", "node");
  EXPECT_TRUE(retained().empty());
  EXPECT_TRUE(service.asked_to_restore.empty());
  hub.restore_later("pubsub", "gone");
}

TEST_F(RestoreLaterTest, TheNodesThatAreLeftAreToldInPieces) {
  const std::vector<std::string> names{"n1", "n2", "n3"};
  for (const std::string& name : names) {
    create(name);
    hub.restore_later("pubsub", name);
  }
  create("n0");
  hub.restore_none("pubsub", "node");
  hub.restore_none("pubsub", "n2");
  auto piece = hub.unrestored_nodes("pubsub", "", 1);
  EXPECT_EQ(piece.names, std::vector<std::string>{"n1"});
  ASSERT_TRUE(piece.next);
  piece = hub.unrestored_nodes("pubsub", *piece.next, 2);
  EXPECT_EQ(piece.names, std::vector<std::string>{"n3"});
  EXPECT_FALSE(piece.next);
  EXPECT_TRUE(hub.unrestored_nodes("elsewhere", "", 2).names.empty());
}

TEST_F(RestoreLaterTest, EachOneIsWorkEnoughForAStep) {
  for (int i = 0; i < 50; ++i) {
    create("n" + std::to_string(i));
    hub.restore_later("pubsub", "n" + std::to_string(i));
  }
  service.on_restore = nullptr;
  std::vector<Request> batch;
  batch.emplace_back(
      AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/#"}}});
  hub.accept(batch);
  std::size_t before = 0;
  while (hub.step()) {
    EXPECT_LE(service.asked_to_restore.size() - before, 1U);
    before = service.asked_to_restore.size();
  }
  EXPECT_EQ(before, 51U);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
