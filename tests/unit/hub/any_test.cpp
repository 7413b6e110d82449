// The TYPEs `any` and `binary` on a node: what goes out, live and retained (docs/mapping.md, "TYPE").
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub_fixture.h"
#include "pubsub_mqtt/mqtt/properties.h"

namespace pubsub_mqtt::hub {
namespace {

using Payloads = std::array<std::optional<std::string>, topic::form_count>;

const std::string some_bytes("\xFF\0\xD8", 3);

std::shared_ptr<const std::string> content_type(std::string_view value) {
  std::string encoded;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::content_type, .value = value}, encoded);
  return std::make_shared<const std::string>(std::move(encoded));
}

class AnyTest : public HubTest {
 protected:
  void subscribe_to_all() {
    for (const char* type : {"json", "utf8", "atom_title", "xml", "binary", "any"}) {
      subscribe(1, std::string("pubsub/") + type + "/node");
    }
    deliveries.clear();
  }

  static AskToPublish to(const std::string& type, const std::string& payload, bool retain = false) {
    return {.session = 1, .topic = "pubsub/" + type + "/node", .payload = payload, .retain = retain};
  }

  ItemPublished publish_as(const std::string& type, const std::string& payload, bool retain = false,
                           std::shared_ptr<const std::string> properties = nullptr) {
    ask(prepared(to(type, payload, retain), std::move(properties)));
    EXPECT_EQ(last_of<PublishReply>().outcome, Outcome::accepted);
    const auto items = take<ItemPublished>();  // none where nobody listens
    return items.empty() ? ItemPublished() : items.back();
  }

  ItemPublished publish_from_xmpp(std::string_view payload, std::string_view id = "1") {
    hub.item_published("pubsub", "node", id, element(payload).document_element());
    hub.take_deliveries(deliveries);
    const auto items = take<ItemPublished>();
    return items.empty() ? ItemPublished() : items.back();
  }

  // What brings a SUBSCRIBE.
  std::vector<RetainedMessages::Message> retained_as(const std::string& type) {
    subscribe(1, "pubsub/" + type + "/node");
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
  static bool has(const Envelope& envelope, std::string_view property) {
    return text(envelope).find(property) != std::string::npos;
  }
};

TEST_F(AnyTest, AnObjectIsJson) {
  subscribe_to_all();
  const auto item = publish_as("any", "{\"a\":\r1}");
  EXPECT_EQ(service.published.back(), "node <json xmlns='urn:xmpp:json:0'>{&quot;a&quot;:&#13;1}</json>");
  EXPECT_EQ(item.natural_type, topic::Type::json);
  Payloads payloads;
  payloads[any] = payloads[json] = "{\"a\":\r1}";
  payloads[xml] = "<json xmlns='urn:xmpp:json:0'>{&quot;a&quot;:&#13;1}</json>";
  EXPECT_EQ(item.payloads, payloads);
}

TEST_F(AnyTest, AScalarIsText) {
  subscribe_to_all();
  const auto item = publish_as("any", "21.5");
  EXPECT_EQ(item.natural_type, topic::Type::utf8);
  Payloads payloads;
  payloads[any] = payloads[utf8] = "21.5";
  payloads[xml] = "<data xmlns='https://prosody.im/protocol/mqtt'>21.5</data>";
  EXPECT_EQ(item.payloads, payloads);
}

TEST_F(AnyTest, BytesAreBinary) {
  for (const std::string type : {"any", "binary"}) {
    subscribe_to_all();
    const auto item = publish_as(type, some_bytes);
    const std::string data =
        "<data xmlns='urn:xmpp:bob' cid='sha1+cb9e212ebec8e46bc057c9f3712f54eca9f1978d@bob.xmpp.org' "
        "type='application/octet-stream'>/wDY</data>";
    EXPECT_EQ(service.published.back(), "node " + data);
    EXPECT_EQ(item.natural_type, topic::Type::binary);
    Payloads payloads;
    payloads[any] = payloads[binary] = some_bytes;
    payloads[xml] = data;
    EXPECT_EQ(item.payloads, payloads);
  }
}

// Text may be published as bytes.
TEST_F(AnyTest, WhatIsPublishedAsBinaryIsBinary) {
  subscribe_to_all();
  const auto item = publish_as("binary", "{}");
  EXPECT_EQ(item.natural_type, topic::Type::binary);
  EXPECT_EQ(item.payloads[binary], "{}");
  EXPECT_EQ(item.payloads[json], std::nullopt);
}

TEST_F(AnyTest, IsTheNaturalFormOfWhatIsPublishedAsAnother) {
  subscribe_to_all();
  EXPECT_EQ(publish_as("json", " 1 ").payloads[any], " 1 ");
  EXPECT_EQ(publish_as("utf8", "{}").payloads[any], "{}");
  EXPECT_EQ(publish_as("atom_title", "title").payloads[any], "title");
  EXPECT_EQ(publish_as("xml", "<a xmlns = 'b'/>").payloads[any], "<a xmlns = 'b'/>");
  const auto item = publish_as("xml", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_EQ(item.natural_type, topic::Type::json);
  EXPECT_EQ(item.payloads[any], "1");
  EXPECT_EQ(publish_as("xml", "<data xmlns='urn:xmpp:bob'>/w==</data>").payloads[any], "\xFF");
}

TEST_F(AnyTest, AWildcardSelectsItNever) {
  subscribe(1, "pubsub/+/node");
  for (const std::string payload : {"{}", "1", "\xFF"}) {
    const auto item = publish_as("any", payload);
    EXPECT_EQ(item.payloads[any], std::nullopt);
    EXPECT_EQ(item.payloads[static_cast<std::size_t>(item.natural_type)], payload);
  }
}

TEST_F(AnyTest, AnItemFromXmppIsWhatItNaturallyIs) {
  subscribe_to_all();
  EXPECT_EQ(publish_from_xmpp("<json xmlns='urn:xmpp:json:0'>1</json>").payloads[any], "1");
  EXPECT_EQ(publish_from_xmpp("<a xmlns='b'/>").payloads[any], "<a xmlns='b'/>");
  const auto item = publish_from_xmpp("<data xmlns='urn:xmpp:bob' type='image/png'>/wDY</data>");
  EXPECT_EQ(item.natural_type, topic::Type::binary);
  EXPECT_EQ(item.payloads[any], some_bytes);
  EXPECT_EQ(item.payloads[binary], some_bytes);
}

// Never an empty message.
TEST_F(AnyTest, DataFromXmppWithoutContentIsNotBinary) {
  subscribe_to_all();
  for (const std::string_view data :
       {"<data xmlns='urn:xmpp:bob' cid='sha1+1@bob.xmpp.org' type='image/png'/>",
        "<data xmlns='urn:xmpp:bob'>AQ=</data>"}) {
    const auto item = publish_from_xmpp(data);
    EXPECT_EQ(item.natural_type, topic::Type::xml);
    EXPECT_EQ(item.payloads[binary], std::nullopt);
    EXPECT_EQ(item.payloads[any], data);
    EXPECT_EQ(item.payloads[xml], data);
  }
}

TEST_F(AnyTest, IsRetainedToTheByte) {
  for (const std::string& payload : {std::string("{\"a\":\r\n1}"), std::string("\r\n"), some_bytes}) {
    publish_as("any", payload, true);
    ASSERT_EQ(retained_as("any").size(), 1U);
    EXPECT_EQ(retained_as("any")[0].payload, payload);
    EXPECT_FALSE(retained_as("any")[0].is_natural);
    ASSERT_EQ(retained_as("+").size(), 1U);
    EXPECT_EQ(retained_as("+")[0].payload, payload);
    EXPECT_TRUE(retained_as("+")[0].is_natural);
  }
  EXPECT_EQ(retained_as("binary").at(0).payload, some_bytes);
  EXPECT_TRUE(retained_as("json").empty());
  EXPECT_EQ(retained_as("+").at(0).form, topic::Type::binary);
}

TEST_F(AnyTest, ARetainedOneOfAnotherTypeIsInItsNaturalForm) {
  publish_as("json", " 1 ", true);
  EXPECT_EQ(retained_as("any").at(0).payload, " 1 ");
  publish_as("xml", "<json xmlns='urn:xmpp:json:0'>2</json>", true);
  EXPECT_EQ(retained_as("any").at(0).payload, "2");
  publish_from_xmpp("<data xmlns='urn:xmpp:bob'>/wDY</data>", "current");
  EXPECT_EQ(retained_as("any").at(0).payload, some_bytes);
  EXPECT_EQ(retained_as("binary").at(0).payload, some_bytes);
  service.last_items["other"] = "<data xmlns='urn:xmpp:bob'>/wDY</data>";
  for (const std::string type : {"any", "binary", "+"}) {
    EXPECT_EQ(retained("pubsub/" + type + "/other"), std::vector{some_bytes});
  }
}

TEST_F(AnyTest, ALargeOneIsWholeToMqttAndWithoutContentToPubsub) {
  subscribe_to_all();
  const std::string large_json = "[\"" + std::string(300000, 'x') + "\"]";
  const std::string large_bytes(300000, '\xFF');
  auto item = publish_as("any", large_json, true);
  EXPECT_TRUE(service.published.back().ends_with("@bob.xmpp.org' type='application/json'/>"));
  EXPECT_EQ(item.natural_type, topic::Type::json);
  EXPECT_EQ(item.payloads[any], large_json);
  EXPECT_EQ(item.payloads[json], large_json);
  EXPECT_EQ(retained_as("any").at(0).payload, large_json);
  EXPECT_EQ(retained_as("+").at(0).form, topic::Type::json);
  item = publish_as("any", large_bytes, true, content_type("image/png"));
  EXPECT_TRUE(service.published.back().ends_with("@bob.xmpp.org' type='image/png'/>"));
  EXPECT_EQ(item.natural_type, topic::Type::binary);
  EXPECT_EQ(item.payloads[any], large_bytes);
  EXPECT_EQ(item.payloads[binary], large_bytes);
  ASSERT_TRUE(item.payloads[xml].has_value());
  EXPECT_NE(item.payloads[xml]->find("type='image/png'>////"), std::string::npos);
  EXPECT_EQ(retained_as("binary").at(0).payload, large_bytes);
  EXPECT_EQ(retained_as("xml").at(0).payload, *item.payloads[xml]);
}

// The natural topic, that of the clear, and those that every item is on.
TEST_F(AnyTest, AClearReachesEveryTopicThatTheNodeHad) {
  const auto cleared = [&](const std::string& type) {
    std::string types;
    const auto item = publish_as(type, "", true);
    EXPECT_TRUE(item.envelope.retain);
    for (std::size_t i = 0; i < topic::type_count; ++i) {
      if (item.payloads[i]) types += std::string(topic::name(static_cast<topic::Type>(i))) + ' ';
    }
    return types + "natural " + std::string(topic::name(item.natural_type));
  };
  subscribe_to_all();
  publish_as("any", "[]", true);
  EXPECT_EQ(cleared("any"), "json xml any natural json");
  publish_as("any", some_bytes, true);
  EXPECT_EQ(cleared("utf8"), "utf8 xml binary any natural binary");
  publish_as("utf8", "1", true);
  EXPECT_EQ(cleared("binary"), "utf8 xml binary any natural utf8");
  // Nothing was retained: an empty text.
  EXPECT_EQ(cleared("any"), "utf8 xml any natural utf8");
}

TEST_F(AnyTest, WhatXmppRetractsIsAClearOnEveryTopic) {
  subscribe_to_all();
  publish_from_xmpp("<data xmlns='urn:xmpp:bob'>/wDY</data>", "current");
  hub.item_retracted("pubsub", "node", "current");
  hub.take_deliveries(deliveries);
  const auto item = last_of<ItemPublished>();
  EXPECT_TRUE(item.envelope.retain);
  for (const auto type : {any, binary, xml}) EXPECT_EQ(item.payloads[type], "");
  EXPECT_EQ(item.payloads[utf8], std::nullopt);
}

TEST_F(AnyTest, TheContentTypeIsTheTypeOfTheData) {
  subscribe_to_all();
  const auto image = content_type("image/jpeg");
  for (const std::string type : {"any", "binary"}) {
    const auto item = publish_as(type, some_bytes, true, image);
    EXPECT_NE(service.published.back().find("type='image/jpeg'"), std::string::npos);
    EXPECT_EQ(text(item.envelope), *image);
    EXPECT_EQ(item.published_as, topic::Type::binary);
    EXPECT_EQ(text(retained_as("any").at(0).envelope), *image);
    EXPECT_EQ(text(retained_as("binary").at(0).envelope), *image);
    EXPECT_EQ(text(retained_as("xml").at(0).envelope), "");
  }
  publish_as("binary", some_bytes, false, content_type("no media type"));
  EXPECT_NE(service.published.back().find("type='application/octet-stream'"), std::string::npos);
}

TEST_F(AnyTest, TheTypeOfDataFromXmppIsTheContentType) {
  subscribe_to_all();
  const std::string image = *content_type("image/jpeg");
  constexpr std::string_view data = "<data xmlns='urn:xmpp:bob' type='image/jpeg'>/wDY</data>";
  const auto item = publish_from_xmpp(data, "current");
  EXPECT_TRUE(has(item.envelope, image));
  EXPECT_EQ(item.published_as, topic::Type::binary);
  EXPECT_TRUE(has(retained_as("any").at(0).envelope, image));
  EXPECT_FALSE(has(retained_as("xml").at(0).envelope, image));
  service.last_items["other"] = data;
  subscribe(1, "pubsub/any/other");
  EXPECT_TRUE(has(last_of<RetainedMessages>().messages.at(0).envelope, image));
  ask(RetainedRequest{.session = 1});
  subscribe(1, "pubsub/xml/other");
  EXPECT_FALSE(has(last_of<RetainedMessages>().messages.at(0).envelope, image));
}

TEST_F(AnyTest, APropertyOfWhatIsPublishedAsAnyIsOfItsNaturalForm) {
  const auto of_json = content_type("application/json");
  publish_as("any", "{}", true, of_json);
  EXPECT_EQ(text(retained_as("json").at(0).envelope), *of_json);
  EXPECT_EQ(text(retained_as("any").at(0).envelope), *of_json);
  EXPECT_EQ(text(retained_as("xml").at(0).envelope), "");
}

// To a node that would refuse text.
TEST_F(AnyTest, AWillIsNotWarnedOf) {
  for (const std::string type : {"any", "binary"}) {
    ask(AnnounceWill{.session = 1, .will = {.topic = "pubsub/" + type + "/node", .payload = some_bytes}});
  }
  EXPECT_TRUE(service.lines.empty());
  ask(AnnounceWill{.session = 1, .will = {.topic = "pubsub/utf8/node", .payload = some_bytes}});
  EXPECT_EQ(service.lines.size(), 1U);
}

TEST_F(AnyTest, ABinaryOneIsRestored) {
  const std::string data =
      "<data xmlns='urn:xmpp:bob' cid='sha1+1@bob.xmpp.org' type='image/png'>/wDY</data>";
  const auto copy = restored(topic::Type::binary, some_bytes, data, mqtt::QoS::at_most_once, false);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->natural_type, topic::Type::binary);
  EXPECT_EQ(copy->view(topic::Type::any), some_bytes);
  EXPECT_EQ(copy->view(topic::Type::xml), data);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
