#include "pubsub_mqtt/session/connection.h"

#include <utility>
#include <variant>

#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::session {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

Connection::Connection(ConnectionId id, std::string address, Time now, const Limits& limits, Sessions& sessions,
                       Outbox& outbox, std::vector<Request>& requests)
    : id_(id),
      address_(std::move(address)),
      last_packet_(now),
      limits_(limits),
      sessions_(sessions),
      outbox_(outbox),
      requests_(requests),
      reader_(limits.max_packet_size) {}

Connection::~Connection() {
  if (Session* session = sessions_.find(session_)) sessions_.close(*session);
}

void Connection::receive(std::string_view& input, Time now) {
  // A packet that is arriving counts as life (docs/mapping.md, "Sessions").
  if (session_ != 0) last_packet_ = now;
  while (!closed_) {
    if (const Session* session = sessions_.find(session_); session != nullptr && !session->takes_publishes()) return;
    const auto result = reader_.read(input);
    if (std::holds_alternative<mqtt::NeedMoreBytes>(result)) return;
    if (const auto* malformed = std::get_if<mqtt::Malformed>(&result)) return fail(malformed->reason);
    if (std::holds_alternative<mqtt::UnsupportedProtocolLevel>(result)) {
      return refuse(mqtt::ConnectReturnCode::unacceptable_protocol_version, "speaks an MQTT version that is not served");
    }
    handle(std::get<mqtt::Packet>(result), now);
  }
}

void Connection::handle(const mqtt::Packet& packet, Time now) {
  Session* session = sessions_.find(session_);
  if (const auto* connect = std::get_if<mqtt::Connect>(&packet)) {
    if (session_ != 0) return fail("a second CONNECT [MQTT-3.1.0-2]");
    last_packet_ = now;
    return accept(*connect);
  }
  if (session_ == 0) return fail("the first packet is no CONNECT [MQTT-3.1.0-1]");
  // Taken over by a newer connection: what still comes here is nobody's.
  if (session == nullptr) return;

  std::visit(Overloaded{
                 [&](const mqtt::Publish& publish) {
                   if (publish.qos != mqtt::QoS::at_most_once) return fail("a PUBLISH at QoS 1 or 2");
                   session->publish(publish);
                 },
                 [&](const mqtt::Subscribe& subscribe) { session->subscribe(subscribe); },
                 [&](const mqtt::Unsubscribe& unsubscribe) { session->unsubscribe(unsubscribe); },
                 [&](const mqtt::Pingreq&) {
                   std::string packet_bytes;
                   mqtt::write(mqtt::Pingresp{}, packet_bytes);
                   outbox_.write(packet_bytes);
                 },
                 [&](const mqtt::Disconnect&) { disconnect(*session); },
                 [&](const auto&) { fail("a packet that a client may not send"); },
             },
             packet);
}

void Connection::accept(const mqtt::Connect& connect) {
  if (connect.level != mqtt::ProtocolLevel::mqtt_3_1_1) {
    return refuse(mqtt::ConnectReturnCode::unacceptable_protocol_version, "speaks MQTT 3.1");
  }
  if (connect.client_identifier.empty() && !connect.clean_session) {
    return refuse(mqtt::ConnectReturnCode::identifier_rejected,
                  "an empty client identifier needs a clean session [MQTT-3.1.3-8]");
  }
  keep_alive_ = std::chrono::seconds(connect.keep_alive);
  session_ = sessions_.open(connect.client_identifier, id_, address_, outbox_).id();
  std::string packet;
  mqtt::write(mqtt::Connack{}, packet);
  outbox_.write(packet);
  log(LogLevel::debug, "connected");
}

void Connection::disconnect(Session& session) {
  log(LogLevel::debug, "disconnected");
  closed_ = true;
  sessions_.close(session);
  outbox_.close();
}

void Connection::refuse(mqtt::ConnectReturnCode code, std::string_view why) {
  std::string packet;
  mqtt::write(mqtt::Connack{.session_present = false, .code = code}, packet);
  outbox_.write(packet);
  fail(why);
}

void Connection::fail(std::string_view reason) {
  log(LogLevel::debug, "closed: " + std::string(reason));
  closed_ = true;
  if (Session* session = sessions_.find(session_)) sessions_.close(*session);
  outbox_.close();
}

std::optional<Time> Connection::deadline() const {
  if (closed_) return std::nullopt;
  if (session_ == 0) return last_packet_ + limits_.connect_timeout;
  if (keep_alive_ == Time::zero()) return std::nullopt;
  // While we do not read, the client's silence is ours (docs/mapping.md, "Sessions").
  if (const Session* session = sessions_.find(session_); session != nullptr && !session->takes_publishes()) {
    return std::nullopt;
  }
  // One and a half times the interval [MQTT-3.1.2-24].
  return last_packet_ + keep_alive_ * 3 / 2;
}

void Connection::expire(Time now) {
  const auto moment = deadline();
  if (!moment || now < *moment) return;
  fail(session_ == 0 ? "no CONNECT within mqtt_connect_timeout" : "silent for longer than its keep-alive interval");
}

void Connection::log(LogLevel level, std::string_view text) {
  const Session* session = sessions_.find(session_);
  std::string line = session != nullptr ? session->client() : address_;
  line += ": ";
  line += text;
  requests_.emplace_back(LogLine{.level = level, .text = std::move(line)});
}

}  // namespace pubsub_mqtt::session
