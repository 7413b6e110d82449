#include <gtest/gtest.h>

#include <string>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

class RetainedTest : public HubTest {
 protected:
  std::vector<RetainedMessages::Message> retained_for(SessionId session, const std::string& filter,
                                                      mqtt::QoS qos = mqtt::QoS::exactly_once) {
    subscribe(session, filter, qos);
    return rest_for(session);
  }

  std::vector<RetainedMessages::Message> rest_for(SessionId session) {
    std::vector<RetainedMessages::Message> all;
    for (;;) {
      const auto batches = take<RetainedMessages>();
      if (batches.empty()) return all;
      for (const auto& batch : batches) all.insert(all.end(), batch.messages.begin(), batch.messages.end());
      ask(RetainedRequest{.session = session});
    }
  }

  // Takes the first step of a SUBSCRIBE and no more.
  void begin_to_subscribe(const std::vector<Subscription>& filters) {
    std::vector<Request> batch;
    batch.emplace_back(AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = filters});
    hub.accept(batch);
    hub.step();
  }

  void retain_from_xmpp(const std::string& node, const std::string& number) {
    hub.item_published("pubsub", node, "current",
                       element("<json xmlns='urn:xmpp:json:0'>" + number + "</json>").document_element());
  }

  void finish() {
    while (hub.step()) {
    }
    hub.take_deliveries(deliveries);
  }
};

TEST_F(RetainedTest, IsTheItemCurrent) {
  retain("pubsub/json/node", "1");
  EXPECT_EQ(service.published,
            std::vector<std::string>{"node current <json xmlns='urn:xmpp:json:0'>1</json>"});
  EXPECT_EQ(service.saved["node"], "1");
}

TEST_F(RetainedTest, IsSentOnEverySubscribe) {  // [MQTT-3.3.1-6, MQTT-3.8.4-3]
  retain("pubsub/json/node", " 1 ", mqtt::QoS::at_least_once);
  for (int i = 0; i < 2; ++i) {
    const auto messages = retained_for(1, "pubsub/json/node");
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].payload, " 1 ");
    EXPECT_EQ(messages[0].form, payload::Type::json);
    EXPECT_EQ(messages[0].envelope.qos, mqtt::QoS::at_least_once);  // the lower of the two
  }
}

TEST_F(RetainedTest, EveryTypeIsAViewOfIt) {
  retain("pubsub/json/node", "1");
  EXPECT_TRUE(retained_for(1, "pubsub/utf8/node").empty());
  EXPECT_EQ(retained_for(1, "pubsub/xml/node").at(0).payload, "<json xmlns='urn:xmpp:json:0'>1</json>");
  const auto natural = retained_for(1, "pubsub/+/node");
  ASSERT_EQ(natural.size(), 1U);
  EXPECT_EQ(natural[0].form, payload::Type::json);
}

// So that it bears the identifiers of filters with a wildcard for TYPE, or does not (MQTT 5.0, 3.3.2.3.8).
TEST_F(RetainedTest, SaysWhetherItsTypeIsTheNaturalOne) {
  retain("pubsub/json/node", "1");
  service.last_items["other"] = "<json xmlns='urn:xmpp:json:0'>7</json>";
  for (const std::string node : {"node", "other"}) {
    EXPECT_TRUE(retained_for(1, "pubsub/json/" + node).at(0).is_natural);
    EXPECT_TRUE(retained_for(1, "pubsub/+/" + node).at(0).is_natural);
    EXPECT_FALSE(retained_for(1, "pubsub/xml/" + node).at(0).is_natural);
  }
}

TEST_F(RetainedTest, OtherPublishesDoNotTouchIt) {  // [MQTT-3.3.1-12]
  retain("pubsub/json/node", "1");
  publish("pubsub/json/node", "2");
  EXPECT_EQ(retained_for(1, "pubsub/json/node").at(0).payload, "1");
}

TEST_F(RetainedTest, ANewOneReplacesIt) {
  retain("pubsub/json/node", "1");
  retain("pubsub/utf8/node", "two");
  EXPECT_TRUE(retained_for(1, "pubsub/json/node").empty());
  EXPECT_EQ(retained_for(1, "pubsub/utf8/node").at(0).payload, "two");
}

TEST_F(RetainedTest, XmppSetsItWithTheIdCurrent) {
  const auto item = element("<x xmlns='urn:x'/>");
  hub.item_published("pubsub", "node", "other-id", item.document_element());
  EXPECT_TRUE(retained_for(1, "pubsub/xml/node").empty());
  EXPECT_TRUE(hub.wants_item("pubsub", "node", "current"));
  hub.item_published("pubsub", "node", "current", item.document_element());
  const auto messages = retained_for(1, "pubsub/xml/node");
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].envelope.qos, mqtt::QoS::exactly_once);
}

TEST_F(RetainedTest, AnItemWithoutContentIsNone) {  // [MQTT-3.3.1-11]
  const auto item = element("<data xmlns='https://prosody.im/protocol/mqtt'/>");
  hub.item_published("pubsub", "node", "current", item.document_element());
  service.last_items["other"] = "<data xmlns='https://prosody.im/protocol/mqtt'/>";
  EXPECT_TRUE(retained_for(1, "pubsub/utf8/#").empty());
}

TEST_F(RetainedTest, AnItemWithoutContentTakesThePlaceOfTheOneBefore) {
  retain("pubsub/json/node", "1");
  const auto item = element("<data xmlns='https://prosody.im/protocol/mqtt'/>");
  hub.item_published("pubsub", "node", "current", item.document_element());
  EXPECT_TRUE(retained_for(1, "pubsub/+/node").empty());
  EXPECT_EQ(service.saved["node"], std::nullopt);
}

TEST_F(RetainedTest, ALiveItemDoesNotTakeItsPlace) {  // [MQTT-3.3.1-6]
  retain("pubsub/json/node", "1");
  std::vector<Request> batch;
  batch.emplace_back(AskToSubscribe{
      .session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/node"}}});
  hub.accept(batch);
  hub.step();
  hub.item_published("pubsub", "node", "2",
                     element("<json xmlns='urn:xmpp:json:0'>2</json>").document_element());
  while (hub.step()) {
  }
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<RetainedMessages>().messages.at(0).payload, "1");
}

TEST_F(RetainedTest, AnEmptyPayloadClearsIt) {  // [MQTT-3.3.1-10, MQTT-3.3.1-11]
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/utf8/node");
  subscribe(1, "pubsub/xml/node");
  retain("pubsub/json/node", "1");
  take<ItemPublished>();
  retain("pubsub/utf8/node", "");
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(item.payloads[utf8], "");  // the topic of the clear
  EXPECT_EQ(item.payloads[json], "");  // the natural topic of what was cleared
  EXPECT_EQ(item.payloads[xml], "");   // whatever its TYPE was
  EXPECT_TRUE(take<ItemPublished>().empty());
  EXPECT_EQ(service.retracted, 1);
  EXPECT_EQ(service.saved["node"], std::nullopt);
  EXPECT_TRUE(retained_for(1, "pubsub/json/node").empty());
}

// What bridges pass on (docs/mapping.md, "Bridges").
TEST_F(RetainedTest, TheEnvelopeSaysWhatWasPublishedWithRetainAndByWhom) {
  subscribe(1, "pubsub/json/node");
  retain("pubsub/json/node", "1", mqtt::QoS::at_least_once);
  const Envelope of_client{.qos = mqtt::QoS::at_least_once, .retain = true, .publisher = 1};
  EXPECT_EQ(last_of<ItemPublished>().envelope, of_client);
  EXPECT_EQ(retained_for(1, "pubsub/json/node").at(0).envelope.publisher, 1U);
  retain("pubsub/json/node", "", mqtt::QoS::at_least_once);
  EXPECT_EQ(last_of<ItemPublished>().envelope, of_client);
  publish("pubsub/json/node", "2");
  EXPECT_EQ(last_of<ItemPublished>().envelope, Envelope{.publisher = 1});
  const auto item = element("<json xmlns='urn:xmpp:json:0'>2</json>");
  for (const bool is_current : {true, false}) {
    hub.item_published("pubsub", "node", is_current ? "current" : "3", item.document_element());
    hub.take_deliveries(deliveries);
    Envelope envelope = last_of<ItemPublished>().envelope;
    envelope.properties = nullptr;  // see PropertiesTest
    EXPECT_EQ(envelope, (Envelope{.qos = mqtt::QoS::exactly_once, .retain = is_current}));
  }
}

TEST_F(RetainedTest, ClearingNeedsTheRightToPublish) {
  retain("pubsub/json/node", "1");
  service.outcome = Outcome::refused;
  retain("pubsub/json/node", "");
  EXPECT_EQ(retained_for(1, "pubsub/json/node").size(), 1U);
}

TEST_F(RetainedTest, ClearingCreatesNoNode) {
  retain("pubsub/json/nowhere", "");
  EXPECT_EQ(last_of<PublishReply>().outcome, Outcome::accepted);
  EXPECT_TRUE(service.published.empty());
}

TEST_F(RetainedTest, ARetractedPurgedOrDeletedOneIsAnEmptyMessageOnItsNaturalTopic) {
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/utf8/node");
  using Event = void (*)(Hub&);
  for (const Event event : {Event([](Hub& hub_) { hub_.item_retracted("pubsub", "node", "current"); }),
                            Event([](Hub& hub_) { hub_.node_purged("pubsub", "node"); }),
                            Event([](Hub& hub_) { hub_.node_deleted("pubsub", "node"); })}) {
    retain("pubsub/json/node", "1");
    deliveries.clear();
    event(hub);
    hub.take_deliveries(deliveries);
    const auto item = last_of<ItemPublished>();
    EXPECT_EQ(item.payloads[json], "");
    EXPECT_EQ(item.payloads[utf8], std::nullopt);
    EXPECT_EQ(item.payloads[xml], "");
    EXPECT_TRUE(item.envelope.retain);
  }
}

TEST_F(RetainedTest, OtherRetractionsAreNothing) {
  subscribe(1, "pubsub/json/node");
  retain("pubsub/json/node", "1");
  deliveries.clear();
  hub.item_retracted("pubsub", "node", "another");
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(deliveries.empty());
  EXPECT_EQ(retained_for(1, "pubsub/json/node").size(), 1U);
}

TEST_F(RetainedTest, WhoMayNotReadGetsNone) {
  retain("pubsub/json/node", "1");
  service.open["node"] = false;
  hub.node_changed("pubsub", "node");
  EXPECT_TRUE(retained_for(1, "pubsub/json/#").empty());
}

TEST_F(RetainedTest, TheNewestItemTakesItsPlaceWhereTheOwnerWantsThat) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>7</json>";
  EXPECT_EQ(retained_for(1, "pubsub/json/node").at(0).payload, "7");
  retain("pubsub/json/node", "1");
  EXPECT_EQ(retained_for(1, "pubsub/json/node").at(0).payload, "1");
}

TEST_F(RetainedTest, AWildcardSendsAllInBatchesThatTheSessionAsksFor) {
  for (int i = 0; i < 500; ++i) {
    create("n" + std::to_string(i));
    retain("pubsub/json/n" + std::to_string(i), std::to_string(i));
  }
  deliveries.clear();
  subscribe(1, "pubsub/json/#");
  const auto first = take<RetainedMessages>();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].messages.size(), 20U);
  while (hub.step()) {
  }
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<RetainedMessages>().empty());
  std::size_t count = 20;
  for (;;) {
    ask(RetainedRequest{.session = 1});
    const auto next = take<RetainedMessages>();
    if (next.empty()) break;
    count += next[0].messages.size();
  }
  EXPECT_EQ(count, 500U);
}

// Each is read from Prosody's storage, also where it turns out to be of another TYPE.
TEST_F(RetainedTest, ALastItemIsWorkEnoughForAStep) {
  for (int i = 0; i < 50; ++i) {
    create("n" + std::to_string(i));
    service.last_items["n" + std::to_string(i)] = "<x xmlns='urn:x'/>";
  }
  std::vector<Request> batch;
  batch.emplace_back(
      AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/#"}}});
  hub.accept(batch);
  int before = 0;
  while (hub.step()) {
    EXPECT_LE(service.items_read - before, 1);
    before = service.items_read;
  }
  EXPECT_EQ(service.items_read, 50);
  EXPECT_EQ(retained_for(1, "pubsub/xml/#").size(), 50U);
}

// A session that does not take them has one batch in memory: as many bytes as that is, not as many messages.
TEST_F(RetainedTest, LargeOnesGoOutAFewAtATime) {
  const std::string large(100000, 'x');
  for (int i = 0; i < 20; ++i) {
    create("n" + std::to_string(i));
    retain("pubsub/utf8/n" + std::to_string(i), large);
  }
  for (const std::string filter : {"pubsub/utf8/#", "pubsub/xml/#"}) {
    subscribe(1, filter);
    const auto first = take<RetainedMessages>();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].messages.size(), 1U);
    ask(AskToUnsubscribe{.session = 1, .packet_identifier = 1, .topic_filters = {filter}});
    ask(RetainedRequest{.session = 1});
    EXPECT_EQ(retained_for(1, filter).size(), 20U);
  }
}

TEST_F(RetainedTest, ANodeWhoseNewerItemWentOutLiveIsSkipped) {
  for (int i = 0; i < 40; ++i) {
    create("n" + std::to_string(i));
    retain("pubsub/json/n" + std::to_string(i), std::to_string(i));
  }
  subscribe(1, "pubsub/json/#");
  take<RetainedMessages>();
  retain("pubsub/json/n39", "newer");
  ask(RetainedRequest{.session = 1});
  for (const auto& batch : take<RetainedMessages>()) {
    for (const auto& message : batch.messages) EXPECT_NE(message.payload, "newer");
  }
}

// It is in none of the audiences yet when the message comes.
TEST_F(RetainedTest, OneThatIsSetWhileAWildcardIsBeingSubscribedIsSent) {
  for (int i = 0; i < 500; ++i) create("n" + std::to_string(i));
  begin_to_subscribe({{.topic_filter = "pubsub/json/#"}});
  retain_from_xmpp("n499", "1");
  finish();
  EXPECT_TRUE(take<ItemPublished>().empty());
  ASSERT_EQ(rest_for(1).size(), 1U);
}

TEST_F(RetainedTest, OneThatIsSetBetweenTheFiltersOfASubscribeIsSent) {
  begin_to_subscribe({{.topic_filter = "pubsub/json/node"}, {.topic_filter = "pubsub/json/other"}});
  retain_from_xmpp("other", "1");
  finish();
  EXPECT_TRUE(take<ItemPublished>().empty());
  ASSERT_EQ(rest_for(1).size(), 1U);
}

TEST_F(RetainedTest, NeverFollowsANewerOneThatWentOutLive) {
  retain("pubsub/json/node", "1");
  for (int i = 0; i < 500; ++i) create("n" + std::to_string(i));
  begin_to_subscribe({{.topic_filter = "pubsub/json/#"}});
  while (take<SubscribeReply>().empty()) {
    hub.step();
    hub.take_deliveries(deliveries);
  }
  hub.step();  // looks at some of the nodes
  retain_from_xmpp("node", "2");
  finish();
  bool went_out = false;
  for (const auto& delivery : deliveries) {
    went_out = went_out || std::holds_alternative<ItemPublished>(delivery);
    EXPECT_FALSE(went_out && std::holds_alternative<RetainedMessages>(delivery));
  }
  EXPECT_TRUE(went_out);
}

TEST_F(RetainedTest, UnsubscribeStopsTheRest) {
  for (int i = 0; i < 40; ++i) {
    create("n" + std::to_string(i));
    retain("pubsub/json/n" + std::to_string(i), std::to_string(i));
  }
  subscribe(1, "pubsub/json/#");
  take<RetainedMessages>();
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 1, .topic_filters = {"pubsub/json/#"}});
  ask(RetainedRequest{.session = 1});
  EXPECT_TRUE(take<RetainedMessages>().empty());
}

TEST_F(RetainedTest, SurvivesTheHostAndARestart) {
  retain("pubsub/json/node", "1", mqtt::QoS::at_least_once);
  hub.host_disabled("pubsub");
  hub.node_created("pubsub", "node");
  EXPECT_TRUE(retained_for(1, "pubsub/json/node").empty());
  hub.restore_retained("pubsub", "node",
                       restored(payload::Type::json, "1", "<json xmlns='urn:xmpp:json:0'>1</json>",
                                mqtt::QoS::at_least_once, false)
                           .value());
  EXPECT_EQ(retained_for(1, "pubsub/json/node").at(0).payload, "1");
}

TEST_F(RetainedTest, ADamagedCopyIsNone) {
  EXPECT_FALSE(restored(payload::Type::json, "1", "<json", mqtt::QoS::at_most_once, false).has_value());
}

TEST_F(RetainedTest, ACopyWithoutItsNodeIsForgotten) {
  service.saved["gone"] = "1";
  hub.restore_retained("pubsub", "gone",
                       restored(payload::Type::json, "1", "<json xmlns='urn:xmpp:json:0'>1</json>",
                                mqtt::QoS::at_most_once, false)
                           .value());
  EXPECT_EQ(service.saved["gone"], std::nullopt);
}

TEST_F(RetainedTest, AnItemThatStandsInForACopyIsSavedAndNobodyIsTold) {
  subscribe(1, "pubsub/json/node");
  pugi::xml_document item;
  item.load_string("<json xmlns='urn:xmpp:json:0'>1</json>");
  hub.restore_current("pubsub", "node", item.document_element());
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<ItemPublished>().empty());
  EXPECT_EQ(service.saved["node"], "1");
  EXPECT_EQ(retained_for(1, "pubsub/json/node").at(0).payload, "1");
  hub.restore_current("pubsub", "gone", item.document_element());
  EXPECT_FALSE(service.saved.contains("gone"));
}

// The element is what pubsub's item has, so that the two can be compared after a restart.
TEST_F(RetainedTest, ALargeOneIsRestoredWhole) {
  const std::string large(300000, 'x');
  const std::string stand_in = "<data xmlns='urn:xmpp:bob' cid='sha1+0@bob.xmpp.org' type='text/plain'/>";
  const auto retained = restored(topic::Type::utf8, large, stand_in, mqtt::QoS::at_most_once, true);
  ASSERT_TRUE(retained.has_value());
  EXPECT_EQ(retained->view(topic::Type::utf8), large);
  EXPECT_EQ(retained->natural_type, topic::Type::utf8);
  EXPECT_EQ(retained->view(topic::Type::json), std::nullopt);
  EXPECT_EQ(retained->view(topic::Type::xml),
            "<data xmlns='https://prosody.im/protocol/mqtt'>" + large + "</data>");
}

}  // namespace
}  // namespace pubsub_mqtt::hub
