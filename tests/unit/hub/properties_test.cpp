// Properties of MQTT 5.0 on their way through pubsub (docs/mapping.md, "MQTT 5.0").
#include "pubsub_mqtt/mqtt/properties.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using Id = mqtt::PropertyIdentifier;
using mqtt::UserProperty;

class PropertiesTest : public HubTest {
 protected:
  static std::string user_property(std::string_view name, std::string_view value) {
    std::string encoded;
    mqtt::append({.identifier = Id::user_property, .value = UserProperty{.name = name, .value = value}},
                 encoded);
    return encoded;
  }

  // Of a payload in JSON, with a User Property.
  static std::string of_json() {
    std::string encoded;
    mqtt::append({.identifier = Id::payload_format_indicator, .value = std::uint32_t{1}}, encoded);
    mqtt::append({.identifier = Id::content_type, .value = std::string_view("application/json")}, encoded);
    return encoded + user_property("unit", "°C");
  }

  void publish_with(const std::string& properties, const std::string& payload, bool retain) {
    Request request =
        AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = payload, .retain = retain};
    auto& envelope = std::get<PublishRequest>(request).publication.envelope;
    envelope.properties = std::make_shared<const std::string>(properties);
    envelope.expires_at = std::chrono::seconds(100);
    ask(std::move(request));
  }

  std::vector<RetainedMessages::Message> retained_for(const std::string& filter) {
    subscribe(1, filter);
    std::vector<RetainedMessages::Message> all;
    for (const auto& batch : take<RetainedMessages>()) {
      all.insert(all.end(), batch.messages.begin(), batch.messages.end());
    }
    ask(RetainedRequest{.session = 1});
    return all;
  }

  static std::string text(const Envelope& envelope) {
    return envelope.properties == nullptr ? "" : *envelope.properties;
  }

  pugi::xml_document json_item = element("<json xmlns='urn:xmpp:json:0'>1</json>");
};

TEST_F(PropertiesTest, MoreThan64KiBAreRefusedForGood) {
  publish_with(std::string(max_properties_size, 'x'), "1", false);
  EXPECT_EQ(last_of<PublishReply>().outcome, Outcome::accepted);
  publish_with(std::string(max_properties_size + 1, 'x'), "1", false);
  const auto reply = last_of<PublishReply>();
  EXPECT_EQ(reply.outcome, Outcome::refused);
  EXPECT_EQ(reply.reason, mqtt::Reason::quota_exceeded);
  EXPECT_NE(reply.reason_string.find("65536"), std::string::npos);
  EXPECT_EQ(service.published.size(), 1U);
}

// A step of Prosody's thread does not gather more of them than of payloads.
TEST_F(PropertiesTest, OfRetainedMessagesAreWork) {
  const std::string properties = user_property("name", std::string(40000, 'x'));
  for (const char* node : {"a", "b", "c", "d"}) {
    create(node);
    Request request = AskToPublish{
        .session = 1, .topic = std::string("pubsub/json/") + node, .payload = "1", .retain = true};
    std::get<PublishRequest>(request).publication.envelope.properties =
        std::make_shared<const std::string>(properties);
    ask(std::move(request));
  }
  EXPECT_EQ(retained_for("pubsub/json/+").size(), 1U);
}

TEST_F(PropertiesTest, TravelWithAPublishThroughPubsub) {  // [MQTT5-3.3.2-17], [MQTT5-3.3.2-18]
  subscribe(1, "pubsub/json/node");
  publish_with(of_json(), "1", false);
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(text(item.envelope), of_json());
  EXPECT_EQ(item.envelope.expires_at, std::chrono::seconds(100));
  EXPECT_EQ(item.published_as, topic::Type::json);
}

TEST_F(PropertiesTest, OfAClearTravelWithItsEmptyMessage) {
  subscribe(1, "pubsub/json/node");
  publish_with(of_json(), "", true);
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(text(item.envelope), of_json());
  EXPECT_EQ(item.published_as, topic::Type::json);
}

TEST_F(PropertiesTest, AreRetainedWithTheMessage) {
  publish_with(of_json(), "1", true);
  const auto messages = retained_for("pubsub/json/node");
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(text(messages[0].envelope), of_json());
  EXPECT_EQ(messages[0].envelope.expires_at, std::chrono::seconds(100));
  EXPECT_EQ(text(retained_for("pubsub/+/node").at(0).envelope), of_json());
}

TEST_F(PropertiesTest, OfThePayloadsFormAreLeftOutInAnotherForm) {
  publish_with(of_json(), "1", true);
  const auto messages = retained_for("pubsub/xml/node");
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(text(messages[0].envelope), user_property("unit", "°C"));
}

TEST_F(PropertiesTest, AnItemFromXmppHasItsId) {
  subscribe(1, "pubsub/json/node");
  hub.item_published("pubsub", "node", "42", json_item.document_element());
  hub.take_deliveries(deliveries);
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(text(item.envelope), user_property("id", "42"));
  EXPECT_EQ(item.published_as, std::nullopt);
}

TEST_F(PropertiesTest, AnItemFromXmppHasItsPublisherWhereThatIsShown) {
  subscribe(1, "pubsub/json/node");
  hub.item_published("pubsub", "node", "current", json_item.document_element(), "juliet@capulet.lit");
  hub.take_deliveries(deliveries);
  const auto both = user_property("id", "current") + user_property("publisher", "juliet@capulet.lit");
  EXPECT_EQ(text(last_of<ItemPublished>().envelope), both);
  EXPECT_EQ(text(retained_for("pubsub/json/node").at(0).envelope), both);
  EXPECT_EQ(text(retained_for("pubsub/xml/node").at(0).envelope), both);
  hub.restore_current("pubsub", "other", json_item.document_element(), "juliet@capulet.lit");
  EXPECT_EQ(text(retained_for("pubsub/json/other").at(0).envelope), both);
}

TEST_F(PropertiesTest, AnIdThatIsNoStringOfMqttIsLeftOut) {  // MQTT 5.0, 1.5.4
  subscribe(1, "pubsub/json/node");
  for (const std::string& id : {std::string(65536, 'x'), std::string("\xFF"), std::string()}) {
    hub.item_published("pubsub", "node", id, json_item.document_element());
    hub.take_deliveries(deliveries);
    EXPECT_EQ(last_of<ItemPublished>().envelope.properties, nullptr);
  }
}

TEST_F(PropertiesTest, TheNewestItemInPlaceOfARetainedMessageHasThemToo) {
  service.last_items["node"] = "<json xmlns='urn:xmpp:json:0'>7</json>";
  EXPECT_EQ(text(retained_for("pubsub/json/node").at(0).envelope), user_property("id", "last"));
  service.exposes = true;
  EXPECT_EQ(text(retained_for("pubsub/json/node").at(0).envelope),
            user_property("id", "last") + user_property("publisher", "juliet@capulet.lit"));
}

}  // namespace
}  // namespace pubsub_mqtt::hub
