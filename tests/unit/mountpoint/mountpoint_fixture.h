// Both threads' halves of the gateway as one: sessions, and the hub in front of a pubsub service in memory. What one
// asks, the other carries out at once.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../hub/hub_fixture.h"
#include "../session/client.h"
#include "pubsub_mqtt/topic/mountpoint.h"

namespace pubsub_mqtt {

using mqtt::QoS;
using mqtt::Reason;
using session::Client;

class MountpointFixture : public ::testing::Test {
 protected:
  using Topics = std::vector<std::string>;

  MountpointFixture() {
    service.hub = &hub;
    service.open.clear();
  }

  void mount(std::string_view setting, topic::Mountpoint::Hosts hosts = {"pubsub", "news"}) {
    hub.set_mountpoint(std::get<topic::Mountpoint>(topic::Mountpoint::parse(setting, std::move(hosts))));
    run();
  }
  void unmount() {
    hub.set_mountpoint(std::nullopt);
    run();
  }

  void create(const std::string& node) {
    service.open[node] = true;
    hub.node_created("pubsub", node);
    run();
  }

  // Until neither half has anything to tell the other.
  void run() {
    do {
      hub.accept(server.requests);
      while (hub.step()) continue;
      deliver();
    } while (!server.requests.empty());
  }
  void deliver() {
    std::vector<Delivery> deliveries;
    hub.take_deliveries(deliveries);
    for (auto& each : deliveries) server.sessions.handle(std::move(each));
  }

  // A client with a session that outlives its connection; of an account, or without login.
  std::unique_ptr<Client> connect(std::string_view identifier, const std::string& account = {},
                                  std::optional<mqtt::Publish> will = std::nullopt,
                                  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1,
                                  std::string_view properties = {}) {
    auto client = std::make_unique<Client>(server);
    mqtt::Connect packet{
        .level = level, .clean_session = false, .client_identifier = identifier, .will = std::move(will)};
    if (level == mqtt::ProtocolLevel::mqtt_5) packet.properties = mqtt::Properties(properties);
    if (!account.empty()) {
      packet.user_name = account;
      packet.password = "secret";
    }
    client->send(packet);
    run();
    if (!account.empty()) {
      server.sessions.handle(
          LoginReply{.connection = client->id, .reason = Reason::success, .account = account});
      client->note_session();
    }
    run();
    client->outbox.take();
    return client;
  }
  std::unique_ptr<Client> connect_5(std::string_view identifier, std::string_view properties = {}) {
    return connect(identifier, {}, std::nullopt, mqtt::ProtocolLevel::mqtt_5, properties);
  }

  // What SUBACK says.
  Reason subscribe(Client& client, std::string_view filter, QoS qos = QoS::at_most_once,
                   std::string_view properties = {}) {
    client.send(mqtt::Subscribe{.packet_identifier = 1,
                                .subscriptions = {{.topic_filter = filter, .qos = qos}},
                                .properties = mqtt::Properties(properties)});
    return granted(client);
  }
  Reason granted(Client& client) {
    run();
    const std::string bytes = client.outbox.written;
    for (const auto& packet : session::packets_in(bytes, client.level)) {
      const auto* suback = std::get_if<mqtt::Suback>(&packet);
      if (suback == nullptr) continue;
      const Reason reason = suback->reasons.at(0);
      client.outbox.written.erase(0, session::bytes_of(*suback, client.level).size());
      return reason;
    }
    ADD_FAILURE() << "no SUBACK";
    return Reason::unspecified_error;
  }
  void unsubscribe(Client& client, std::string_view filter) {
    client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {filter}});
    run();
    client.outbox.take();
  }

  void publish(Client& client, std::string_view topic, std::string_view payload, bool retain = false) {
    client.send(mqtt::Publish{.topic = topic, .payload = payload, .retain = retain});
    run();
  }

  // What has come since this was asked last, as "topic=payload", with "/QoS" where that is not 0, and "!" where it is
  // retained.
  Topics received(Client& client) {
    Topics all;
    const std::string bytes = client.outbox.take();
    for (const auto& packet : session::packets_in(bytes, client.level)) {
      const auto* message = std::get_if<mqtt::Publish>(&packet);
      if (message == nullptr) continue;
      std::string text = std::string(message->topic) + '=' + std::string(message->payload);
      if (message->qos != QoS::at_most_once) text += '/' + std::to_string(static_cast<int>(message->qos));
      if (message->retain) text += '!';
      all.push_back(std::move(text));
    }
    return all;
  }

  bool logged(std::string_view words) const {
    for (const auto& line : service.lines) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }

  hub::TestService service;
  hub::Hub hub{service, {}};
  session::Server server;
};

}  // namespace pubsub_mqtt
