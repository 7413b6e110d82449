// Retained messages, items from XMPP and reasons in MQTT 5.0 (docs/mapping.md, "MQTT 5.0").
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "raw_mqtt_5.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests::mqtt_5 {
namespace {

constexpr std::string_view the_topic = "pubsub.localhost/utf8/node";

class Mqtt5Retained : public RunningProsody {
 protected:
  RawMqtt client(const std::string& identifier) {
    return mqtt_5::connected(prosody.mqtt_port(), Client{.identifier = identifier});
  }

  mqtt::Reason retain(std::string_view payload, const std::string& encoded = {}) {
    RawMqtt publisher = client("publisher");
    publisher.send(mqtt::Publish{.topic = the_topic,
                                 .payload = payload,
                                 .qos = mqtt::QoS::at_least_once,
                                 .retain = true,
                                 .packet_identifier = 1,
                                 .properties = mqtt::Properties(encoded)});
    return publisher.read_packet<mqtt::Puback>().reason;
  }
  Received retained() {
    RawMqtt reader = client("reader");
    mqtt_5::subscribe(reader, {.topic_filter = the_topic});
    return receive(reader);
  }
  XmppClient log_in() const { return {"admin@localhost", account_password, prosody.c2s_port()}; }

  static std::string expires_after(std::uint32_t seconds) {
    return properties({{Id::message_expiry_interval, seconds}});
  }
  static void wait_a_little() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }
};

TEST_F(Mqtt5Retained, ItsPropertiesOutliveARestart) {
  const std::string sent = properties({{Id::payload_format_indicator, std::uint32_t{1}},
                                       {Id::correlation_data, std::string_view("\0\xFF", 2)}}) +
                           user_property("a", "1") + user_property("a", "2");
  EXPECT_EQ(retain("kept", sent + expires_after(0xFFFFFFFF)), mqtt::Reason::success);
  for (int restart = 0; restart < 2; ++restart) {
    const Received message = retained();
    EXPECT_EQ(message.payload, "kept");
    EXPECT_GT(message.integer(Id::message_expiry_interval), 0xFFFFFF00);
    EXPECT_EQ(mqtt::forwarded(mqtt::Properties(message.properties)), sent);
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start();
  }
}

// What is stored of it is held against the item, whichever storage that is in.
TEST_F(Mqtt5Retained, OfAnElementOfNoNamespaceItsPropertiesOutliveARestart) {
  const Configuration configurations[] = {{}, {.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    autocreate_on_publish = true)"}};
  constexpr std::string_view xml_topic = "pubsub.localhost/xml/node";
  const std::string sent = user_property("a", "1");
  for (const auto& configuration : configurations) {
    prosody.stop();
    prosody.start(configuration);
    RawMqtt publisher = client("publisher");
    publisher.send(mqtt::Publish{.topic = xml_topic,
                                 .payload = "<a xmlns='urn:a'><b xmlns=''><c/></b></a>",
                                 .qos = mqtt::QoS::at_least_once,
                                 .retain = true,
                                 .packet_identifier = 1,
                                 .properties = mqtt::Properties(sent)});
    publisher.read_packet<mqtt::Puback>();
    prosody.stop();
    prosody.start(configuration);
    RawMqtt reader = client("reader");
    mqtt_5::subscribe(reader, {.topic_filter = xml_topic});
    const Received message = receive(reader);
    EXPECT_EQ(message.payload, "<a xmlns='urn:a'><b xmlns=''><c/></b></a>");
    EXPECT_EQ(mqtt::forwarded(mqtt::Properties(message.properties)), sent);
  }
}

TEST_F(Mqtt5Retained, ItsEndRetractsTheItemAndTellsNobody) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}, {"send_last_published_item", "never"}});
  admin.subscribe("node");
  RawMqtt live = client("live");
  mqtt_5::subscribe(live, {.topic_filter = the_topic});
  retain("1", expires_after(1));
  EXPECT_EQ(receive(live).payload, "1");
  EXPECT_EQ(admin.next_event().item_id, "current");
  while (!admin.items("node").empty()) wait_a_little();
  // What comes next is what is published next.
  retain("2");
  EXPECT_EQ(receive(live).payload, "2");
  EXPECT_EQ(admin.next_event().kind, "item");
}

TEST_F(Mqtt5Retained, TimeGoesOnWhileProsodyIsStopped) {
  {
    XmppClient admin = log_in();
    admin.create(
        "node",
        {{"access_model", "open"}, {"persist_items", "true"}, {"send_last_published_item", "on_sub"}});
    admin.publish("node", "older", "<data xmlns='https://prosody.im/protocol/mqtt'>older</data>");
  }
  retain("1", expires_after(2));
  EXPECT_EQ(prosody.stop().status, 0);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  prosody.start();
  RawMqtt reader = client("reader");
  mqtt_5::subscribe(reader, {.topic_filter = the_topic});
  XmppClient admin = log_in();
  while (admin.items("node").size() > 1) wait_a_little();
  admin.publish("node", "newer", "<data xmlns='https://prosody.im/protocol/mqtt'>newer</data>");
  EXPECT_EQ(receive(reader).payload, "newer");  // neither the one that expired nor the older item came before
}

class Mqtt5Items : public Mqtt5Retained {
 protected:
  void expect_properties(const std::string& publisher) {
    XmppClient admin = log_in();
    admin.create("node", {{"access_model", "open"}});
    RawMqtt live = client("live");
    mqtt_5::subscribe(live, {.topic_filter = the_topic});
    admin.publish("node", "42", "<data xmlns='https://prosody.im/protocol/mqtt'>1</data>");
    EXPECT_EQ(receive(live).properties, user_property("id", "42") + publisher);
    admin.publish("node", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>2</data>");
    EXPECT_EQ(receive(live).properties, user_property("id", "current") + publisher);
    EXPECT_EQ(retained().properties, user_property("id", "current") + publisher);
  }
};

TEST_F(Mqtt5Items, FromXmppHaveTheirId) { expect_properties(""); }

TEST_F(Mqtt5Items, HaveTheirPublisherWhereThatIsShown) {
  EXPECT_EQ(prosody.stop().status, 0);
  Configuration configuration;
  configuration.component += "\n    expose_publisher = true";
  prosody.start(configuration);
  expect_properties(user_property("publisher", "admin@localhost"));
}

TEST_F(Mqtt5Retained, ARefusalHasItsReason) {
  log_in().create("node", {{"access_model", "whitelist"}});
  EXPECT_EQ(retain("1"), mqtt::Reason::not_authorized);
  RawMqtt reader = client("reader");
  EXPECT_EQ(mqtt_5::subscribe(reader, {.topic_filter = the_topic}), mqtt::Reason::not_authorized);
  EXPECT_EQ(mqtt_5::subscribe(reader, {.topic_filter = "pubsub.localhost/nope/node"}),
            mqtt::Reason::topic_filter_invalid);
}

// Its text may hold what is no client's business.
TEST_F(Mqtt5Retained, AnErrorInProsodyIsForTheLogAlone) {
  log_in().create("node", {{"access_model", "open"}});
  prosody.shell(
      ">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().may = "
      "function () error('broken rights') end");
  RawMqtt publisher(prosody.mqtt_port());
  publisher.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                               .client_identifier = "publisher",
                               .user_name = "juliet@localhost",
                               .password = account_password});
  ASSERT_EQ(publisher.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
  publisher.send(mqtt::Publish{
      .topic = the_topic, .payload = "1", .qos = mqtt::QoS::at_least_once, .packet_identifier = 1});
  const auto packet = publisher.read_packet<mqtt::Disconnect>();
  EXPECT_EQ(packet.reason, mqtt::Reason::implementation_specific_error);
  EXPECT_EQ(packet.properties.bytes(Id::reason_string), "an error in Prosody, see the log");
  prosody.log().wait_for("error\tpublish: .*broken rights");
}

}  // namespace
}  // namespace pubsub_mqtt::tests::mqtt_5
