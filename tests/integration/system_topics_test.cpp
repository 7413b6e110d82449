// $SYS/broker/...: what the server says of itself, as mosquitto does (docs/mapping.md, "What the server says of
// itself").
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "free_port.h"
#include "mosquitto_command.h"
#include "mqtt_client.h"
#include "outside_address.h"
#include "raw_mqtt_5.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "sanitized.h"
#include "shut_down_from_within.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

using Topics = std::set<std::string>;

class SystemTopics : public testing::Test {
 protected:
  void SetUp() override { prosody.start({.global = "mqtt_sys_interval = 1"}); }

  MqttClient log_in(const std::string& name) const {
    return MqttClient({.port = prosody.mqtt_port(),
                       .client_identifier = name,
                       .user_name = name + "@localhost",
                       .password = account_password});
  }

  Prosody prosody;
};

// The next packet of this kind: something may be said in between, every second.
template <typename P>
P read_up_to(RawMqtt& client) {
  while (true) {
    const mqtt::Packet packet = client.read();
    if (const auto* wanted = std::get_if<P>(&packet)) return *wanted;
  }
}

Topics topics_of(const std::vector<Message>& messages) {
  Topics topics;
  for (const auto& message : messages) topics.insert(message.topic);
  return topics;
}

// As mosquitto_sub shows them.
class Mosquitto {
 public:
  Mosquitto() {
    folder_.write("mosquitto.conf", "listener " + std::to_string(port_.number()) +
                                        " 127.0.0.1\nallow_anonymous true\nsys_interval 1\n");
    server_.emplace(std::vector<std::string>{"mosquitto", "-c", folder_.path("mosquitto.conf")});
    server_->output().wait_for("mosquitto version .* running");
  }

  // Those that say something when a client is there.
  Topics topics() {
    MosquittoCommand subscriber(
        {"stdbuf", "-oL", "mosquitto_sub", "-p", std::to_string(port_.number()), "-t", "$SYS/#", "-F", "%t"});
    subscriber.output().wait_for("clients/maximum");
    const std::size_t mark = subscriber.output().size();
    subscriber.output().wait_for("uptime", mark);  // with which it begins the next time
    const auto lines = subscriber.output().lines();
    return {lines.begin(), lines.end()};
  }

 private:
  TemporaryFolder folder_;
  FreePort port_;
  std::optional<MosquittoCommand> server_;
};

TEST_F(SystemTopics, HaveMosquittosNames) {
  Mosquitto mosquitto;
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  ASSERT_EQ(client.subscribe("$SYS/#"), mqtt::Reason::granted_qos_0);
  Topics ours = topics_of(messages_so_far(client));
  EXPECT_EQ(ours.erase("$SYS/broker/connections/socket/count"), 1U) << "mosquitto has it from 2.1 on";
  Topics mosquittos = mosquitto.topics();
  mosquittos.erase("$SYS/broker/connections/socket/count");
  for (const char* newer : {"$SYS/broker/packet/out/count", "$SYS/broker/packet/out/bytes"})
    mosquittos.erase(newer);
  EXPECT_EQ(ours, mosquittos);
}

TEST_F(SystemTopics, AreRetainedAndThenSaidWhenTheyChange) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  ASSERT_EQ(client.subscribe("$SYS/broker/uptime", exactly_once), mqtt::Reason::granted_qos_2);
  const Message first = next_message(client);
  EXPECT_TRUE(first.retain);
  EXPECT_EQ(first.qos, 0);
  EXPECT_TRUE(std::regex_match(first.payload, std::regex("[0-9]+ seconds"))) << first.payload;
  const Message next = next_message(client);
  EXPECT_FALSE(next.retain);
  EXPECT_NE(next.payload, first.payload);
}

TEST_F(SystemTopics, SayWhatWasCounted) {
  RawMqtt subscriber = connected(prosody.mqtt_port(), "subscriber");
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/utf8/#"), mqtt::Reason::granted_qos_0);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  for (int i = 0; i < 5; ++i) {
    publish(publisher, {.topic = topic, .payload = "1234", .qos = at_least_once, .retain = true});
  }
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  ASSERT_EQ(reader.subscribe("$SYS/broker/#"), mqtt::Reason::granted_qos_0);
  std::map<std::string, std::string> said;
  const std::map<std::string, std::string> expected{{"publish/messages/received", "5"},
                                                    {"publish/bytes/received", "20"},
                                                    {"clients/connected", "3"},
                                                    {"clients/active", "3"},
                                                    {"clients/total", "3"},
                                                    {"clients/disconnected", "0"},
                                                    {"clients/maximum", "3"},
                                                    {"subscriptions/count", "2"},
                                                    {"retained messages/count", "1"},
                                                    {"publish/messages/dropped", "0"},
                                                    {"shared_subscriptions/count", "0"}};
  const std::string average = "load/publish/received/1min";
  const auto is_said = [&] {
    return std::ranges::all_of(expected, [&](const auto& each) { return said[each.first] == each.second; }) &&
           said[average] > "0.00";
  };
  for (int i = 0; i < 1000 && !is_said(); ++i) {
    const Message message = next_message(reader);
    said[message.topic.substr(std::string_view("$SYS/broker/").size())] = message.payload;
  }
  for (const auto& [name, payload] : expected) EXPECT_EQ(said[name], payload) << name;
  EXPECT_GT(std::stod(said[average]), 0);
  // The sanitizers' allocators say nothing of their heaps.
  EXPECT_GE(std::stoll(said["heap/current"]), sanitized ? 0 : 1);
}

TEST_F(SystemTopics, AreForAdministratorsAndClientsWithoutLoginFromLoopback) {
  MqttClient admin = log_in("admin");
  EXPECT_EQ(admin.subscribe("$SYS/#"), 0);
  MqttClient juliet = log_in("juliet");
  EXPECT_EQ(juliet.subscribe("$SYS/#", 1), 1);
  EXPECT_TRUE(juliet.messages_so_far().empty());
  EXPECT_TRUE(admin.next_message().retain);
  while (admin.next_message().retain) {
  }
  EXPECT_TRUE(juliet.messages_so_far().empty()) << "of what has been said since";
}

TEST_F(SystemTopics, AreSelectedByNoFilterThatDoesNotBeginSo) {
  RawMqtt other = connected(prosody.mqtt_port(), "other");
  for (const char* filter : {"#", "+/#", "+/+/#", "$SYS", "$SYS/+"}) {
    EXPECT_EQ(other.subscribe(filter), mqtt::Reason::granted_qos_0) << filter;
  }
  other.subscribe("+/broker/uptime");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  ASSERT_EQ(client.subscribe("$SYS/+/uptime"), mqtt::Reason::granted_qos_0);
  EXPECT_TRUE(next_message(client).retain);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(next_message(client).topic, "$SYS/broker/uptime");
  EXPECT_TRUE(messages_so_far(other).empty());
}

TEST_F(SystemTopics, EndWithTheSubscription) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  RawMqtt other = connected(prosody.mqtt_port(), "other");
  for (RawMqtt* each : {&client, &other}) each->subscribe("$SYS/broker/uptime");
  client.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {"$SYS/broker/uptime"}});
  read_up_to<mqtt::Unsuback>(client);
  for (int i = 0; i < 3; ++i) next_message(other);
  EXPECT_TRUE(messages_so_far(client).empty());
}

TEST_F(SystemTopics, ComeAsTheOptionsSay) {
  using namespace mqtt_5;
  RawMqtt client = mqtt_5::connected(prosody.mqtt_port(), {.identifier = "client"});
  EXPECT_EQ(mqtt_5::subscribe(client,
                              {.topic_filter = "$SYS/broker/uptime",
                               .retain_as_published = true,
                               .retain_handling = mqtt::RetainHandling::new_subscription},
                              properties({{Id::subscription_identifier, 7U}})),
            mqtt::Reason::granted_qos_0);
  const Received first = receive(client);
  EXPECT_TRUE(first.retain);
  EXPECT_EQ(first.integer(Id::subscription_identifier), 7U);
  EXPECT_TRUE(receive(client).retain) << "as published";
  client.send(mqtt::Subscribe{.packet_identifier = 1,
                              .subscriptions = {{.topic_filter = "$SYS/broker/version",
                                                 .retain_handling = mqtt::RetainHandling::never}}});
  EXPECT_EQ(read_up_to<mqtt::Suback>(client).reasons.at(0), mqtt::Reason::granted_qos_0);
  EXPECT_EQ(receive(client).topic, "$SYS/broker/uptime");
}

TEST(SystemTopicsSetting, Of0SaysNothing) {
  Prosody prosody;
  prosody.start({.global = "mqtt_sys_interval = 0"});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  ASSERT_EQ(client.subscribe("$SYS/#"), mqtt::Reason::granted_qos_0);
  EXPECT_TRUE(messages_so_far(client).empty());
  prosody.reload({.global = "mqtt_sys_interval = 3600"});
  EXPECT_EQ(next_message(client).topic.substr(0, 12), "$SYS/broker/");
  EXPECT_GT(messages_so_far(client).size(), 40U);
  prosody.reload({.global = "mqtt_sys_interval = 0"});
  EXPECT_EQ(next_message(client).payload, "");
  messages_so_far(client);
  RawMqtt late = connected(prosody.mqtt_port(), "late");
  late.subscribe("$SYS/#");
  EXPECT_TRUE(messages_so_far(late).empty());
}

// Behind a proxy everybody comes from loopback, but elsewhere that is no reason.
TEST(SystemTopicsSetting, OfAnonymousClientsFromEverywhereLetsThemReadNothing) {
  Prosody prosody;
  prosody.start(
      {.global = "mqtt_sys_interval = 1\nmqtt_allow_anonymous = true\nmqtt_interfaces = { \"*\" }"});
  MqttClient outside(
      {.port = prosody.mqtt_port(), .host = outside_address(), .client_identifier = "outside"});
  EXPECT_EQ(outside.subscribe("$SYS/#"), 0);
  RawMqtt inside = connected(prosody.mqtt_port(), "inside");
  inside.subscribe("$SYS/broker/uptime");
  for (int i = 0; i < 3; ++i) next_message(inside);
  EXPECT_TRUE(outside.messages_so_far().empty());
}

// Prosody 0.12 runs its handler of SIGTERM wherever Lua runs, between what was counted and what is said of that, too.
TEST_F(SystemTopics, ProsodyMayBeStoppedWhileTheyAreSaid) {
  const std::size_t before = prosody.log().size();
  prosody.shell(
      std::string(">local time, now = require 'util.time', require 'util.time'.now; time.now = function () "
                  "if debug.getinfo(2, 'S').source:find('system_topics', 1, true) then ") +
      shut_down_from_within + "end return now(); end");
  prosody.log().wait_for("Shutdown complete", before);
  EXPECT_EQ(prosody.wait_for_end().status, 0);
  EXPECT_EQ(prosody.log().count("attempt to index", before), 0U);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
