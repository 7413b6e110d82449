// A node with the topics h/TYPE/n, subscribers of 3.1.1 and of 5.0, and items that pubsub posts.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client.h"
#include "routing/audiences.h"

namespace pubsub_mqtt::session {

class DeliveryFixture : public ::testing::Test {
 protected:
  using Id = mqtt::PropertyIdentifier;
  using Level = mqtt::ProtocolLevel;
  using QoS = mqtt::QoS;
  using Type = topic::Type;

  static constexpr NodeId node = 7;
  static constexpr std::string_view topic = "h/utf8/n";

  DeliveryFixture() {
    server.sessions.handle(NodeOpened{.node = node, .host = "h", .name = "n"});
    // Room for what sessions ask, so that they are what is measured.
    server.requests.reserve(100);
  }

  // A session that outlives its connection, of a client that takes what `limits` says. Returns what it is sent again.
  std::string connect(Client& client, std::string_view identifier,
                      std::initializer_list<mqtt::Property> limits = {}, Level level = Level::mqtt_5) {
    std::string properties = encoded(limits);
    mqtt::append({.identifier = Id::session_expiry_interval, .value = 1000000U}, properties);
    client.send(mqtt::Connect{.level = level,
                              .clean_session = false,
                              .client_identifier = identifier,
                              .properties = mqtt::Properties(properties)},
                now);
    std::string_view sent = client.outbox.written;
    mqtt::PacketReader reader(largest_packet);
    reader.set_level(level);
    EXPECT_TRUE(std::holds_alternative<mqtt::Packet>(reader.read(sent)));  // CONNACK
    const std::string after(sent);
    client.outbox.take();
    return after;
  }
  void connect_3(Client& client, std::string_view identifier) {
    connect(client, identifier, {}, Level::mqtt_3_1_1);
  }

  // What the hub says: the natural topic, or one of a TYPE.
  void select(const Client& client, QoS qos) {
    AudienceChange change{.node = node, .session = client.session(), .selection = {}};
    change.selection.natural = qos;
    server.sessions.handle(change);
  }
  void select(const Client& client, QoS qos, Type type) {
    AudienceChange change{.node = node, .session = client.session(), .selection = {}};
    change.selection.by_form[static_cast<std::size_t>(type)] = qos;
    server.sessions.handle(change);
  }

  void pass(std::chrono::milliseconds time) {
    now += time;
    server.sessions.look(now);
  }

  Time in(std::chrono::milliseconds time) const { return now + time; }

  static std::shared_ptr<const std::string> said(std::initializer_list<mqtt::Property> properties) {
    return std::make_shared<const std::string>(encoded(properties));
  }

  void publish(std::string payload, Envelope envelope, Type natural = Type::utf8) {
    ItemPublished item{.node = node,
                       .natural_type = natural,
                       .payloads = {},
                       .published_as = natural,
                       .envelope = std::move(envelope)};
    item.payloads[static_cast<std::size_t>(natural)] = std::move(payload);
    server.sessions.handle(std::move(item));
  }
  void publish(std::string payload, QoS qos = QoS::at_least_once) {
    publish(std::move(payload), Envelope{.qos = qos});
  }

  static mqtt::Publish message(std::string_view payload, mqtt::PacketIdentifier packet_identifier = 0,
                               std::string_view properties = {}, bool dup = false) {
    return {.topic = topic,
            .payload = payload,
            .qos = packet_identifier == 0 ? QoS::at_most_once : QoS::at_least_once,
            .dup = dup,
            .packet_identifier = packet_identifier,
            .properties = mqtt::Properties(properties)};
  }
  static std::string bytes_5(const mqtt::Publish& publish) { return bytes_of(publish, Level::mqtt_5); }

  Time now{1000000};
  Server server;
  Client client{server};
  Client again{server};
  Client of_3{server};
};

}  // namespace pubsub_mqtt::session
