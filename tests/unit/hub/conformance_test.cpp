// Statements of MQTT 3.1.1 that bind the hub and that no other test of this folder holds; docs/conformance.md
// has them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../topic/topic_matching.h"
#include "hub_fixture.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {
namespace {

using mqtt::QoS;
using mqtt::Reason;

class HubConformanceTest : public HubTest {
 protected:
  std::size_t retained(SessionId session, const std::string& filter) {
    take<RetainedMessages>();
    subscribe(session, filter);
    std::size_t count = 0;
    for (const auto& batch : take<RetainedMessages>()) count += batch.messages.size();
    ask(RetainedRequest{.session = session});  // the batch has gone
    return count;
  }
};

// The rules of 4.7 applied to whole topics.
TEST_F(HubConformanceTest,
       AFilterSelectsTheTopicsThatMqttSays) {  // [MQTT-3.3.2-3, MQTT-4.7.1-2, MQTT-4.7.1-3, MQTT-4.7.3-4]
  const std::vector<std::string> filters{
      "#",          "+/#",        "+/+/#",        "h/#",        "h/+/#",     "h/json/#",   "+/json/#",
      "h/+/a",      "h/json/+",   "+/+/+",        "+/json/a",   "h/+/a/#",   "h/json/+/",  "+/+/+/b",
      "h/json/a/+", "h/json//+",  "h/json/+/+",   "h/json/+/#", "h/json//#", "h/json/A",   "H/+/a",
      "+/utf8/#",   "h/json/a/#", "h/json/+/b/#", "g/#",        "g/json/+",  "h/xml/a/b/#"};
  const std::string marked = "\xEF\xBB\xBF";  // U+FEFF
  const std::vector<std::string> nodes{"a", "A",  "b",    "a/b", "a/b/c",    "/a",        "a/",
                                       "/", "//", "a//b", "$a",  "\xC3\x85", "A\xCC\x8A", marked + "a"};
  for (const auto& filter : filters) {
    const auto parsed = topic::parse_filter(filter);
    for (const std::string_view host : {"h", "g"}) {
      for (std::size_t i = 0; i < topic::type_count; ++i) {
        const auto type = static_cast<topic::Type>(i);
        for (const auto& node : nodes) {
          bool selected = false;
          if (const auto* pattern = std::get_if<topic::NodePattern>(&parsed)) {
            selected = pattern->selects(host, node) && pattern->type.value_or(type) == type;
          } else {
            const auto& topic = std::get<topic::NodeTopic>(parsed);
            selected = topic.host == host && topic.type == type && topic.node == node;
          }
          const std::string topic = topic::make_topic(host, type, node);
          EXPECT_EQ(selected, topic::matches(filter, topic)) << filter << " and " << topic;
        }
      }
    }
  }
}

TEST_F(HubConformanceTest, ALeadingWildcardSelectsNoDollarTopic) {  // [MQTT-4.7.2-1]
  subscribe(1, "#");
  subscribe(1, "+/json/node");
  deliveries.clear();
  EXPECT_TRUE(std::holds_alternative<topic::NoNodeTopic>(topic::parse_topic("$SYS/json/node")));
  EXPECT_EQ(publish("$SYS/json/node", "1"), Outcome::refused);
  EXPECT_TRUE(take<ItemPublished>().empty());
  // A `$` elsewhere is a character like any other.
  create("$node");
  publish("pubsub/json/$node", "1");
  EXPECT_EQ(take<ItemPublished>().size(), 1U);
}

TEST_F(HubConformanceTest, NamesAreNotNormalised) {  // [MQTT-4.7.3-4, MQTT-1.5.3-3]
  const std::string composed = "\xC3\x85";           // U+00C5
  const std::string decomposed = "A\xCC\x8A";        // U+0041 U+030A
  const std::string marked = std::string("\xEF\xBB\xBF") + "node";
  for (const auto& node : {composed, decomposed, marked}) create(node);
  subscribe(1, "pubsub/json/" + composed);
  subscribe(1, "pubsub/json/node");
  deliveries.clear();
  for (const auto& node : {decomposed, marked, std::string("Node")}) publish("pubsub/json/" + node, "1");
  EXPECT_EQ(publish("Pubsub/json/node", "1"), Outcome::refused);
  EXPECT_TRUE(take<ItemPublished>().empty());
  publish("pubsub/json/" + composed, "1");
  EXPECT_EQ(take<ItemPublished>().size(), 1U);
}

// So a PUBACK or PUBREC says that every subscriber's session has the message.
TEST_F(HubConformanceTest, AnItemStandsBeforeTheReplyToItsPublisher) {  // [MQTT-4.5.0-1]
  open(2);
  subscribe(2, "pubsub/json/node", QoS::at_least_once);
  deliveries.clear();
  ask(AskToPublish{.session = 1,
                   .topic = "pubsub/json/node",
                   .payload = "1",
                   .qos = QoS::at_least_once,
                   .packet_identifier = 1});
  ASSERT_EQ(deliveries.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<ItemPublished>(deliveries[0]));
  EXPECT_TRUE(std::holds_alternative<PublishReply>(deliveries[1]));
}

TEST_F(HubConformanceTest, RetainedMessagesOutliveTheSessionThatSetThem) {  // [MQTT-3.1.2-7]
  open(2);
  ask(AskToPublish{.session = 2, .topic = "pubsub/json/node", .payload = "1", .retain = true});
  ask(CloseSession{.session = 2});
  EXPECT_EQ(retained(1, "pubsub/json/node"), 1U);
}

TEST_F(HubConformanceTest, AMessageAtQos0ReplacesARetainedOneAtQos2) {  // [MQTT-3.3.1-5, MQTT-3.3.1-7]
  retain("pubsub/json/node", "2", QoS::exactly_once);
  retain("pubsub/json/node", "0", QoS::at_most_once);
  subscribe(1, "pubsub/json/node", QoS::exactly_once);
  const auto batch = last_of<RetainedMessages>();
  ASSERT_EQ(batch.messages.size(), 1U);
  EXPECT_EQ(batch.messages[0].payload, "0");
  EXPECT_EQ(batch.messages[0].envelope.qos, QoS::at_most_once);
}

TEST_F(HubConformanceTest, ASecondSubscribeReplacesTheFirstWithoutAGap) {  // [MQTT-3.8.4-3]
  for (const std::string filter : {"pubsub/json/node", "pubsub/json/+"}) {
    retain("pubsub/json/node", "1");
    EXPECT_EQ(retained(1, filter), 1U);
    deliveries.clear();
    EXPECT_EQ(subscribe(1, filter, QoS::exactly_once), Reason::granted_qos_2);
    const auto changes = take<AudienceChange>();
    ASSERT_FALSE(changes.empty());
    for (const auto& change : changes) EXPECT_EQ(change.selection.by_form[json], QoS::exactly_once);
    EXPECT_EQ(take<RetainedMessages>().size(), 1U);  // again
    ask(RetainedRequest{.session = 1});
    // One UNSUBSCRIBE ends what two SUBSCRIBEs made one.
    ask(AskToUnsubscribe{.session = 1, .packet_identifier = 1, .topic_filters = {filter}});
    EXPECT_FALSE(hub.wants_item("pubsub", "node", "1"));
  }
}

TEST_F(HubConformanceTest,
       FiltersOfOneSubscribeAreTakenOneAfterTheOther) {  // [MQTT-3.8.4-4, MQTT-3.8.4-5, MQTT-3.9.3-1]
  ask(AskToSubscribe{.session = 1,
                     .packet_identifier = 9,
                     .filters = {{.topic_filter = "pubsub/json/node", .qos = QoS::at_least_once},
                                 {.topic_filter = "pubsub/json/secret", .qos = QoS::at_least_once},
                                 {.topic_filter = "pubsub/utf8/+", .qos = QoS::exactly_once},
                                 {.topic_filter = "pubsub/json/node", .qos = QoS::at_most_once}}});
  const auto replies = take<SubscribeReply>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].ticket.packet_identifier, 9);
  EXPECT_EQ(codes(replies[0]), (std::vector{Reason::granted_qos_1, Reason::unspecified_error,
                                            Reason::granted_qos_2, Reason::granted_qos_0}));
  // The same filter again replaces the first.
  subscribe(1, "pubsub/xml/node");
  const auto selection = last_of<AudienceChange>().selection;
  EXPECT_EQ(selection.by_form[json], QoS::at_most_once);
  EXPECT_EQ(selection.by_form[utf8], QoS::exactly_once);
}

TEST_F(HubConformanceTest, UnsubscribeRemovesTheSameCharactersOnly) {  // [MQTT-3.10.4-1, MQTT-3.10.4-2]
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/utf8/#");
  ask(AskToUnsubscribe{.session = 1,
                       .packet_identifier = 1,
                       .topic_filters = {"#", "pubsub/json/#", "pubsub/json/+", "pubsub/json/Node",
                                         "pubsub/utf8/node", "pubsub/utf8/+", "pubsub/+/#"}});
  deliveries.clear();
  publish("pubsub/json/node", "1");
  publish("pubsub/utf8/node", "1");
  EXPECT_EQ(take<ItemPublished>().size(), 2U);
  ask(AskToUnsubscribe{
      .session = 1, .packet_identifier = 2, .topic_filters = {"pubsub/json/node", "pubsub/utf8/#"}});
  publish("pubsub/json/node", "1");
  publish("pubsub/utf8/node", "1");
  EXPECT_TRUE(take<ItemPublished>().empty());
}

TEST_F(HubConformanceTest,
       UnsubscribeIsAnsweredOnceWhateverItRemoves) {  // [MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.10.4-6]
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/json/other");
  ask(AskToUnsubscribe{.session = 1,
                       .packet_identifier = 7,
                       .topic_filters = {"pubsub/json/node", "never", "pubsub/json/other"}});
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 8, .topic_filters = {"pubsub/json/node"}});
  const auto replies = take<UnsubscribeReply>();
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].ticket.packet_identifier, 7);
  EXPECT_EQ(replies[1].ticket.packet_identifier, 8);
  EXPECT_FALSE(hub.wants_item("pubsub", "node", "1"));
  EXPECT_FALSE(hub.wants_item("pubsub", "other", "1"));
}

TEST_F(HubConformanceTest, AWillWithoutRetainIsNotRetained) {  // [MQTT-3.1.2-16, MQTT-3.1.2-17]
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1", .will = true});
  EXPECT_EQ(retained(1, "pubsub/json/node"), 0U);
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1", .retain = true, .will = true});
  EXPECT_EQ(retained(1, "pubsub/json/node"), 1U);
  EXPECT_EQ(service.published.size(), 2U);
  for (const auto& reply : take<PublishReply>()) EXPECT_TRUE(reply.ticket.will);  // no client waits for it
}

}  // namespace
}  // namespace pubsub_mqtt::hub
