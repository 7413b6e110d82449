// Nobody's speed is another one's burden.
#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "held_up.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using mqtt::QoS::at_least_once;

class BackPressure : public testing::Test {
 protected:
  void start(const std::string& settings) {
    prosody.start({.global = settings});
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    admin.create("node", {{"access_model", "open"}, {"persist_items", "false"}});
  }

  Prosody prosody;
};

std::string numbered(int number) {
  std::string payload = std::to_string(number) + ' ';
  payload.resize(100000, 'x');
  return payload;
}

TEST_F(BackPressure, ASubscriberThatDoesNotReadLosesMessagesAndNobodyElseDoes) {
  start("mqtt_max_outbound_bytes = 65536");
  constexpr int messages = 200;  // 20 MB: more than the kernel keeps for a connection
  RawMqtt slow(std::make_unique<TcpStream>(prosody.mqtt_port(), "127.0.0.1", 4096));
  ASSERT_EQ(slow.connect("slow"), mqtt::Reason::success);
  ASSERT_EQ(slow.subscribe(topic), mqtt::Reason::granted_qos_0);
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  ASSERT_EQ(reader.subscribe(topic), mqtt::Reason::granted_qos_0);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  for (int i = 0; i < messages; ++i) {
    const std::string payload = numbered(i);
    publisher.send(mqtt::Publish{.topic = topic, .payload = payload});
    ASSERT_EQ(reader.read_packet<mqtt::Publish>().payload, payload);
  }
  prosody.log().wait_for("slow.*mqtt_max_outbound_bytes");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("slow.*mqtt_max_outbound_bytes"), 1U);

  // What it was sent is whole, in order, and not all; the connection lives.
  slow.send(mqtt::Pingreq{});
  int last = -1;
  int received = 0;
  for (mqtt::Packet packet = slow.read(); std::holds_alternative<mqtt::Publish>(packet);
       packet = slow.read()) {
    const std::string payload(std::get<mqtt::Publish>(packet).payload);
    const int number = std::stoi(payload);
    EXPECT_GT(number, last);
    EXPECT_EQ(payload, numbered(number));
    last = number;
    ++received;
  }
  EXPECT_GT(received, 0);
  EXPECT_LT(received, messages);
}

// Publishes so many, 50 of them not acknowledged. Returns when all are.
void publish_at_full_speed(std::uint16_t port, int messages) {
  RawMqtt client = connected(port, "publisher");
  int acknowledged = 0;
  for (int sent = 0; acknowledged < messages;) {
    for (; sent < messages && sent - acknowledged < 50; ++sent) {
      const std::string payload = std::to_string(sent);
      client.send(mqtt::Publish{.topic = topic,
                                .payload = payload,
                                .qos = at_least_once,
                                .packet_identifier = static_cast<mqtt::PacketIdentifier>(sent + 1)});
    }
    EXPECT_EQ(client.read_packet<mqtt::Puback>().packet_identifier, ++acknowledged);
  }
}

// Sends so many messages of 200 kB at QoS 0, at once.
void publish_burst(std::uint16_t port, int messages) {
  RawMqtt publisher = connected(port, "publisher");
  const std::string payload(200'000, 'x');
  for (int i = 0; i < messages; ++i) publisher.send(mqtt::Publish{.topic = topic, .payload = payload});
  publisher.ping();
}

TEST_F(BackPressure, ABurstArrivesWholeWhereTheSubscriberReads) {
  start("");
  RawMqtt subscriber = connected(prosody.mqtt_port(), "subscriber");
  ASSERT_EQ(subscriber.subscribe(topic), mqtt::Reason::granted_qos_0);
  constexpr int messages = 100;
  auto publisher = std::async(std::launch::async, publish_burst, prosody.mqtt_port(), messages);
  for (int i = 0; i < messages; ++i) {
    ASSERT_EQ(subscriber.read_packet<mqtt::Publish>().payload.size(), 200'000U) << i;
  }
  publisher.get();
}

TEST_F(BackPressure, ASubscriberThatAcknowledgesLosesNothing) {
  start("mqtt_max_queued_messages_in_memory = 10");
  RawMqtt subscriber = connected(prosody.mqtt_port(), "subscriber");
  ASSERT_EQ(subscriber.subscribe(topic, at_least_once), mqtt::Reason::granted_qos_1);
  constexpr int messages = 5000;
  auto publisher = std::async(std::launch::async, publish_at_full_speed, prosody.mqtt_port(), messages);
  for (int i = 0; i < messages; ++i) ASSERT_EQ(next_message(subscriber).payload, std::to_string(i));
  publisher.get();
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("mqtt_max_queued_messages"), 0U);
}

TEST_F(BackPressure, ASubscriberThatDoesNotAcknowledgeIsWaitedForTenSeconds) {
  start("mqtt_max_inflight = 2; mqtt_max_queued_messages_in_memory = 3");
  RawMqtt stuck = connected(prosody.mqtt_port(), "stuck");
  ASSERT_EQ(stuck.subscribe(topic, at_least_once), mqtt::Reason::granted_qos_1);
  const auto begin = Clock::now();
  // The sixth finds no place and waits, the next two are dropped.
  for (const int messages : {6, 1, 1}) publish_at_full_speed(prosody.mqtt_port(), messages);
  EXPECT_GT(Clock::now() - begin, std::chrono::seconds(10));
  prosody.log().wait_for("stuck.*mqtt_max_queued_messages_in_memory");
  for (int i = 0; i < 6; ++i) EXPECT_EQ(next_message(stuck).payload, std::to_string(i));
  EXPECT_TRUE(messages_so_far(stuck).empty());
}

// Each of five has as much on its way through pubsub as a client may, at QoS 0, when pubsub begins to answer: together
// that is more than twice what may wait for the subscriber, which reads a little later.
TEST_F(BackPressure, WhatSeveralPublishersHaveOnTheirWayArrivesWhole) {
  start("");
  RawMqtt subscriber(std::make_unique<TcpStream>(prosody.mqtt_port(), "127.0.0.1", 4096));
  ASSERT_EQ(subscriber.connect("subscriber"), mqtt::Reason::success);
  ASSERT_EQ(subscriber.subscribe(topic), mqtt::Reason::granted_qos_0);
  constexpr int messages = 5;
  std::list<RawMqtt> publishers;
  {
    const HeldUp held(prosody);
    for (const char* name : {"1", "2", "3", "4", "5"}) {
      RawMqtt& publisher = publishers.emplace_back(connected(prosody.mqtt_port(), name));
      for (int i = 0; i < messages; ++i) {
        std::string payload = name + std::to_string(i);
        payload.resize(200'000, 'x');
        publisher.send(mqtt::Publish{.topic = topic, .payload = payload});
      }
      publisher.send(
          mqtt::Publish{.topic = topic, .payload = name, .qos = at_least_once, .packet_identifier = 1});
      publisher.ping();
    }
  }
  for (auto& publisher : publishers) publisher.read_packet<mqtt::Puback>();
  std::map<char, int> received;  // by publisher
  for (int i = 0; i < 5 * (messages + 1); ++i) {
    const std::string payload(subscriber.read_packet<mqtt::Publish>().payload);
    int& number = received[payload[0]];
    if (number < messages) {
      EXPECT_EQ(payload[1] - '0', number) << payload[0];
    }
    ++number;
  }
}

TEST_F(BackPressure, APublisherFasterThanPubsubIsSlowedByTcp) {
  start("mqtt_max_outbound_bytes = 1024*1024*1024");
  RawMqtt subscriber = connected(prosody.mqtt_port(), "subscriber");
  ASSERT_EQ(subscriber.subscribe(topic), mqtt::Reason::granted_qos_0);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  auto& stream = dynamic_cast<TcpStream&>(publisher.stream());

  constexpr std::size_t far_too_much = 256UL << 20;
  const std::string payload(1000, 'x');
  std::string packet;
  mqtt::write(mqtt::Publish{.topic = topic, .payload = payload}, packet);
  std::size_t sent = 0;
  std::string_view unsent = packet;
  {
    const HeldUp held(prosody);
    pollfd writable{stream.fd(), POLLOUT, 0};
    // Until there is no progress for a second: the server has stopped reading.
    while (sent < far_too_much && poll(&writable, 1, 1000) == 1) {
      const std::size_t size = stream.send_some(unsent);
      sent += size;
      unsent.remove_prefix(size);
      if (unsent.empty()) unsent = packet;
    }
    EXPECT_LT(sent, far_too_much);
  }
  // What was taken is published.
  publisher.send_bytes(unsent);
  const std::size_t published = (sent + unsent.size()) / packet.size();
  for (std::size_t i = 0; i < published; ++i)
    ASSERT_EQ(subscriber.read_packet<mqtt::Publish>().payload, payload);
}

struct Wire {
  const char* name;
  std::function<std::unique_ptr<ByteStream>(const Prosody&)> connect;
};

void PrintTo(const Wire& wire, std::ostream* out) { *out << wire.name; }

class BackPressureAtTheEnd : public BackPressure, public testing::WithParamInterface<Wire> {};

// The end of the connection arrives while most of what came before it waits.
TEST_P(BackPressureAtTheEnd, WhatCameBeforeItIsCarriedOut) {
  start("");
  RawMqtt witness = connected(prosody.mqtt_port(), "witness");
  ASSERT_EQ(witness.subscribe("pubsub.localhost/utf8/#"), mqtt::Reason::granted_qos_0);
  RawMqtt publisher(GetParam().connect(prosody));
  connect(publisher, {.client_identifier = "publisher",
                      .will = mqtt::Publish{.topic = "pubsub.localhost/utf8/will", .payload = "gone"}});
  constexpr int messages = 1000;
  std::string bytes;
  for (int i = 0; i < messages; ++i) {
    mqtt::write(mqtt::Publish{.topic = topic, .payload = std::to_string(i)}, bytes);
  }
  mqtt::write(mqtt::Disconnect{}, bytes);
  {
    const HeldUp held(prosody);
    publisher.stream().send_last(bytes);
    // The network thread has read it: it is the same one that answers here.
    connected(prosody.mqtt_port(), "other").ping();
  }
  for (int i = 0; i < messages; ++i) {
    ASSERT_EQ(witness.read_packet<mqtt::Publish>().payload, std::to_string(i));
  }
  publisher.wait_for_close();
  EXPECT_TRUE(messages_so_far(witness).empty());  // no will
  prosody.log().wait_for("publisher.*: disconnected");
}

INSTANTIATE_TEST_SUITE_P(, BackPressureAtTheEnd,
                         testing::Values(Wire{"OfTcp",
                                              [](const Prosody& prosody) {
                                                return std::make_unique<TcpStream>(prosody.mqtt_port());
                                              }},
                                         Wire{"OfTls",
                                              [](const Prosody& prosody) {
                                                return std::make_unique<TlsStream>(prosody.mqtt_tls_port(),
                                                                                   TlsStream::Options{});
                                              }}),
                         [](const testing::TestParamInfo<Wire>& test) { return test.param.name; });

}  // namespace
}  // namespace pubsub_mqtt::tests
