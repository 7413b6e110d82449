// Shared subscriptions, `$share/GROUP/FILTER` (MQTT 5.0, 4.8.2), for clients of every version.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "mosquitto_command.h"
#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using mqtt::QoS;

constexpr const char* shared_topic = "pubsub.localhost/json/node";
constexpr const char* shared_filter = "$share/workers/pubsub.localhost/json/node";

std::vector<std::string> payloads(const std::vector<Message>& messages) {
  std::vector<std::string> all;
  for (const auto& message : messages) all.push_back(message.payload);
  return all;
}

using Payloads = std::vector<std::string>;

// Both ways that a message may go: through pubsub, and past it.
class SharedSubscription : public RunningProsody, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    prosody.start({.global = "mqtt_max_inflight = 20"});
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    admin.create("node", {{"access_model", "open"}, {"persist_items", GetParam() ? "false" : "true"}});
    publisher.emplace(connected(prosody.mqtt_port(), "publisher"));
    // Where it may, it goes past pubsub from the second one on.
    publish("0");
  }

  RawMqtt join(std::string_view name, QoS qos = QoS::at_least_once) {
    RawMqtt client = connected(prosody.mqtt_port(), name);
    EXPECT_EQ(client.subscribe(shared_filter, qos), mqtt::granted(qos));
    return client;
  }

  void publish(const std::string& payload) {
    tests::publish(*publisher, {.topic = shared_topic, .payload = payload, .qos = QoS::at_least_once});
  }
  void publish(int first, int last) {
    for (int i = first; i <= last; ++i) publish(std::to_string(i));
  }

  std::optional<RawMqtt> publisher;
};

INSTANTIATE_TEST_SUITE_P(ThroughPubsub, SharedSubscription, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(PastPubsub, SharedSubscription, testing::Values(true));

TEST_P(SharedSubscription, MosquittosOfEachVersionTakeTurns) {
  std::vector<std::unique_ptr<MosquittoCommand>> members;
  for (const std::string version : {"5", "mqttv311", "5"}) {
    members.push_back(std::make_unique<MosquittoCommand>(std::vector<std::string>{
        "stdbuf", "-oL", "mosquitto_sub", "-d", "-V", version, "-p", std::to_string(prosody.mqtt_port()),
        "-q", "1", "-t", shared_filter, "-C", "2", "-F", "message %p."}));
    members.back()->output().wait_for("Subscribed");
  }
  publish(1, 6);
  int sum = 0;
  for (const auto& member : members) {
    EXPECT_EQ(member->wait(), 0) << "each had two";
    member->output().wait_for_end();
    for (int i = 1; i <= 6; ++i) {
      if (member->output().count("^message " + std::to_string(i) + "\\.$") > 0) sum += i;
    }
  }
  EXPECT_EQ(sum, 1 + 2 + 3 + 4 + 5 + 6) << "and all together each message once";
}

TEST_P(SharedSubscription, WhatAMemberLeavesBehindGoesToTheOther) {
  RawMqtt a = join("a");
  RawMqtt b = join("b");
  publish(1, 4);
  const auto of_b = payloads(messages_so_far(b));
  ASSERT_EQ(of_b.size(), 2U);
  abort(a);  // it has acknowledged nothing
  Payloads all = of_b;
  for (int i = 0; i < 2; ++i) {
    const Message message = next_message(b);
    EXPECT_EQ(message.qos, 1);
    all.push_back(message.payload);
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Payloads{"1", "2", "3", "4"}));
}

TEST_P(SharedSubscription, WhoeverIsSlowHoldsNobodyUp) {
  RawMqtt slow = join("slow");
  RawMqtt fast = join("fast");
  Payloads all;
  for (int i = 1; i <= 100; ++i) {
    publish(std::to_string(i));
    for (const auto& message : messages_so_far(fast)) all.push_back(message.payload);
  }
  EXPECT_EQ(all.size(), 80U) << "all but those that fill the slow one's window";
  // It takes them after all.
  EXPECT_EQ(messages_so_far(slow).size(), 20U);
}

TEST_P(SharedSubscription, ASessionThatIsAwayGetsWhatNobodyElseCanHave) {
  RawMqtt away = with_session(prosody.mqtt_port(), "away");
  EXPECT_EQ(away.subscribe(shared_filter, QoS::at_least_once), mqtt::Reason::granted_qos_1);
  disconnect(away);
  {
    RawMqtt here = join("here");
    publish(1, 2);
    EXPECT_EQ(payloads(messages_so_far(here)), (Payloads{"1", "2"}));
    disconnect(here);
  }
  publish(3, 4);
  RawMqtt back = with_kept_session(prosody.mqtt_port(), "away");
  EXPECT_EQ(payloads(messages_waiting(back)), (Payloads{"3", "4"}));
}

TEST_P(SharedSubscription, AClientMayHaveOneForItselfToo) {
  RawMqtt client = join("client", QoS::at_most_once);
  EXPECT_EQ(client.subscribe(shared_topic), mqtt::Reason::granted_qos_0);
  messages_so_far(client);  // the newest item, where the node keeps it
  publish("1");
  EXPECT_EQ(payloads(messages_so_far(client)), (Payloads{"1", "1"}));
  client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {shared_filter}});
  client.read_packet<mqtt::Unsuback>();
  publish("2");
  EXPECT_EQ(payloads(messages_so_far(client)), (Payloads{"2"}));
}

class SharedSubscriptionRights : public RunningProsody {
 protected:
  RawMqtt log_in(const std::string& name, const std::string& filter) const {
    RawMqtt client(prosody.mqtt_port());
    const auto connack = connect(
        client, {.client_identifier = name, .user_name = name + "@localhost", .password = account_password});
    EXPECT_EQ(connack.reason, mqtt::Reason::success);
    EXPECT_EQ(client.subscribe(filter), mqtt::Reason::granted_qos_0);
    return client;
  }
};

TEST_F(SharedSubscriptionRights, EachMemberHasItsOwn) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("private", {{"access_model", "whitelist"}});
  const std::string filter = "$share/workers/pubsub.localhost/#";
  RawMqtt owner = log_in("admin", filter);
  RawMqtt other = log_in("juliet", filter);
  for (const char* payload : {"1", "2"}) {
    admin.publish("private", "", "<json xmlns='urn:xmpp:json:0'>" + std::string(payload) + "</json>");
    EXPECT_EQ(next_message(owner).payload, payload);
  }
  EXPECT_TRUE(messages_so_far(other).empty());
  RawMqtt anonymous = connected(prosody.mqtt_port(), "anonymous");
  EXPECT_EQ(anonymous.subscribe("$share/workers/pubsub.localhost/json/private"),
            mqtt::Reason::unspecified_error);
}

TEST_F(SharedSubscriptionRights, AccountsHaveGroupsOfTheirOwnWhereTheSettingSaysSo) {
  prosody.reload({.global = "mqtt_shared_groups = \"account\""});
  RawMqtt admin = log_in("admin", shared_filter);
  RawMqtt juliet = log_in("juliet", shared_filter);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publish(publisher, {.topic = shared_topic, .payload = "1", .qos = QoS::at_least_once});
  EXPECT_EQ(payloads(messages_so_far(admin)), (Payloads{"1"}));
  EXPECT_EQ(payloads(messages_so_far(juliet)), (Payloads{"1"}));
}

TEST_F(SharedSubscriptionRights, NoRetainedMessagesAreSent) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = shared_topic, .payload = "1", .qos = QoS::at_least_once, .retain = true});
  EXPECT_EQ(client.subscribe(shared_filter), mqtt::Reason::granted_qos_0);
  EXPECT_EQ(client.subscribe("$share/workers/pubsub.localhost/#"), mqtt::Reason::granted_qos_0);
  EXPECT_TRUE(messages_so_far(client).empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
