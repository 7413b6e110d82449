// What the network thread makes of a payload before pubsub is asked (docs/architecture.md).
#include <gtest/gtest.h>

#include <string>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

class PreparedItemTest : public ::testing::Test {
 protected:
  PreparedItemTest() { client.connect("device"); }

  PublishRequest requested(std::string_view topic, std::string_view payload) {
    client.send(mqtt::Publish{.topic = topic, .payload = payload});
    return server.requested<PublishRequest>().back();
  }

  Server server;
  Client client{server};
};

TEST_F(PreparedItemTest, BytesAreEncoded) {
  for (const std::string_view topic : {"h/binary/n", "h/any/n"}) {
    const auto prepared = requested(topic, "\xFF").prepared;
    EXPECT_EQ(prepared.type, topic::Type::binary);
    EXPECT_EQ(prepared.base64, "/w==");
    EXPECT_EQ(prepared.content_id, "sha1+85e53271e14006f0265921d02d4d736cdc580b0b@bob.xmpp.org");
    EXPECT_EQ(prepared.media_type, "application/octet-stream");
  }
}

TEST_F(PreparedItemTest, TextIsNot) {
  EXPECT_EQ(requested("h/any/n", "{}").prepared.type, topic::Type::json);
  EXPECT_EQ(requested("h/any/n", "1").prepared.base64, std::nullopt);
  EXPECT_EQ(requested("h/utf8/n", "1").prepared.content_id, "");
}

TEST_F(PreparedItemTest, TheContentTypeIsTheMediaType) {
  Client of_5(server);
  of_5.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5, .client_identifier = "5"});
  std::string properties;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::content_type, .value = std::string_view("image/png")},
               properties);
  of_5.send(mqtt::Publish{.topic = "h/any/n", .payload = "\xFF", .properties = mqtt::Properties(properties)});
  EXPECT_EQ(server.requested<PublishRequest>().back().prepared.media_type, "image/png");
}

TEST_F(PreparedItemTest, CountsTowardsWhatIsUnderWay) {
  const std::string bytes(3000, '\xFF');
  EXPECT_EQ(requested("h/binary/n", bytes).ticket.bytes, std::string_view("h/binary/n").size() + 3000 + 4000);
}

TEST_F(PreparedItemTest, AWillIsPreparedWhenItIsPublished) {
  Client mortal(server);
  mortal.send(mqtt::Connect{.client_identifier = "mortal",
                            .will = mqtt::Publish{.topic = "h/binary/n", .payload = "\xFF"}});
  mortal.lose();
  const auto request = server.requested<PublishRequest>().back();
  EXPECT_TRUE(request.ticket.will);
  EXPECT_EQ(request.prepared.base64, "/w==");
  EXPECT_EQ(request.ticket.bytes, std::string_view("h/binary/n").size() + 1 + 4);
}

}  // namespace
}  // namespace pubsub_mqtt::session
