// The TYPE level of a topic, end to end (docs/mapping.md, section 2).
#include <gtest/gtest.h>

#include "mqtt_client.h"
#include "raw_mqtt.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using namespace std::string_literals;

class PayloadTypes : public RunningProsody {
 protected:
  void SetUp() override {
    RunningProsody::SetUp();
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
    admin->create("node", {{"access_model", "open"}});
    admin->subscribe("node");
    mqtt.emplace(prosody.mqtt_port());
    for (const char* type : {"json", "utf8", "atom_title", "xml"}) {
      ASSERT_EQ(mqtt->subscribe("pubsub.localhost/"s + type + "/node"), 0);
    }
  }

  // The next message on the topic of a TYPE; those of other TYPEs are passed over.
  std::string next_of(const std::string& type) {
    while (true) {
      const Message message = mqtt->next_message();
      if (message.topic == "pubsub.localhost/" + type + "/node") return message.payload;
    }
  }

  // The payload element that an XMPP subscriber gets.
  pugi::xml_document next_element() {
    pugi::xml_document document;
    const std::string payload = admin->next_event().payload;
    document.load_buffer(payload.data(), payload.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
    return document;
  }

  std::optional<XmppClient> admin;
  std::optional<MqttClient> mqtt;
};

TEST_F(PayloadTypes, JsonIsCarriedByteForByte) {
  for (const std::string json :
       {"{\"a\" : [ 1,\r\n\t2.50 ] }", "\"\xF0\x9F\x8C\xA1 & <b>\"", "true", " null "}) {
    mqtt->publish("pubsub.localhost/json/node", json);
    EXPECT_EQ(next_of("json"), json);
  }
}

TEST_F(PayloadTypes, JsonIsAJsonContainerToXmpp) {
  mqtt->publish("pubsub.localhost/json/node", R"({"a": "<&>"})");
  const pugi::xml_document payload = next_element();
  const pugi::xml_node json = payload.child("json");
  EXPECT_STREQ(json.attribute("xmlns").value(), "urn:xmpp:json:0");
  EXPECT_STREQ(json.text().get(), R"({"a": "<&>"})");
}

TEST_F(PayloadTypes, TextIsCarriedByteForByte) {
  for (const std::string text :
       {"hello", "", " two\nlines ", "\xC3\xBC\xF0\x9F\x98\x80", "a\r\nb", "<&>\"'"}) {
    mqtt->publish("pubsub.localhost/utf8/node", text);
    EXPECT_EQ(next_of("utf8"), text);
  }
}

TEST_F(PayloadTypes, TextIsADataElementToXmpp) {
  mqtt->publish("pubsub.localhost/utf8/node",
                "21.5 \xC2\xB0"
                "C");
  const pugi::xml_document payload = next_element();
  EXPECT_STREQ(payload.child("data").attribute("xmlns").value(), "https://prosody.im/protocol/mqtt");
  EXPECT_STREQ(payload.child("data").text().get(),
               "21.5 \xC2\xB0"
               "C");
}

TEST_F(PayloadTypes, ATitleIsCarriedByteForByte) {
  for (const std::string title : {"Hello & <welcome>", ""}) {
    mqtt->publish("pubsub.localhost/atom_title/node", title);
    EXPECT_EQ(next_of("atom_title"), title);
  }
}

TEST_F(PayloadTypes, ATitleIsACompleteAtomEntryToXmpp) {
  mqtt->publish("pubsub.localhost/atom_title/node", "Hello & <welcome>");
  const pugi::xml_document payload = next_element();
  const pugi::xml_node entry = payload.child("entry");
  EXPECT_STREQ(entry.attribute("xmlns").value(), "http://www.w3.org/2005/Atom");
  EXPECT_STREQ(entry.child("title").text().get(), "Hello & <welcome>");
  EXPECT_STRNE(entry.child("id").text().get(), "");
  EXPECT_STRNE(entry.child("updated").text().get(), "");
  EXPECT_STRNE(entry.child("author").child("name").text().get(), "");
}

TEST_F(PayloadTypes, XmlIsThePayloadElementItself) {
  const std::string xml = "<a xmlns='urn:example:a' b=\"1\">text<c>\xC3\xBC</c></a>";
  mqtt->publish("pubsub.localhost/xml/node", xml);
  EXPECT_EQ(next_of("xml"), xml);
  const pugi::xml_document payload = next_element();
  EXPECT_STREQ(payload.child("a").attribute("xmlns").value(), "urn:example:a");
  EXPECT_STREQ(payload.child("a").attribute("b").value(), "1");
  EXPECT_STREQ(payload.child("a").child("c").text().get(), "\xC3\xBC");
}

TEST_F(PayloadTypes, AnItemFromXmppReachesSubscribersOfItsType) {
  admin->publish("node", "1", "<json xmlns='urn:xmpp:json:0'>{\"t\": 1}</json>");
  EXPECT_EQ(next_of("json"), "{\"t\": 1}");
  admin->publish("node", "2", "<data xmlns='https://prosody.im/protocol/mqtt'>a &lt; b</data>");
  EXPECT_EQ(next_of("utf8"), "a < b");
  admin->publish("node", "3", "<data xmlns='https://prosody.im/protocol/data'>old name</data>");
  EXPECT_EQ(next_of("utf8"), "old name");
  admin->publish("node", "4",
                 "<entry xmlns='http://www.w3.org/2005/Atom'><title>Breaking news</title><id>urn:x:1</id>"
                 "<updated>2026-01-01T00:00:00Z</updated><author><name>juliet</name></author></entry>");
  EXPECT_EQ(next_of("atom_title"), "Breaking news");
}

TEST_F(PayloadTypes, TheTypeXmlSelectsEveryItem) {
  admin->publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_NE(next_of("xml").find("urn:xmpp:json:0"), std::string::npos);
  mqtt->publish("pubsub.localhost/utf8/node", "text");
  EXPECT_NE(next_of("xml").find("https://prosody.im/protocol/mqtt"), std::string::npos);
  admin->publish("node", "2", "<mood xmlns='http://jabber.org/protocol/mood'><happy/></mood>");
  EXPECT_NE(next_of("xml").find("<happy"), std::string::npos);
}

TEST_F(PayloadTypes, AnItemOfAnotherTypeIsSkipped) {
  MqttClient subscriber(prosody.mqtt_port());
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), 0);
  mqtt->publish("pubsub.localhost/utf8/node", "text");
  mqtt->publish("pubsub.localhost/atom_title/node", "title");
  mqtt->publish("pubsub.localhost/xml/node", "<a xmlns='b'/>");
  admin->publish("node", "1", "<a xmlns='c'/>");
  admin->publish("node", "2", "<json xmlns='urn:xmpp:json:0'>2</json>");
  EXPECT_EQ(subscriber.next_message().payload, "2");
}

struct BadPayload {
  const char* name;
  std::string type;
  std::string payload;
};

void PrintTo(const BadPayload& bad, std::ostream* out) { *out << bad.name; }

class BadPayloads : public RunningProsody, public testing::WithParamInterface<BadPayload> {};

TEST_P(BadPayloads, AreRefusedWithALogLineAndHarmNobody) {
  const auto& [name, type, payload] = GetParam();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  admin.subscribe("node");
  RawMqtt client = connected(prosody.mqtt_port(), "sender");
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  client.send(mqtt::Publish{.topic = "pubsub.localhost/" + type + "/node", .payload = payload});
  prosody.log().wait_for("sender.*refused");

  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "1");
  EXPECT_NE(admin.next_event().payload.find("urn:xmpp:json:0"), std::string::npos);
  admin.ping("localhost");
}

INSTANTIATE_TEST_SUITE_P(
    , BadPayloads,
    testing::Values(BadPayload{"NoJson", "json", "{\"t\":"}, BadPayload{"TwoJsonValues", "json", "1 2"},
                    BadPayload{"EmptyJson", "json", ""}, BadPayload{"JsonInLatin1", "json", "\"\xFC\""},
                    BadPayload{"JsonWithTextThatXmlCannotCarry", "json", "\"\xEF\xBF\xBE\""},
                    BadPayload{"DeepJson", "json", std::string(200000, '[')},
                    BadPayload{"NoUtf8", "utf8", "\xFC"}, BadPayload{"NulCharacter", "utf8", "a\0b"s},
                    BadPayload{"ControlCharacter", "utf8", "\x14"},
                    BadPayload{"NonCharacter", "utf8", "\xEF\xBF\xBE"},
                    BadPayload{"ControlCharacterInTitle", "atom_title", "\x14"},
                    BadPayload{"NoXml", "xml", "hello"}, BadPayload{"UnclosedXml", "xml", "<a xmlns='b'>"},
                    BadPayload{"TwoElements", "xml", "<a xmlns='b'/><a xmlns='b'/>"},
                    BadPayload{"NoNamespace", "xml", "<a/>"}, BadPayload{"EmptyXml", "xml", ""},
                    BadPayload{"Doctype", "xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns='b'>&b;</a>"},
                    BadPayload{"ProcessingInstruction", "xml", "<?a b?><a xmlns='b'/>"},
                    BadPayload{"UnboundPrefix", "xml", "<x:a xmlns='b'/>"},
                    BadPayload{"CharacterReferenceThatXmlForbids", "xml", "<a xmlns='b'>&#x14;</a>"}),
    [](const auto& parameter) { return parameter.param.name; });

// zigbee2mqtt's bridge/definitions is as large.
TEST_F(PayloadTypes, ALargePayloadIsWholeToMqttAndWithoutContentToXmpp) {
  const std::string large = "[\"" + std::string(300000, 'x') + "\"]";
  RawMqtt sender = connected(prosody.mqtt_port(), "sender");
  sender.send(mqtt::Publish{.topic = "pubsub.localhost/json/node",
                            .payload = large,
                            .qos = mqtt::QoS::at_least_once,
                            .retain = true,
                            .packet_identifier = 1});
  EXPECT_EQ(sender.read_packet<mqtt::Puback>().packet_identifier, 1);
  EXPECT_EQ(next_of("json"), large);
  const pugi::xml_document payload = next_element();
  const pugi::xml_node data = payload.child("data");
  EXPECT_STREQ(data.attribute("xmlns").value(), "urn:xmpp:bob");
  EXPECT_TRUE(std::string(data.attribute("cid").value()).starts_with("sha1+"));
  EXPECT_STREQ(data.attribute("type").value(), "application/json");
  EXPECT_FALSE(data.first_child());
  RawMqtt later = connected(prosody.mqtt_port(), "later");
  ASSERT_EQ(later.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  EXPECT_EQ(later.read_packet<mqtt::Publish>().payload, large);
}

TEST(ItemSize, IsASetting) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_item_size = 5000"});
  RawMqtt client = connected(prosody.mqtt_port(), "sender");
  ASSERT_EQ(client.subscribe("pubsub.localhost/xml/node"), mqtt::Reason::granted_qos_0);
  for (const std::size_t size : {5001UL, 3000UL}) {
    const std::string element = "<a xmlns='b'>" + std::string(size, 'x') + "</a>";
    client.send(mqtt::Publish{.topic = "pubsub.localhost/xml/node", .payload = element});
    EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, element);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
