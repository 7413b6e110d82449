// MQTT 5.0 as its users meet it: mosquitto's clients with their options, against the gateway and against mosquitto; a
// request and its response; Home Assistant.
#include <gtest/gtest.h>

#include <algorithm>

#include "mosquitto_comparison.h"
#include "raw_mqtt_5.h"
#include "raw_session.h"

namespace pubsub_mqtt::tests::mqtt_5 {
namespace {

class Mqtt5 : public MosquittoComparison {
 protected:
  // Topic, QoS, RETAIN, payload, Content Type, Correlation Data, Payload Format Indicator, User Properties, Response
  // Topic, Subscription Identifier.
  static constexpr const char* format = "message %t %q %r %p|%C|%D|%F|%P|%R|%S";

  template <typename Scenario>
  Lines compare(Scenario scenario) {
    return MosquittoComparison::compare(scenario, format);
  }
};

Arguments in_5(const Arguments& arguments) { return with({"-V", "5"}, arguments); }

// What may stand in a PUBLISH and goes on to its subscribers.
const Arguments publish_options{"-D",
                                "publish",
                                "content-type",
                                "text/plain",
                                "-D",
                                "publish",
                                "correlation-data",
                                "17",
                                "-D",
                                "publish",
                                "payload-format-indicator",
                                "1",
                                "-D",
                                "publish",
                                "response-topic",
                                "pubsub.localhost/utf8/answers",
                                "-D",
                                "publish",
                                "user-property",
                                "b",
                                "1",
                                "-D",
                                "publish",
                                "user-property",
                                "a",
                                "2"};

const std::string shown_properties = "|text/plain|17|1|b:1 a:2|pubsub.localhost/utf8/answers|";

TEST_F(Mqtt5, PropertiesOfAMessageReachItsSubscribersLiveAndRetained) {
  const Lines shown = compare([](Terminal& terminal) {
    const Arguments seven =
        in_5({"-D", "subscribe", "subscription-identifier", "7", "-t", topic, "-q", "2", "-C", "1"});
    for (const char* qos : {"0", "1", "2"}) {
      const auto live = terminal.subscribe(seven);
      terminal.publish(with(in_5({"-t", topic, "-q", qos, "-r", "-m", qos}), publish_options));
      terminal.show(*live);
      terminal.run_subscribe(seven);
    }
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 2, 1, "2" + shown_properties + "7")), 1);
}

// mosquitto_sub sends session-expiry-interval at CONNECT by -x. Of topic-alias-maximum it knows the name only: it
// takes a PUBLISH with an alias in place of the topic for a protocol error.
TEST_F(Mqtt5, PropertiesStandInEveryPacketOfTheirs) {
  compare([](Terminal& terminal) {
    const auto property = [](Arguments& arguments, const Arguments& words) {
      arguments.emplace_back("-D");
      arguments.insert(arguments.end(), words.begin(), words.end());
    };
    Arguments subscribing = in_5({"-i", "device", "-c", "-x", "60", "-q", "2", "-t", topic, "-C", "3", "-U",
                                  "pubsub.localhost/utf8/attic"});
    property(subscribing, {"connect", "receive-maximum", "5"});
    property(subscribing, {"connect", "maximum-packet-size", "1000"});
    property(subscribing, {"connect", "request-problem-information", "1"});
    property(subscribing, {"connect", "request-response-information", "1"});
    property(subscribing, {"connect", "user-property", "who", "me"});
    property(subscribing, {"subscribe", "subscription-identifier", "268435455"});
    property(subscribing, {"subscribe", "user-property", "why", "so"});
    property(subscribing, {"unsubscribe", "user-property", "why", "not"});
    property(subscribing, {"disconnect", "session-expiry-interval", "0"});
    property(subscribing, {"disconnect", "user-property", "good", "bye"});
    const auto subscriber = terminal.subscribe(subscribing);
    Arguments publishing = in_5({"-t", topic, "-q", "1", "-m", "again", "--repeat", "3"});
    property(publishing, {"connect", "session-expiry-interval", "60"});
    property(publishing, {"connect", "user-property", "who", "me"});
    property(publishing, {"publish", "topic-alias", "1"});
    property(publishing, {"publish", "message-expiry-interval", "60"});
    property(publishing, {"publish", "user-property", "n", "v"});
    property(publishing, {"disconnect", "session-expiry-interval", "0"});
    property(publishing, {"disconnect", "user-property", "good", "bye"});
    terminal.publish(publishing);
    terminal.show(*subscriber);
  });
}

TEST_F(Mqtt5, AWillHasPropertiesAndADelay) {
  const Lines shown = compare([](Terminal& terminal) {
    const auto witness = terminal.subscribe(in_5({"-t", will_topic, "-q", "1", "-C", "1"}));
    auto mortal = terminal.subscribe(in_5({"-t",
                                           topic,
                                           "-i",
                                           "mortal",
                                           "-c",
                                           "-x",
                                           "60",
                                           "--will-topic",
                                           will_topic,
                                           "--will-payload",
                                           "gone",
                                           "--will-qos",
                                           "1",
                                           "-D",
                                           "will",
                                           "will-delay-interval",
                                           "1",
                                           "-D",
                                           "will",
                                           "content-type",
                                           "text/plain",
                                           "-D",
                                           "will",
                                           "user-property",
                                           "b",
                                           "1",
                                           "-D",
                                           "will",
                                           "user-property",
                                           "a",
                                           "2"}));
    mortal.reset();  // SIGKILL
    terminal.show(*witness);
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(will_topic, 1, 0, "gone|text/plain|||b:1 a:2||")),
            1);
}

TEST_F(Mqtt5, ASessionCollectsForAsLongAsItsClientSaid) {
  const Lines shown = compare([](Terminal& terminal) {
    const Arguments device = in_5({"-c", "-i", "device", "-q", "2", "-t", topic});
    terminal.run_subscribe(with(device, {"-x", "60", "-E"}));
    for (const char* qos : {"1", "2"}) terminal.publish(in_5({"-t", topic, "-q", qos, "-m", qos}));
    terminal.run_subscribe(with(device, {"-x", "0", "-C", "2"}));
    // It ended with its connection.
    terminal.publish(in_5({"-t", topic, "-q", "1", "-m", "lost"}));
    const auto again = terminal.subscribe(with(device, {"-x", "60", "-C", "1"}));
    terminal.publish(in_5({"-t", topic, "-q", "1", "-m", "next"}));
    terminal.show(*again);
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 2, 0, "2||||||")), 1);
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 1, 0, "lost||||||")), 0);
}

TEST_F(Mqtt5, RetainAsPublished) {
  const Lines shown = compare([](Terminal& terminal) {
    const auto as_published =
        terminal.subscribe(in_5({"-t", topic, "--retain-as-published", "-q", "1", "-C", "2"}));
    const auto plain = terminal.subscribe(in_5({"-t", topic, "-q", "1", "-C", "2"}));
    terminal.publish(in_5({"-t", topic, "-q", "1", "-r", "-m", "kept"}));
    terminal.publish(in_5({"-t", topic, "-q", "1", "-m", "not kept"}));
    terminal.show(*as_published);
    terminal.show(*plain);
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 1, 1, "kept||||||")), 1);
}

TEST_F(Mqtt5, ASharedSubscriptionIsServedInTurn) {
  compare([](Terminal& terminal) {
    const Arguments member = in_5({"-t", std::string("$share/group/") + topic, "-q", "1", "-C", "2"});
    const auto one = terminal.subscribe(member);
    const auto two = terminal.subscribe(member);
    for (int i = 0; i < 4; ++i) terminal.publish(in_5({"-t", topic, "-q", "1", "-m", "turn"}));
    terminal.show(*one);
    terminal.show(*two);
  });
}

TEST_F(Mqtt5, ClientsOfAllVersionsMeet) {
  const Lines shown = compare([](Terminal& terminal) {
    for (const char* subscribing : {"mqttv31", "mqttv311", "mqttv5"}) {
      for (const char* publishing : {"mqttv31", "mqttv311", "mqttv5"}) {
        const auto subscriber = terminal.subscribe({"-V", subscribing, "-t", topic, "-q", "2", "-C", "1"});
        terminal.publish({"-V", publishing, "-t", topic, "-q", "2", "-m", publishing});
        terminal.show(*subscriber);
      }
    }
  });
  EXPECT_EQ(std::count(shown.begin(), shown.end(), message(topic, 2, 0, "mqttv5||||||")), 3);
}

TEST_F(Mqtt5, ARequestOfMosquittoRrGetsItsResponse) {
  const std::string request_topic = "pubsub.localhost/utf8/requests";
  RawMqtt responder = connected(prosody.mqtt_port(), {.identifier = "responder"});
  ASSERT_EQ(subscribe(responder, {.topic_filter = request_topic}), mqtt::Reason::granted_qos_0);
  MosquittoCommand request({"mosquitto_rr", "-p", std::to_string(prosody.mqtt_port()), "-t", request_topic,
                            "-e", "pubsub.localhost/utf8/answers", "-m", "6 * 7", "-D", "publish",
                            "correlation-data", "sum"});
  const auto received = receive(responder);
  EXPECT_EQ(received.payload, "6 * 7");
  const mqtt::Properties asked(received.properties);
  EXPECT_EQ(asked.bytes(Id::response_topic), "pubsub.localhost/utf8/answers");
  EXPECT_EQ(asked.bytes(Id::correlation_data), "sum");
  const auto correlation = properties({{Id::correlation_data, *asked.bytes(Id::correlation_data)}});
  responder.send(mqtt::Publish{.topic = *asked.bytes(Id::response_topic),
                               .payload = "42",
                               .properties = mqtt::Properties(correlation)});
  EXPECT_EQ(request.wait(), 0);
  request.output().wait_for("^42$");
}

TEST_F(Mqtt5, WhatIsRefusedIsToldToMosquittoPubAndSub) {
  const std::string port = std::to_string(prosody.mqtt_port());
  MosquittoCommand publisher(
      {"mosquitto_pub", "-V", "5", "-p", port, "-t", "nowhere", "-q", "1", "-m", "lost"});
  publisher.output().wait_for("Publish 1 failed: Topic name invalid");
  MosquittoCommand subscriber({"mosquitto_sub", "-V", "5", "-p", port, "-t", "nowhere"});
  subscriber.output().wait_for("All subscription requests were denied");
  EXPECT_NE(subscriber.wait(), -1);
  MosquittoCommand guest({"mosquitto_pub", "-V", "5", "-p", port, "-u", "juliet@localhost", "-P", "wrong",
                          "-t", topic, "-m", "lost"});
  guest.output().wait_for("Bad user ?name or password");
}

// What Home Assistant's MQTT integration does, with 5.0: its topics lie below a pubsub host and a TYPE.
class HomeAssistant : public RunningProsody {
 protected:
  static std::string under(const std::string& name) { return "pubsub.localhost/utf8/" + name; }
  static std::string identifier(std::uint32_t number) {
    return properties({{Id::subscription_identifier, number}});
  }
  static void publish_retained(RawMqtt& client, const std::string& to, const std::string& payload) {
    client.send(mqtt::Publish{.topic = to,
                              .payload = payload,
                              .qos = mqtt::QoS::at_least_once,
                              .retain = true,
                              .packet_identifier = 1});
    EXPECT_FALSE(mqtt::is_error(client.read_packet<mqtt::Puback>().reason));
  }

  RawMqtt home_assistant() {
    return connected(
        prosody.mqtt_port(),
        {.identifier = "home assistant",
         .will = Will{.topic = under("homeassistant/status"), .payload = "offline", .retain = true},
         .keep_alive = 60});
  }
  RawMqtt device() {
    return connected(prosody.mqtt_port(),
                     {.identifier = "lamp",
                      .will = Will{.topic = under("lamp/availability"), .payload = "offline", .retain = true},
                      .keep_alive = 15});
  }
};

TEST_F(HomeAssistant, FindsADeviceSwitchesItAndSeesItGo) {
  const std::string config = under("homeassistant/light/lamp/config");
  RawMqtt lamp = device();
  subscribe(lamp, {.topic_filter = under("lamp/set")});
  publish_retained(lamp, config, R"({"name":"Lamp","command_topic":"lamp/set","state_topic":"lamp/state"})");
  publish_retained(lamp, under("lamp/availability"), "online");

  // Discovery: the retained configuration comes with the identifier of its filter.
  RawMqtt home = home_assistant();
  subscribe(
      home,
      {.topic_filter = under("homeassistant/+/+/config"), .retain_handling = mqtt::RetainHandling::always},
      identifier(1));
  const auto found = receive(home);
  EXPECT_EQ(found.topic, config);
  EXPECT_TRUE(found.retain);
  EXPECT_EQ(found.integer(Id::subscription_identifier), 1U);
  publish_retained(home, under("homeassistant/status"), "online");

  // The device's state and availability, then a command and what comes of it.
  subscribe(home, {.topic_filter = under("lamp/availability"), .qos = mqtt::QoS::at_least_once},
            identifier(2));
  EXPECT_EQ(receive(home).payload, "online");
  subscribe(home, {.topic_filter = under("lamp/state")}, identifier(3));
  home.send(mqtt::Publish{.topic = under("lamp/set"), .payload = "ON"});
  EXPECT_EQ(receive(lamp).payload, "ON");
  publish_retained(lamp, under("lamp/state"), "ON");
  const auto state = receive(home);
  EXPECT_EQ(state.payload, "ON");
  EXPECT_EQ(state.integer(Id::subscription_identifier), 3U);

  abort(lamp);
  const auto gone = receive(home);
  EXPECT_EQ(gone.payload, "offline");
  EXPECT_EQ(gone.integer(Id::subscription_identifier), 2U);
}

TEST_F(HomeAssistant, TellsDevicesWhenItComesAndGoes) {
  RawMqtt lamp = device();
  subscribe(lamp, {.topic_filter = under("homeassistant/status")});
  {
    RawMqtt home = home_assistant();
    publish_retained(home, under("homeassistant/status"), "online");
    EXPECT_EQ(receive(lamp).payload, "online");
    abort(home);
  }
  EXPECT_EQ(receive(lamp).payload, "offline");
  // It is told to those who come later, too.
  RawMqtt late = connected(prosody.mqtt_port(), {.identifier = "late"});
  subscribe(late, {.topic_filter = under("homeassistant/status")});
  const auto status = receive(late);
  EXPECT_EQ(status.payload, "offline");
  EXPECT_TRUE(status.retain);
}

TEST_F(HomeAssistant, ForgetsADeviceWhoseConfigurationIsCleared) {
  const std::string config = under("homeassistant/light/lamp/config");
  RawMqtt lamp = device();
  publish_retained(lamp, config, "{}");
  RawMqtt home = home_assistant();
  subscribe(home, {.topic_filter = under("homeassistant/+/+/config")}, identifier(1));
  EXPECT_EQ(receive(home).payload, "{}");
  publish_retained(lamp, config, "");
  EXPECT_EQ(receive(home).payload, "");
  // It subscribes anew without asking for what is retained.
  subscribe(
      home,
      {.topic_filter = under("homeassistant/+/+/config"), .retain_handling = mqtt::RetainHandling::never},
      identifier(1));
  home.ping();
}

}  // namespace
}  // namespace pubsub_mqtt::tests::mqtt_5
