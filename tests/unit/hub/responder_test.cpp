// Requests below `$pubsub/`, as Prosody's thread carries them out (docs/mapping.md, "History and lists over MQTT").
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub_fixture.h"
#include "pubsub_mqtt/mqtt/properties.h"

namespace pubsub_mqtt::hub {
namespace {

using Id = mqtt::PropertyIdentifier;
using Words = std::vector<std::string>;

class ResponderTest : public HubTest {
 protected:
  static Request request(const std::string& topic, const std::string& payload = {},
                         const std::string& response_topic = "$pubsub/reply/a",
                         const std::string& correlation_data = {}) {
    auto publish = std::get<PublishRequest>(Request(
        AskToPublish{.session = 1, .topic = topic, .payload = payload, .qos = mqtt::QoS::at_least_once}));
    std::string encoded;
    if (!response_topic.empty())
      mqtt::append({.identifier = Id::response_topic, .value = response_topic}, encoded);
    if (!correlation_data.empty())
      mqtt::append({.identifier = Id::correlation_data, .value = correlation_data}, encoded);
    publish.publication.envelope.properties = std::make_shared<const std::string>(std::move(encoded));
    publish.max_packet_size = 1000;
    return publish;
  }

  PublishReply reply_to(Request asked) {
    ask(std::move(asked));
    return last_of<PublishReply>();
  }

  // Asks without carrying anything out.
  void post(Request asked) {
    std::vector<Request> batch;
    batch.push_back(std::move(asked));
    hub.accept(batch);
  }
};

TEST_F(ResponderTest, AnswersToTheResponseTopicWithItsCorrelationData) {
  open(1, "juliet@capulet.lit");
  const auto reply = reply_to(request("$pubsub/nodes/pubsub", "{\"limit\":1}", "$pubsub/reply/a", "7"));
  EXPECT_EQ(service.inquiries, Words{"$pubsub/nodes/pubsub juliet@capulet.lit {\"limit\":1}"});
  EXPECT_EQ(reply.outcome, Outcome::accepted);
  EXPECT_EQ(reply.topic, "$pubsub/nodes/pubsub");
  ASSERT_TRUE(reply.response);
  EXPECT_EQ(reply.response->topic, "$pubsub/reply/a");
  EXPECT_EQ(reply.response->payload, "{}");
  EXPECT_EQ(reply.response->envelope.publisher, 0U);
  const mqtt::Properties properties(*reply.response->envelope.properties);
  EXPECT_EQ(properties.bytes(Id::content_type), "application/json");
  EXPECT_EQ(properties.bytes(Id::correlation_data), "7");
  EXPECT_EQ(properties.bytes(Id::response_topic), std::nullopt);
}

TEST_F(ResponderTest, RefusesWhatNamesNoTopicForTheAnswer) {
  for (const char* to : {"", "$pubsub/reply", "$pubsub/reply/", "pubsub/json/node", "$SYS/x"}) {
    const auto reply = reply_to(request("$pubsub/nodes", "", to));
    EXPECT_EQ(reply.outcome, Outcome::refused) << to;
    EXPECT_EQ(reply.reason, mqtt::Reason::implementation_specific_error);
    EXPECT_NE(reply.reason_string.find("Response Topic"), std::string::npos);
    EXPECT_FALSE(reply.response);
  }
  EXPECT_EQ(service.inquiries, Words{});
  EXPECT_EQ(service.lines.size(), 1U) << "one line for a client and a reason";
}

TEST_F(ResponderTest, RefusesAnswersFromClientsAndWhatIsRetained) {
  EXPECT_EQ(reply_to(request("$pubsub/reply/a")).outcome, Outcome::refused);
  auto retained = request("$pubsub/nodes");
  std::get<PublishRequest>(retained).publication.envelope.retain = true;
  EXPECT_EQ(reply_to(std::move(retained)).outcome, Outcome::refused);
  EXPECT_EQ(service.inquiries, Words{});
}

TEST_F(ResponderTest, AWillIsNoRequest) {
  auto will = request("$pubsub/clients/close");
  std::get<PublishRequest>(will).ticket.will = true;
  EXPECT_EQ(reply_to(std::move(will)).reason, mqtt::Reason::topic_name_invalid);
  EXPECT_EQ(service.inquiries, Words{});
}

TEST_F(ResponderTest, AnswersInPiecesBetweenWhichOthersHaveTheirTurn) {
  open(2);
  service.pieces = 3;
  service.took = std::chrono::milliseconds(1);
  post(request("$pubsub/nodes"));
  EXPECT_TRUE(hub.step());
  post(AskToPublish{.session = 2, .topic = "pubsub/json/node", .payload = "1"});
  EXPECT_TRUE(hub.step());
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<PublishReply>().ticket.session, 2U);
  while (hub.step()) {
  }
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(last_of<PublishReply>().response);
  EXPECT_EQ(service.inquiries.size(), 3U);
}

TEST_F(ResponderTest, AnAnswerFitsIntoTheClientsPacket) {
  reply_to(request("$pubsub/nodes"));
  EXPECT_LT(service.most_bytes, 1000U);
  EXPECT_GT(service.most_bytes, 700U);
  auto small = request("$pubsub/nodes");
  std::get<PublishRequest>(small).max_packet_size = 20;
  reply_to(std::move(small));
  EXPECT_EQ(service.most_bytes, 0U);
  auto large = request("$pubsub/nodes");
  std::get<PublishRequest>(large).max_packet_size = 0xFFFFFFFF;
  reply_to(std::move(large));
  EXPECT_EQ(service.most_bytes, 256 * KiB);
}

TEST_F(ResponderTest, WhoHasGoneIsForgotten) {
  service.pieces = 100;
  post(request("$pubsub/nodes"));
  EXPECT_TRUE(hub.step());
  post(request("$pubsub/nodes"));
  ask(CloseSession{.session = 1});
  EXPECT_EQ(service.inquiries.size(), 1U);
  EXPECT_EQ(service.forgotten, (std::vector<SessionId>{1, 1}));
  const auto replies = take<PublishReply>();
  ASSERT_EQ(replies.size(), 2U) << "what they took of the backlog is given back";
  for (const auto& reply : replies) EXPECT_FALSE(reply.response);
}

TEST_F(ResponderTest, FiltersOfAnswersAreGrantedAndNoOthersBesideThem) {
  for (const char* filter : {"$pubsub/reply/#", "$pubsub/reply/a", "$pubsub/reply/+/b"})
    EXPECT_EQ(subscribe(1, filter), mqtt::Reason::granted_qos_0) << filter;
  for (const char* filter : {"$pubsub/#", "$pubsub/reply", "$pubsub/reply/", "$pubsub/+/a", "$pubsub/nodes",
                             "$pubsub", "$share/group/$pubsub/reply/#"}) {
    EXPECT_EQ(subscribe(1, filter), mqtt::Reason::unspecified_error) << filter;
  }
}

TEST_F(ResponderTest, NamesOfNodesComeInPiecesInTheirOrder) {
  create("a");
  auto piece = hub.node_names("pubsub", "", 2);
  EXPECT_EQ(piece.names, (Words{"a", "node"}));
  ASSERT_TRUE(piece.next);
  piece = hub.node_names("pubsub", *piece.next, 2);
  EXPECT_EQ(piece.names, (Words{"other", "secret"}));
  if (piece.next) piece = hub.node_names("pubsub", *piece.next, 2);
  EXPECT_FALSE(piece.next);
  EXPECT_EQ(hub.node_names("elsewhere", "", 2).names, Words{});
  ask(AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/b"}}});
  EXPECT_EQ(hub.node_names("pubsub", "a", 1).names, Words{"node"}) << "b does not exist";
  EXPECT_TRUE(hub.sees_node("pubsub", "a"));
  EXPECT_FALSE(hub.sees_node("pubsub", "b"));
  EXPECT_FALSE(hub.sees_node("elsewhere", "a"));
}

}  // namespace
}  // namespace pubsub_mqtt::hub
