// Connections between simulated clients and the sessions under test: bytes take their time, are cut anywhere,
// and are lost with their connection. It reads along, and complains where the server breaks a rule of its
// window.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "client.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "simulated_client.h"

namespace pubsub_mqtt::session {

// What a server has in flight to one client, judged by the packets that it writes and takes.
class Window {
 public:
  explicit Window(std::size_t size) : size_(size) {}

  bool empty() const { return in_flight_.empty(); }

  void connection_opened() { sent_here_.clear(); }

  void server_writes(const mqtt::Publish& publish) {
    if (publish.qos == mqtt::QoS::at_most_once) return;
    const auto id = publish.packet_identifier;
    EXPECT_TRUE(sent_here_.insert(id).second) << "sent twice on one connection [MQTT-4.4.0-1]";
    const auto known = in_flight_.find(id);
    if (publish.dup) {
      ASSERT_NE(known, in_flight_.end()) << "DUP on what was never sent";
      EXPECT_EQ(known->second, publish.payload) << "an identifier in use was given to another message";
    } else {
      EXPECT_EQ(known, in_flight_.end()) << "packet identifier " << id << " is in use [MQTT-2.3.1-4]";
      in_flight_.emplace(id, publish.payload);
      EXPECT_LE(in_flight_.size(), size_) << "more in flight than the window holds";
    }
  }

  void server_took(const mqtt::Puback& puback) { finish(puback.packet_identifier); }
  void server_took(const mqtt::Pubcomp& pubcomp) { finish(pubcomp.packet_identifier); }

 private:
  void finish(mqtt::PacketIdentifier packet_identifier) {
    in_flight_.erase(packet_identifier);
    sent_here_.erase(packet_identifier);
  }

  std::size_t size_;
  std::map<mqtt::PacketIdentifier, std::string> in_flight_;
  std::set<mqtt::PacketIdentifier> sent_here_;
};

class Link {
 public:
  Link(Server& server, SimulatedClient& client, Window& window, ConnectionId id, Time now)
      : server_(server),
        client_(&client),
        window_(window),
        connection_(std::make_unique<Connection>(id,
                                                 Peer{.address = "127.0.0.1",
                                                      .name = client.identifier(),
                                                      .is_loopback = true,
                                                      .is_encrypted = false},
                                                 now, server.sessions, outbox_)) {
    from_server_.set_level(client.level());
  }

  // One of the two has gone, and the other may not know it yet.
  bool has_client() const { return client_ != nullptr; }
  bool has_server() const { return connection_ != nullptr; }
  bool server_saw_connect() const { return server_saw_connect_; }
  bool server_saw_disconnect() const { return server_saw_disconnect_; }

  // Something is on its way.
  bool is_quiet() const {
    return to_client_.empty() && to_server_.empty() && (client_ == nullptr || client_->out.empty());
  }

  // The client has gone; `arrives` bytes of what it had sent may still reach the server.
  void lose_client(std::size_t arrives) {
    take_from_client();
    client_->lose();
    client_ = nullptr;
    to_client_.clear();
    to_server_.resize(std::min(to_server_.size(), arrives));
    note_waiting_bytes();
  }

  void lose_server() {
    connection_.reset();
    to_server_.clear();
  }

  void expire(Time now) {
    if (connection_ != nullptr) connection_->expire(now);
    server_wrote();
  }

  // The next packet from the client, in two pieces cut at `cut`.
  void carry_to_server(std::size_t cut, Time now) {
    take_from_client();
    if (connection_ == nullptr || to_server_.size() < 2 || reading_paused_) return;
    // None of these clients' packets is longer than a remaining length of one byte can say.
    const std::size_t size = std::min(to_server_.size(), 2 + static_cast<std::size_t>(to_server_[1]));
    const std::string packet = to_server_.substr(0, size);
    cut = std::min(cut, size);
    const std::size_t taken = offer(packet.substr(0, cut), now);
    to_server_.erase(0, taken);
    if (taken == cut && connection_ != nullptr) to_server_.erase(0, offer(packet.substr(cut), now));
    server_wrote();
  }

  void carry_to_client(std::size_t bytes) {
    const std::string some = to_client_.substr(0, bytes);
    to_client_.erase(0, some.size());
    if (client_ != nullptr) client_->receive(some);
    note_waiting_bytes();
    // The client sees the end of the stream.
    if (connection_ == nullptr && to_client_.empty() && client_ != nullptr) lose_client(0);
  }

  // After everything that may have made the server write or close.
  void server_wrote() {
    const std::string bytes = outbox_.take();
    std::string_view left = bytes;
    while (!left.empty()) {
      const auto result = from_server_.read(left);
      if (const auto* packet = std::get_if<mqtt::Packet>(&result)) {
        if (const auto* publish = std::get_if<mqtt::Publish>(packet)) window_.server_writes(*publish);
      }
    }
    if (client_ != nullptr) to_client_ += bytes;
    note_waiting_bytes();
    if (std::exchange(outbox_.resumed, 0) > 0) reading_paused_ = false;
    if (outbox_.closed && connection_ != nullptr) lose_server();
  }

 private:
  void take_from_client() {
    if (client_ != nullptr) to_server_ += std::exchange(client_->out, {});
  }

  // How many bytes the server took.
  std::size_t offer(std::string_view bytes, Time now) {
    std::string_view left = bytes;
    // What it takes, it has taken before it answers.
    connection_->receive(left, now);
    std::string_view taken = bytes.substr(0, bytes.size() - left.size());
    if (!left.empty() && !outbox_.closed) reading_paused_ = outbox_.resumed == 0;
    const std::size_t size = taken.size();
    while (!taken.empty()) {
      const auto result = from_client_.read(taken);
      if (const auto* packet = std::get_if<mqtt::Packet>(&result)) note(*packet);
    }
    return size;
  }

  void note(const mqtt::Packet& packet) {
    if (std::holds_alternative<mqtt::Connect>(packet)) {
      server_saw_connect_ = true;
      window_.connection_opened();
    }
    if (std::holds_alternative<mqtt::Disconnect>(packet)) server_saw_disconnect_ = true;
    if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) window_.server_took(*puback);
    if (const auto* pubcomp = std::get_if<mqtt::Pubcomp>(&packet)) window_.server_took(*pubcomp);
  }

  // As the net room does it: told once when less than half of the limit waits, after it was more.
  void note_waiting_bytes() {
    outbox_.stalled = to_client_.size();
    const std::size_t half = server_.limits.max_outbound_bytes / 2;
    if (outbox_.stalled > half) crowded_ = true;
    if (outbox_.stalled > half || !crowded_ || outbox_.closed || connection_ == nullptr) return;
    crowded_ = false;
    connection_->drained();
    if (std::exchange(outbox_.resumed, 0) > 0) reading_paused_ = false;
  }

  Server& server_;
  SimulatedClient* client_;
  Window& window_;
  TestOutbox outbox_;
  std::unique_ptr<Connection> connection_;
  mqtt::PacketReader from_server_{100000};
  mqtt::PacketReader from_client_{100000};
  std::string to_server_;
  std::string to_client_;
  bool reading_paused_ = false;
  bool crowded_ = false;
  bool server_saw_connect_ = false;
  bool server_saw_disconnect_ = false;
};

}  // namespace pubsub_mqtt::session
