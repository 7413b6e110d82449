// The TYPEs `binary` and `any`, end to end: bytes that are no text, for devices and for XMPP (docs/mapping.md, "TYPE").
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "mosquitto_comparison.h"
#include "mqtt_client.h"
#include "raw_mqtt_5.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using namespace std::string_literals;
using enum mqtt::QoS;

const std::string of_any = "pubsub.localhost/any/node";
const std::string of_binary = "pubsub.localhost/binary/node";

// What the first bytes of such payloads look like.
const std::string jpeg = "\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\xFF\xD9"s;
const std::string sparkplug = "\b\x9A\xC3\xD4\xF0\x93\x2E\x12\x0E\n\x04temp \nm\0\0\xACu"s;
const std::string collectd = "1795350896.123:0.15:21.5\0"s;

// As `base64` and `sha1sum` say.
constexpr std::string_view jpeg_in_base64 = "/9j/4AAQSkZJRgAB/9k=";

class Binary : public RunningProsody {
 protected:
  void SetUp() override {
    RunningProsody::SetUp();
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
    admin->create("node", {{"access_model", "open"}, {"persist_items", "true"}});
    admin->subscribe("node");
    reader.emplace(prosody.mqtt_port());
  }

  std::string next_payload() { return reader->next_message().payload; }

  // What somebody gets who subscribes now.
  std::vector<Message> retained(const std::string& filter) const {
    RawMqtt client = connected(prosody.mqtt_port(), "");
    client.subscribe(filter, exactly_once);
    return messages_so_far(client);
  }

  void restart() {
    admin.reset();
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start();
  }

  pugi::xml_document next_element() {
    pugi::xml_document document;
    const std::string payload = admin->next_event().payload;
    document.load_buffer(payload.data(), payload.size());
    return document;
  }

  static Message message(const std::string& on, const std::string& payload, int qos = 0,
                         bool retain = false) {
    return {.topic = on, .payload = payload, .qos = qos, .retain = retain};
  }

  std::optional<XmppClient> admin;
  std::optional<MqttClient> reader;
};

TEST_F(Binary, BytesComeAsTheyAre) {
  ASSERT_EQ(reader->subscribe(of_any), 0);
  for (const std::string& payload : {jpeg, sparkplug, collectd, ""s, "\0"s, "21.5"s, "{\"a\":\r\n1}"s}) {
    reader->publish(of_any, payload);
    EXPECT_EQ(next_payload(), payload);
  }
  reader->unsubscribe(of_any);
  ASSERT_EQ(reader->subscribe(of_binary), 0);
  for (const std::string& payload : {jpeg, sparkplug, collectd, ""s, "21.5"s}) {
    reader->publish(of_binary, payload);
    EXPECT_EQ(next_payload(), payload);
  }
}

TEST_F(Binary, AMebibyteComesAsItIs) {
  std::string payload = jpeg;
  while (payload.size() < 1024UL * 1024) payload += static_cast<char>(payload.size() * 7 % 251);
  ASSERT_EQ(reader->subscribe(of_any, 1), 1);
  for (const std::string& topic : {of_any, of_binary}) {
    reader->publish(topic, payload, 1, true);
    EXPECT_EQ(next_payload(), payload);
    const pugi::xml_document element = next_element();
    const pugi::xml_node data = element.child("data");
    EXPECT_STREQ(data.attribute("xmlns").value(), "urn:xmpp:bob");
    EXPECT_STREQ(data.attribute("type").value(), "application/octet-stream");
    EXPECT_FALSE(data.first_child());
    EXPECT_EQ(retained(of_any).at(0).payload, payload);
  }
  restart();
  EXPECT_EQ(retained(of_any), (std::vector{message(of_any, payload, 1, true)}));
  EXPECT_EQ(retained("pubsub.localhost/+/node"), (std::vector{message(of_binary, payload, 1, true)}));
}

TEST_F(Binary, IsBitsOfBinaryToXmpp) {
  reader->publish(of_any, jpeg);
  const pugi::xml_document element = next_element();
  const pugi::xml_node data = element.child("data");
  EXPECT_STREQ(data.attribute("xmlns").value(), "urn:xmpp:bob");
  EXPECT_STREQ(data.attribute("cid").value(), "sha1+e7c707258a01b94c85238428f741770ac3f1243a@bob.xmpp.org");
  EXPECT_STREQ(data.attribute("type").value(), "application/octet-stream");
  EXPECT_EQ(std::string_view(data.text().get()), jpeg_in_base64);
}

TEST_F(Binary, FromXmppIsBytesToMqtt) {
  ASSERT_EQ(reader->subscribe(of_any), 0);
  const std::string base64(jpeg_in_base64);
  admin->publish(
      "node", "1",
      "<data xmlns='urn:xmpp:bob' cid='sha1+1@bob.xmpp.org' type='image/jpeg'>" + base64 + "</data>");
  EXPECT_EQ(next_payload(), jpeg);
  admin->publish(
      "node", "2",
      "<data xmlns='urn:xmpp:bob'>\n " + base64.substr(0, 5) + "\n" + base64.substr(5) + "\n</data>");
  EXPECT_EQ(next_payload(), jpeg);
  admin->publish("node", "3", "<json xmlns='urn:xmpp:json:0'>21.5</json>");
  EXPECT_EQ(next_payload(), "21.5");
  admin->publish("node", "4", "<data xmlns='https://prosody.im/protocol/mqtt'/>");
  EXPECT_EQ(next_payload(), "");
}

TEST_F(Binary, FromXmppThatIsNoneIsNeverAnEmptyMessage) {
  ASSERT_EQ(reader->subscribe(of_binary), 0);
  admin->publish("node", "1", "<data xmlns='urn:xmpp:bob' cid='sha1+1@bob.xmpp.org' type='image/jpeg'/>");
  admin->publish("node", "2", "<data xmlns='urn:xmpp:bob'>not base64!</data>");
  admin->publish("node", "3", "<data xmlns='urn:xmpp:bob'>AQ==</data>");
  EXPECT_EQ(next_payload(), "\x01");
}

TEST_F(Binary, AWildcardBringsEachMessageOnceOnItsNaturalTopic) {
  ASSERT_EQ(reader->subscribe("pubsub.localhost/+/node"), 0);
  reader->publish(of_any, jpeg);
  reader->publish(of_any, "[1]");
  reader->publish(of_any, "21.5");
  for (const auto& [type, payload] : {std::pair{"binary", jpeg}, {"json", "[1]"s}, {"utf8", "21.5"s}}) {
    EXPECT_EQ(reader->next_message(), message("pubsub.localhost/"s + type + "/node", payload));
  }
  EXPECT_TRUE(reader->messages_so_far().empty());
}

// What the filters of a client select on different topics comes on each of them.
TEST_F(Binary, EachTopicHasItsOwnMessageAndQoS) {
  ASSERT_EQ(reader->subscribe("pubsub.localhost/+/node", 0), 0);
  ASSERT_EQ(reader->subscribe("pubsub.localhost/any/#", 2), 2);
  ASSERT_EQ(reader->subscribe(of_any, 1), 1);
  ASSERT_EQ(reader->subscribe("pubsub.localhost/binary/#", 1), 1);
  reader->publish(of_any, jpeg, 2);
  EXPECT_EQ(reader->next_message(), message(of_binary, jpeg, 1));
  EXPECT_EQ(reader->next_message(), message(of_any, jpeg, 2));
  EXPECT_TRUE(reader->messages_so_far().empty());
}

TEST_F(Binary, IsRetainedOverARestart) {
  for (const std::string& payload : {jpeg, "{\"a\":\r\n1}"s, " 21.5\r\n"s}) {
    reader->publish(of_any, payload, 1, true);
    reader->messages_so_far();  // pubsub has it before another client asks
    ASSERT_EQ(retained(of_any), (std::vector{message(of_any, payload, 1, true)}));
    reader.reset();
    restart();
    EXPECT_EQ(retained(of_any), (std::vector{message(of_any, payload, 1, true)}));
    reader.emplace(prosody.mqtt_port());
  }
}

TEST_F(Binary, XmppsCurrentIsRetained) {
  admin->publish("node", "current",
                 "<data xmlns='urn:xmpp:bob' type='image/jpeg'>" + std::string(jpeg_in_base64) + "</data>");
  EXPECT_EQ(retained(of_any), (std::vector{message(of_any, jpeg, 2, true)}));
  EXPECT_EQ(retained(of_binary), (std::vector{message(of_binary, jpeg, 2, true)}));
  EXPECT_TRUE(retained("pubsub.localhost/utf8/node").empty());
}

TEST_F(Binary, AClearIsEmptyOnEveryTopic) {
  reader->publish(of_any, jpeg, 1, true);
  reader->messages_so_far();  // pubsub has it before another client asks
  for (const char* type : {"+", "any", "xml", "utf8"}) {
    ASSERT_EQ(reader->subscribe("pubsub.localhost/"s + type + "/node"), 0);
  }
  reader->messages_so_far();
  RawMqtt other = connected(prosody.mqtt_port(), "other");
  publish(other,
          {.topic = "pubsub.localhost/utf8/node", .payload = "", .qos = at_least_once, .retain = true});
  for (const char* type : {"utf8", "xml", "binary", "any"}) {
    EXPECT_EQ(reader->next_message(), message("pubsub.localhost/"s + type + "/node", ""));
  }
  EXPECT_TRUE(reader->messages_so_far().empty());
  EXPECT_TRUE(retained(of_any).empty());
}

TEST_F(Binary, IsAWillToo) {
  ASSERT_EQ(reader->subscribe(of_any, 1), 1);
  RawMqtt mortal(prosody.mqtt_port());
  connect(mortal, {.client_identifier = "mortal",
                   .will = mqtt::Publish{
                       .topic = of_any, .payload = sparkplug, .qos = at_least_once, .retain = true}});
  abort(mortal);
  EXPECT_EQ(reader->next_message(), message(of_any, sparkplug, 1));
  EXPECT_EQ(retained(of_binary), (std::vector{message(of_binary, sparkplug, 1, true)}));
}

TEST_F(Binary, TheContentTypeIsTheTypeOfTheData) {
  using namespace mqtt_5;
  RawMqtt camera = mqtt_5::connected(prosody.mqtt_port(), {.identifier = "camera"});
  ASSERT_EQ(mqtt_5::subscribe(camera, {.topic_filter = of_any}), mqtt::Reason::granted_qos_0);
  const std::string said = properties({{Id::content_type, std::string_view("image/jpeg")}});
  camera.send(mqtt::Publish{.topic = of_any, .payload = jpeg, .properties = mqtt::Properties(said)});
  EXPECT_STREQ(next_element().child("data").attribute("type").value(), "image/jpeg");
  EXPECT_EQ(receive(camera).properties, said);
  admin->publish("node", "1", "<data xmlns='urn:xmpp:bob' type='image/png'>AQ==</data>");
  const Received from_xmpp = receive(camera);
  EXPECT_EQ(from_xmpp.payload, "\x01");
  EXPECT_EQ(mqtt::Properties(from_xmpp.properties).bytes(Id::content_type), "image/png");
}

// On a node that nobody but MQTT sees, and again where XMPP looks on.
TEST_F(Binary, GoesTheDirectWay) {
  admin->create("direct", {{"access_model", "open"}, {"persist_items", "false"}});
  const std::string direct = "pubsub.localhost/any/direct";
  ASSERT_EQ(reader->subscribe("pubsub.localhost/+/direct"), 0);
  ASSERT_EQ(reader->subscribe(direct), 0);
  RawMqtt sender = connected(prosody.mqtt_port(), "sender");
  for (int i = 0; i < 3; ++i) {
    publish(sender, {.topic = direct, .payload = collectd, .qos = at_least_once});
    EXPECT_EQ(reader->next_message(), message("pubsub.localhost/binary/direct", collectd));
    EXPECT_EQ(reader->next_message(), message(direct, collectd));
  }
  admin->subscribe("direct");
  publish(sender, {.topic = direct, .payload = collectd, .qos = at_least_once});
  EXPECT_EQ(std::string_view(next_element().child("data").text().get()),
            "MTc5NTM1MDg5Ni4xMjM6MC4xNToyMS41AA==");
}

// A group of a shared subscription, too.
TEST_F(Binary, AGroupSharesIt) {
  ASSERT_EQ(reader->subscribe("$share/g/pubsub.localhost/any/#"), 0);
  reader->publish(of_any, jpeg);
  EXPECT_EQ(reader->next_message(), message(of_any, jpeg));
}

using BinaryOfMosquitto = MosquittoComparison;

// What mosquitto's own commands show of files.
TEST_F(BinaryOfMosquitto, FilesComeAsFromMosquitto) {
  const TemporaryFolder folder;
  folder.write("jpeg", jpeg);
  folder.write("protobuf", sparkplug);
  const auto lines = compare(
      [&](Terminal& terminal) {
        const auto subscriber = terminal.subscribe({"-t", of_any, "-C", "3", "-q", "1"});
        terminal.publish({"-t", of_any, "-q", "1", "-f", folder.path("jpeg")});
        terminal.publish({"-t", of_any, "-q", "1", "-f", folder.path("protobuf")});
        terminal.publish({"-t", of_any, "-q", "1", "-n"});
        terminal.show(*subscriber);
      },
      "message %t %q %r %x");
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[3], tests::message(of_any, 1, 0, "ffd8ffe000104a4649460001ffd9"));
}

}  // namespace
}  // namespace pubsub_mqtt::tests
