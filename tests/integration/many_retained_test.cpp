// Retained messages of many nodes, for a client that reads them slowly.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

// Nodes are many here, and a file for each is not what is tested.
class ManyRetained : public testing::Test {
 protected:
  static constexpr int nodes = 3000;
  static constexpr const char* filter = "pubsub.localhost/utf8/#";

  void SetUp() override {
    prosody.start({.global = "mqtt_max_queued_messages_in_memory = 10; mqtt_max_outbound_bytes = 20000",
                   .component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "memory"
    autocreate_on_publish = true)"});
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    for (int first = 0; first < nodes; first += batch) {
      for (int i = first; i < first + batch; ++i) {
        client.send(mqtt::Publish{.topic = topic_of(i),
                                  .payload = payload_of(i),
                                  .qos = at_least_once,
                                  .retain = true,
                                  .packet_identifier = static_cast<mqtt::PacketIdentifier>(i + 1)});
      }
      for (int i = 0; i < batch; ++i) client.read_packet<mqtt::Puback>();
    }
  }

  static std::string topic_of(int node) { return "pubsub.localhost/utf8/many/" + std::to_string(node); }
  static std::string payload_of(int node) { return std::to_string(node) + std::string(1000, 'x'); }

  // A client that leaves little room in the kernel.
  RawMqtt slow_reader() {
    RawMqtt client(std::make_unique<TcpStream>(prosody.mqtt_port(), "127.0.0.1", 4096));
    EXPECT_EQ(client.connect("reader"), mqtt::Reason::success);
    return client;
  }

  Prosody prosody;

 private:
  static constexpr int batch = 100;
};

TEST_F(ManyRetained, AWildcardLosesNoneAndXmppIsServed) {
  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  for (const mqtt::QoS qos : {at_most_once, at_least_once}) {
    RawMqtt reader = slow_reader();
    reader.subscribe(filter, qos);
    std::set<std::string> topics;
    for (int i = 0; i < nodes; ++i) {
      if (i % 500 == 0) romeo.ping("localhost");
      const Message message = next_message(reader);
      ASSERT_TRUE(message.retain);
      ASSERT_EQ(message.qos, static_cast<int>(qos));
      ASSERT_TRUE(topics.insert(message.topic).second) << message.topic;
    }
    EXPECT_TRUE(messages_so_far(reader).empty());
  }
}

TEST_F(ManyRetained, ANewerMessageIsNotFollowedByTheOneItReplaced) {
  RawMqtt reader = slow_reader();
  reader.subscribe(filter, at_least_once);
  RawMqtt client = connected(prosody.mqtt_port(), "publisher");
  constexpr int replaced = 5;
  for (int i = nodes - replaced; i < nodes; ++i) {
    publish(client, {.topic = topic_of(i), .payload = "newer", .qos = at_least_once, .retain = true});
  }
  std::map<std::string, std::string> last;
  while (last.size() < nodes) {
    const Message message = next_message(reader);
    ASSERT_TRUE(message.retain ? last.emplace(message.topic, message.payload).second : true) << message.topic;
    last[message.topic] = message.payload;
  }
  for (const Message& message : messages_so_far(reader)) last[message.topic] = message.payload;
  for (int i = nodes - replaced; i < nodes; ++i) EXPECT_EQ(last[topic_of(i)], "newer");
}

TEST_F(ManyRetained, UnsubscribeEndsTheFlow) {
  RawMqtt reader = slow_reader();
  reader.subscribe(filter, at_least_once);
  reader.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {filter}});
  int received = 0;
  while (!std::holds_alternative<mqtt::Unsuback>(reader.read())) ++received;
  EXPECT_LT(received, nodes);
  reader.ping();
}

TEST_F(ManyRetained, AClientThatGoesAwayOnTheWayGetsTheRestWhenItIsBack) {
  std::set<std::string> topics;
  {
    RawMqtt reader(std::make_unique<TcpStream>(prosody.mqtt_port(), "127.0.0.1", 4096));
    connect(reader, {.clean_session = false, .client_identifier = "returning"});
    reader.subscribe(filter, at_least_once);
    for (int i = 0; i < 100; ++i) topics.insert(next_message(reader).topic);
    abort(reader);
  }
  RawMqtt reader = with_kept_session(prosody.mqtt_port(), "returning");
  while (topics.size() < nodes) topics.insert(next_message(reader).topic);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
