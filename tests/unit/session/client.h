// A client without a network: an Outbox that reads what a session wrote, and a connection to feed.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/session.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/session/connection.h"
#include "pubsub_mqtt/session/sessions.h"

namespace pubsub_mqtt::session {

// Keeps what was written until the test takes it; `stalled` is how much the socket has not taken before that.
class TestOutbox final : public Outbox {
 public:
  void write(std::string_view packets) override {
    EXPECT_FALSE(closed) << "nothing is written after close()";
    written += packets;
  }
  void write(std::shared_ptr<const std::string> packets) override {
    shared += packets->size();
    write(*packets);
  }
  std::size_t waiting_bytes() const override { return stalled; }
  void close() noexcept override { closed = true; }
  void resume_reading() noexcept override { ++resumed; }

  std::string take() { return std::exchange(written, {}); }

  std::string written;
  std::size_t shared = 0;  // so much was written without a copy
  std::size_t stalled = 0;
  bool closed = false;
  int resumed = 0;
};

// The network thread's half of the world.
struct Server {
  Limits limits;
  std::vector<Request> requests;
  std::vector<LogLine> log;
  Sessions sessions{limits, requests, log};
  ConnectionId last_connection = 0;

  template <typename Kind>
  std::vector<Kind> requested() const {
    std::vector<Kind> found;
    for (const auto& request : requests) {
      if (const auto* each = std::get_if<Kind>(&request)) found.push_back(*each);
    }
    return found;
  }

  std::vector<ClientView> views() const {
    std::vector<ClientView> all;
    ClientQuery query{.most = any_number};
    do {
      const auto page = sessions.clients(query);
      all.insert(all.end(), page.clients.begin(), page.clients.end());
      query.from = page.next;
    } while (query.from != 0);
    return all;
  }

  // Whose they are that are there, as log lines call them.
  std::vector<std::string> clients() const {
    std::vector<std::string> names;
    for (const auto& view : views()) names.push_back(sessions.find(view.session)->client());
    return names;
  }

  bool logged(std::string_view words) const { return lines(words) > 0; }

  std::size_t lines(std::string_view words) const {
    std::size_t count = 0;
    for (const auto& line : log) count += line.text.find(words) != std::string::npos ? 1 : 0;
    return count;
  }

  // Of the only session, which has no connection.
  void expect_end_of_session(Time at) {
    EXPECT_EQ(sessions.deadline(), at);
    sessions.expire(at - Time(1));
    EXPECT_EQ(sessions.size(), 1U);
    sessions.expire(at);
    EXPECT_EQ(sessions.size(), 0U);
  }

  void answer(const SubscribeRequest& request) {
    std::vector<mqtt::Reason> results;
    for (const auto& subscription : request.subscriptions) results.push_back(mqtt::granted(subscription.qos));
    sessions.handle(SubscribeReply{
        .ticket = request.ticket, .subscriptions = request.subscriptions, .results = std::move(results)});
  }

  // What pubsub says to the publish that was asked for last.
  void answer(PublishReply::Outcome outcome = PublishReply::Outcome::accepted) {
    answer(requested<PublishRequest>().back(), outcome);
  }

  void answer(const PublishRequest& request,
              PublishReply::Outcome outcome = PublishReply::Outcome::accepted) {
    sessions.handle(
        PublishReply{.ticket = request.ticket, .outcome = outcome, .topic = request.publication.topic});
  }
};

inline Peer loopback() {
  return {.address = "127.0.0.1", .name = "127.0.0.1:5000", .is_loopback = true, .is_encrypted = false};
}

inline Peer elsewhere(bool is_encrypted) {
  return {
      .address = "192.0.2.1", .name = "192.0.2.1:5000", .is_loopback = false, .is_encrypted = is_encrypted};
}

class Client {
 public:
  explicit Client(Server& to, Time at = Time{0}) : Client(to, loopback(), at) {}

  Client(Server& to, Peer peer, Time at = Time{0})
      : server(to),
        id(++to.last_connection),
        connection(std::make_unique<Connection>(id, std::move(peer), at, to.sessions, outbox)) {}

  // In the form of the level that its CONNECT has said.
  template <typename Packet>
  void send(const Packet& packet, Time at = Time{0}) {
    std::string bytes;
    mqtt::write(packet, bytes, level);
    receive(bytes, at);
  }

  void send(const mqtt::Connect& packet, Time at = Time{0}) {
    level = packet.level;
    std::string bytes;
    mqtt::write(packet, bytes);
    receive(bytes, at);
  }

  void receive(std::string_view bytes, Time at = Time{0}) {
    unread += bytes;
    read_on(at);
  }

  void read_on(Time at = Time{0}) {
    std::string_view left = unread;
    connection->receive(left, at);
    unread = std::string(left);
    note_session();
  }

  void connect(std::string_view client_identifier, std::uint16_t keep_alive = 0) {
    send(mqtt::Connect{.level = level, .keep_alive = keep_alive, .client_identifier = client_identifier});
    outbox.written.clear();
  }

  // Persistent: clean session 0.
  void connect_again(std::string_view client_identifier) {
    send(mqtt::Connect{.level = level, .clean_session = false, .client_identifier = client_identifier});
  }

  // The network fails.
  void lose() { connection.reset(); }

  // The one that it has, or had last.
  SessionId session() const { return session_; }
  void note_session() {
    for (const auto& client : server.views()) {
      if (server.sessions.find(client.session)->connection() == id) session_ = client.session;
    }
  }

  Server& server;
  ConnectionId id;
  TestOutbox outbox;
  mqtt::ProtocolLevel level =
      mqtt::ProtocolLevel::mqtt_3_1_1;  // of the next CONNECT, or as the last one said
  std::string unread;
  std::unique_ptr<Connection> connection;

 private:
  SessionId session_ = 0;
};

template <typename Packet>
std::string bytes_of(const Packet& packet, mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1) {
  std::string bytes;
  if constexpr (std::is_same_v<Packet, mqtt::Connect>) {
    mqtt::write(packet, bytes);
  } else {
    mqtt::write(packet, bytes, level);
  }
  return bytes;
}

// The whole packets in `bytes`, from which they borrow.
inline std::vector<mqtt::Packet> packets_in(std::string_view bytes,
                                            mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_5) {
  mqtt::PacketReader reader(largest_packet);
  reader.set_level(level);
  std::vector<mqtt::Packet> packets;
  while (!bytes.empty()) {
    auto result = reader.read(bytes);
    auto* packet = std::get_if<mqtt::Packet>(&result);
    EXPECT_NE(packet, nullptr) << "whole packets, and none that is malformed";
    if (packet == nullptr) break;
    packets.push_back(std::move(*packet));
  }
  return packets;
}

// The one packet in `bytes`, of this kind.
template <typename Kind>
Kind packet_in(std::string_view bytes, mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_5) {
  const auto packets = packets_in(bytes, level);
  EXPECT_EQ(packets.size(), 1U);
  if (packets.size() != 1) return {};
  const auto* packet = std::get_if<Kind>(&packets[0]);
  EXPECT_NE(packet, nullptr) << "a packet of another kind";
  return packet == nullptr ? Kind{} : *packet;
}

inline std::string encoded(std::initializer_list<mqtt::Property> properties) {
  std::string bytes;
  for (const auto& property : properties) mqtt::append(property, bytes);
  return bytes;
}

inline const std::string accepted = bytes_of(mqtt::Connack{});
inline const std::string session_present = bytes_of(mqtt::Connack{.session_present = true});

}  // namespace pubsub_mqtt::session
