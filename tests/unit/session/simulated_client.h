// A client that keeps to MQTT 3.1.1 or 5.0 in both roles and keeps its session over lost connections. It complains
// of every packet that a server may not send at that moment. Of 5.0 it speaks topic aliases, both ways, Receive Maximum,
// Session Expiry, and User Properties.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "client.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"

namespace pubsub_mqtt::session {

// A User Property that says again what the payload is: a message must keep what came with it.
inline mqtt::Property echo_of(std::string_view payload) {
  return {.value = mqtt::UserProperty{.name = "payload", .value = payload}};
}

// The payload that it names; empty where there is none.
inline std::string_view echo_in(const mqtt::Properties& properties) {
  for (const auto& [identifier, value] : properties) {
    const auto* echo = std::get_if<mqtt::UserProperty>(&value);
    if (echo != nullptr && echo->name == "payload") return echo->value;
  }
  return {};
}

class SimulatedClient {
 public:
  struct Message {
    std::string topic;
    std::string payload;
    mqtt::QoS qos = mqtt::QoS::at_most_once;
  };

  explicit SimulatedClient(std::string client_identifier,
                           mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1)
      : identifier_(std::move(client_identifier)), level_(level) {}

  // As a client of 5.0 says in CONNECT.
  static constexpr std::uint32_t receive_maximum = 2;
  static constexpr std::uint32_t topic_alias_maximum = 2;

  mqtt::ProtocolLevel level() const { return level_; }
  bool speaks_5() const { return level_ == mqtt::ProtocolLevel::mqtt_5; }

  const std::string& identifier() const { return identifier_; }
  // What it published at QoS 1 and 2, and what it was given, in order.
  const std::vector<Message>& published() const { return published_; }
  const std::vector<Message>& received() const { return received_; }
  bool is_finished() const { return outgoing_.empty() && incoming_.empty() && filter_.empty(); }
  bool is_connected() const { return connected_; }
  bool can_publish() const { return connected_ && outgoing_.size() < max_outgoing_; }

  // Asks for it in its first connection, and again until it has the answer.
  void subscribe(std::string filter) { filter_ = std::move(filter); }

  // Bytes for the server; whoever moves them takes them.
  std::string out;

  void open(std::string_view will) {
    using Id = mqtt::PropertyIdentifier;
    reader_.emplace(max_packet_size);
    reader_->set_level(level_);
    connected_ = false;
    aliases_.clear();
    aliases_of_server_.clear();
    const std::string properties =
        encoded({{.identifier = Id::session_expiry_interval, .value = 0xFFFFFFFFU},
                 {.identifier = Id::receive_maximum, .value = receive_maximum},
                 {.identifier = Id::topic_alias_maximum, .value = topic_alias_maximum}});
    out = bytes_of(mqtt::Connect{.level = level_,
                                 .clean_session = false,
                                 .keep_alive = 10,
                                 .client_identifier = identifier_,
                                 .will = mqtt::Publish{.topic = "h/utf8/will", .payload = will},
                                 .properties = mqtt::Properties(properties)});
  }

  void lose() {
    connected_ = false;
    reader_.reset();
    out.clear();
    for (auto& each : outgoing_) each.sent_here = false;
  }

  void publish(std::string_view topic, mqtt::QoS qos) {
    Message message{std::string(topic), identifier_ + ":" + std::to_string(++last_payload_), qos};
    if (qos == mqtt::QoS::at_most_once) {
      write({.topic = message.topic, .payload = message.payload});
      return;
    }
    published_.push_back(message);
    outgoing_.push_back({.message = std::move(message), .packet_identifier = next_identifier()});
    send(outgoing_.back(), false);
  }

  void ping() { out += bytes_of(mqtt::Pingreq{}, level_); }
  void disconnect() { out += bytes_of(mqtt::Disconnect{}, level_); }

  void receive(std::string_view bytes) {
    while (reader_) {
      const auto result = reader_->read(bytes);
      if (std::holds_alternative<mqtt::NeedMoreBytes>(result)) return;
      ASSERT_TRUE(std::holds_alternative<mqtt::Packet>(result)) << "the server sends what is no MQTT";
      std::visit([this](const auto& packet) { handle(packet); }, std::get<mqtt::Packet>(result));
    }
  }

 private:
  static constexpr std::size_t max_packet_size = 100000;
  static constexpr std::size_t max_outgoing = 6;
  // Few, so that each is used again soon: a stale acknowledgement would meet another message.
  static constexpr mqtt::PacketIdentifier last_packet_identifier = 8;
  static constexpr mqtt::PacketIdentifier subscribe_identifier = 9;

  struct Outgoing {
    Message message;
    mqtt::PacketIdentifier packet_identifier = 0;
    bool released = false;   // PUBREC has come
    bool sent_here = false;  // on this connection
  };

  mqtt::PacketIdentifier next_identifier() {
    do {
      last_identifier_ = static_cast<mqtt::PacketIdentifier>(last_identifier_ % last_packet_identifier + 1);
    } while (find(last_identifier_) != nullptr);
    return last_identifier_;
  }

  Outgoing* find(mqtt::PacketIdentifier packet_identifier) {
    const auto found = std::find_if(outgoing_.begin(), outgoing_.end(), [&](const Outgoing& each) {
      return each.packet_identifier == packet_identifier;
    });
    return found == outgoing_.end() ? nullptr : &*found;
  }

  void finish(const Outgoing* finished) {
    outgoing_.erase(outgoing_.begin() + (finished - outgoing_.data()));
  }

  void send(Outgoing& each, bool again) {
    each.sent_here = true;
    if (each.released) {
      out += bytes_of(mqtt::Pubrel{.packet_identifier = each.packet_identifier}, level_);
    } else {
      write({.topic = each.message.topic,
             .payload = each.message.payload,
             .qos = each.message.qos,
             .dup = again,
             .packet_identifier = each.packet_identifier});
    }
  }

  // A topic goes with its alias the first time, and is left out from then on.
  void write(mqtt::Publish publish) {
    std::string properties;
    const std::string topic(publish.topic);
    if (const auto known = aliases_.find(topic); known != aliases_.end()) {
      publish.topic = {};
      properties = encoded({{.identifier = mqtt::PropertyIdentifier::topic_alias, .value = known->second}});
    } else if (aliases_.size() < most_aliases_) {
      const auto alias = static_cast<std::uint32_t>(aliases_.size() + 1);
      aliases_.emplace(topic, alias);
      properties = encoded({{.identifier = mqtt::PropertyIdentifier::topic_alias, .value = alias}});
    }
    if (speaks_5()) properties += encoded({echo_of(publish.payload)});
    publish.properties = mqtt::Properties(properties);
    out += bytes_of(publish, level_);
  }

  // Of a message from the server.
  std::string topic_of(const mqtt::Publish& publish) {
    const auto alias = publish.properties.integer(mqtt::PropertyIdentifier::topic_alias);
    if (!alias) return std::string(publish.topic);
    EXPECT_LE(*alias, topic_alias_maximum);
    auto& topic = aliases_of_server_[*alias];
    if (!publish.topic.empty()) topic = publish.topic;
    EXPECT_FALSE(topic.empty()) << "an alias that was not set on this connection";
    return topic;
  }

  void handle(const mqtt::Connack& connack) {
    EXPECT_EQ(connack.reason, mqtt::Reason::success);
    EXPECT_TRUE(connack.session_present || !was_connected_) << "the server lost the session";
    connected_ = was_connected_ = true;
    if (speaks_5()) {
      using Id = mqtt::PropertyIdentifier;
      max_outgoing_ = std::min<std::size_t>(max_outgoing,
                                            connack.properties.integer(Id::receive_maximum).value_or(65535));
      most_aliases_ = connack.properties.integer(Id::topic_alias_maximum).value_or(0);
    }
    if (!filter_.empty()) {
      out += bytes_of(
          mqtt::Subscribe{.packet_identifier = subscribe_identifier,
                          .subscriptions = {{.topic_filter = filter_, .qos = mqtt::QoS::exactly_once}}},
          level_);
    }
    for (auto& each : outgoing_) send(each, true);
  }

  void handle(const mqtt::Suback& suback) {
    EXPECT_FALSE(filter_.empty());
    EXPECT_EQ(suback.packet_identifier, subscribe_identifier);
    EXPECT_EQ(suback.reasons, std::vector<mqtt::Reason>{mqtt::Reason::granted_qos_2});
    filter_.clear();
  }

  void handle(const mqtt::Publish& publish) {
    EXPECT_TRUE(connected_) << "a PUBLISH before CONNACK";
    if (speaks_5()) {
      EXPECT_EQ(echo_in(publish.properties), publish.payload) << "a message lost its properties";
    }
    const auto id = publish.packet_identifier;
    const std::string topic = topic_of(publish);
    if (publish.qos != mqtt::QoS::exactly_once || incoming_.insert(id).second) {
      received_.push_back({topic, std::string(publish.payload), publish.qos});
    }
    if (publish.qos == mqtt::QoS::at_least_once)
      out += bytes_of(mqtt::Puback{.packet_identifier = id}, level_);
    if (publish.qos == mqtt::QoS::exactly_once)
      out += bytes_of(mqtt::Pubrec{.packet_identifier = id}, level_);
  }

  void handle(const mqtt::Pubrel& pubrel) {
    incoming_.erase(pubrel.packet_identifier);
    out += bytes_of(mqtt::Pubcomp{.packet_identifier = pubrel.packet_identifier}, level_);
  }

  void handle(const mqtt::Puback& puback) {
    const Outgoing* each = find(puback.packet_identifier);
    ASSERT_TRUE(each != nullptr && each->sent_here && each->message.qos == mqtt::QoS::at_least_once)
        << "a PUBACK for nothing";
    finish(each);
  }

  void handle(const mqtt::Pubrec& pubrec) {
    Outgoing* each = find(pubrec.packet_identifier);
    const bool is_over = speaks_5() && mqtt::is_error(pubrec.reason);
    ASSERT_TRUE(each != nullptr && each->sent_here && each->message.qos == mqtt::QoS::exactly_once &&
                !each->released)
        << "a PUBREC for nothing";
    if (is_over) return finish(each);
    each->released = true;
    send(*each, false);
  }

  void handle(const mqtt::Pubcomp& pubcomp) {
    const Outgoing* each = find(pubcomp.packet_identifier);
    ASSERT_TRUE(each != nullptr && each->sent_here && each->released) << "a PUBCOMP for nothing";
    finish(each);
  }

  void handle(const mqtt::Pingresp& /*packet*/) {}

  void handle(const mqtt::Disconnect& disconnect) {
    EXPECT_TRUE(speaks_5()) << "a server's DISCONNECT before 5.0";
    for (const auto own_fault : {mqtt::Reason::malformed_packet, mqtt::Reason::protocol_error,
                                 mqtt::Reason::receive_maximum_exceeded, mqtt::Reason::topic_alias_invalid}) {
      EXPECT_NE(disconnect.reason, own_fault) << "the client keeps to the rules";
    }
  }

  template <typename Packet>
  void handle(const Packet& /*packet*/) {
    ADD_FAILURE() << "a packet that nobody asked for";
  }

  std::string identifier_;
  mqtt::ProtocolLevel level_;
  std::size_t max_outgoing_ = max_outgoing;
  std::size_t most_aliases_ = 0;                            // that the server takes
  std::map<std::string, std::uint32_t> aliases_;            // by topic, on this connection
  std::map<std::uint32_t, std::string> aliases_of_server_;  // likewise
  std::optional<mqtt::PacketReader> reader_;
  bool connected_ = false;
  bool was_connected_ = false;
  std::vector<Outgoing> outgoing_;             // in the order in which they were published
  std::set<mqtt::PacketIdentifier> incoming_;  // at QoS 2, not released yet
  mqtt::PacketIdentifier last_identifier_ = 0;
  int last_payload_ = 0;
  std::string filter_;  // that it is waiting for
  std::vector<Message> published_;
  std::vector<Message> received_;
};

}  // namespace pubsub_mqtt::session
