// Wills (MQTT 3.1.1, 3.1.2.5; docs/mapping.md, "Sessions and wills").
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

RawMqtt with_will(const Prosody& prosody, const mqtt::Publish& will, std::uint16_t keep_alive = 0) {
  RawMqtt client(prosody.mqtt_port());
  const auto connack =
      connect(client, {.keep_alive = keep_alive, .client_identifier = "mortal", .will = will});
  EXPECT_EQ(connack.reason, mqtt::Reason::success);
  return client;
}

using Will = RunningProsody;

struct End {
  const char* name;
  std::uint16_t keep_alive;
  std::function<void(Prosody&, RawMqtt&)> action;
};

void PrintTo(const End& end, std::ostream* out) { *out << end.name; }

class WillAfter : public RunningProsody, public testing::WithParamInterface<End> {};

TEST_P(WillAfter, ItIsPublishedOnce) {
  MqttClient witness(prosody.mqtt_port());
  ASSERT_EQ(witness.subscribe(will_topic, 2), 2);
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone", .qos = at_least_once},
                             GetParam().keep_alive);
  GetParam().action(prosody, mortal);
  EXPECT_EQ(witness.next_message(), (Message{.topic = will_topic, .payload = "gone", .qos = 1}));
  EXPECT_TRUE(witness.messages_so_far().empty());
}

// Prosody cannot store what is sent to the node "broken": the server closes the connection of the sender.
void meet_a_storage_fault(Prosody& prosody, RawMqtt& client) {
  prosody.shell(
      ">local s = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service(); local publish = s.publish; "
      "function s.publish(self, node, ...) if node == 'broken' then return false, 'internal-server-error' "
      "end "
      "return publish(self, node, ...) end");
  client.send(mqtt::Publish{
      .topic = "pubsub.localhost/utf8/broken", .payload = "1", .qos = at_least_once, .packet_identifier = 1});
}

INSTANTIATE_TEST_SUITE_P(
    , WillAfter,
    testing::Values(End{"AReset", 0, [](Prosody&, RawMqtt& client) { abort(client); }},
                    End{"ACloseWithoutDisconnect", 0,
                        [](Prosody&, RawMqtt& client) { dynamic_cast<TcpStream&>(client.stream()).close(); }},
                    End{"Silence", 1, [](Prosody&, RawMqtt& client) { client.wait_for_close(); }},
                    End{"AProtocolError", 0,
                        [](Prosody&, RawMqtt& client) { client.send_bytes("\xFF\xFF"); }},
                    End{"ATakeover", 0,
                        [](Prosody& prosody, RawMqtt& client) {
                          connected(prosody.mqtt_port(), "mortal");
                          EXPECT_THROW(client.read(), ConnectionClosed);
                        }},
                    End{"ACloseByTheServer", 0, meet_a_storage_fault},
                    End{"AReloadAndAReset", 0,
                        [](Prosody& prosody, RawMqtt& client) {
                          prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
                          abort(client);
                        }}),
    [](const testing::TestParamInfo<End>& test) { return test.param.name; });

TEST_F(Will, IsForgottenAtDisconnect) {
  MqttClient witness(prosody.mqtt_port());
  ASSERT_EQ(witness.subscribe(will_topic), 0);
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone"});
  disconnect(mortal);
  RawMqtt next = connected(prosody.mqtt_port(), "mortal");  // has none
  connected(prosody.mqtt_port(), "mortal").ping();
  EXPECT_THROW(next.read(), ConnectionClosed);
  EXPECT_TRUE(witness.messages_so_far().empty());
}

TEST_F(Will, ArrivesAtTheLowerQos) {
  for (const mqtt::QoS qos : {at_most_once, at_least_once, exactly_once}) {
    MqttClient witness(prosody.mqtt_port());
    ASSERT_EQ(witness.subscribe(will_topic, 1), 1);
    RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone", .qos = qos});
    abort(mortal);
    EXPECT_EQ(witness.next_message(),
              (Message{.topic = will_topic, .payload = "gone", .qos = std::min(1, static_cast<int>(qos))}));
  }
}

TEST_F(Will, MayBeRetained) {
  MqttClient witness(prosody.mqtt_port());
  ASSERT_EQ(witness.subscribe(will_topic), 0);
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone", .retain = true});
  abort(mortal);
  EXPECT_EQ(witness.next_message(), (Message{.topic = will_topic, .payload = "gone"}));
  MqttClient late(prosody.mqtt_port());
  ASSERT_EQ(late.subscribe(will_topic), 0);
  EXPECT_EQ(late.next_message(), (Message{.topic = will_topic, .payload = "gone", .retain = true}));
}

TEST_F(Will, ReachesASubscriberWhoIsAway) {
  {
    RawMqtt witness = with_session(prosody.mqtt_port(), "witness");
    witness.subscribe(will_topic, exactly_once);
    disconnect(witness);
  }
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone", .qos = exactly_once});
  abort(mortal);
  RawMqtt witness = with_kept_session(prosody.mqtt_port(), "witness");
  EXPECT_EQ(next_message(witness), (Message{.topic = will_topic, .payload = "gone", .qos = 2}));
}

TEST_F(Will, IsAnItemToXmpp) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("will", {{"access_model", "open"}});
  admin.subscribe("will");
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone"});
  abort(mortal);
  EXPECT_NE(admin.next_event().payload.find("gone"), std::string::npos);
}

TEST_F(Will, IsJudgedByTheRightsAtItsPublication) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("will", {{"access_model", "open"}});
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone"});
  admin.configure("will", {{"access_model", "whitelist"}});
  abort(mortal);
  prosody.log().wait_for("mortal.*will.*refused.*access_model");
  EXPECT_TRUE(admin.items("will").empty());
}

TEST_F(Will, OnATopicWithAWildcardClosesTheConnection) {
  for (const char* bad : {"pubsub.localhost/utf8/#", "+/utf8/will", ""}) {
    RawMqtt client(prosody.mqtt_port());
    client.send(mqtt::Connect{.client_identifier = "mortal", .will = mqtt::Publish{.topic = bad}});
    EXPECT_THROW(client.read(), ConnectionClosed) << bad;
  }
}

TEST_F(Will, ThatCanNeverBePublishedIsAWarningAtConnect) {
  for (const char* impossible : {"unknown.example/utf8/will", "pubsub.localhost/bson/will"}) {
    RawMqtt mortal = with_will(prosody, {.topic = impossible, .payload = "gone"});
    const std::string line = prosody.log().wait_for(std::string("mortal.*will.*") + impossible);
    EXPECT_NE(line.find("warn"), std::string::npos) << line;
  }
  RawMqtt mortal = with_will(prosody, {.topic = "pubsub.localhost/json/will", .payload = "no json"});
  const std::string line = prosody.log().wait_for("mortal.*will.*pubsub.localhost/json/will");
  EXPECT_NE(line.find("warn"), std::string::npos) << line;
}

TEST_F(Will, GoesOutWhenProsodyStops) {
  RawMqtt witness = connected(prosody.mqtt_port(), "witness");
  witness.subscribe(will_topic);
  RawMqtt mortal = with_will(prosody, {.topic = will_topic, .payload = "gone", .retain = true});
  EXPECT_EQ(prosody.stop().status, 0);
  EXPECT_EQ(witness.read_packet<mqtt::Publish>().payload, "gone");
  EXPECT_THROW(witness.read(), ConnectionClosed);

  prosody.start();
  MqttClient late(prosody.mqtt_port());
  ASSERT_EQ(late.subscribe(will_topic), 0);
  EXPECT_EQ(late.next_message(), (Message{.topic = will_topic, .payload = "gone", .retain = true}));
}

// To a node that does not persist: a busy machine may not store twenty items in the half a second that wills
// have.
TEST_F(Will, OfManyGoOutRetainedOnesFirstWhenProsodyStops) {
  XmppClient("admin@localhost", account_password, prosody.c2s_port())
      .create("will", {{"access_model", "open"}, {"persist_items", "false"}});
  RawMqtt witness = connected(prosody.mqtt_port(), "witness");
  witness.subscribe("pubsub.localhost/utf8/#");
  std::vector<RawMqtt> mortals;
  constexpr int count = 10;
  for (int i = 0; i < 2 * count; ++i) {
    mortals.emplace_back(prosody.mqtt_port());
    const std::string message = i % 2 == 0 ? "live" : "retained";
    connect(mortals.back(),
            {.client_identifier = "mortal" + std::to_string(i),
             .will = mqtt::Publish{.topic = will_topic, .payload = message, .retain = i % 2 != 0}});
  }
  prosody.stop();
  for (const char* expected : {"retained", "live"}) {
    for (int i = 0; i < count; ++i) ASSERT_EQ(witness.read_packet<mqtt::Publish>().payload, expected) << i;
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
