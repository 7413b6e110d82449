#include "pubsub_mqtt/session/connection.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "protocol/authentication.h"
#include "protocol/client_disconnect.h"
#include "protocol/connect_refusal.h"
#include "protocol/newcomer.h"
#include "protocol/reason_string.h"
#include "protocol/refusals.h"
#include "protocol/session.h"
#include "protocol/violation.h"
#include "protocol/write_packet.h"

namespace pubsub_mqtt::session {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::optional<Time> earlier(std::optional<Time> one, std::optional<Time> other) {
  return one && other ? std::min(*one, *other) : one ? one : other;
}

}  // namespace

Connection::Connection(ConnectionId id, Peer peer, Time now, Sessions& sessions, Outbox& outbox)
    : id_(id),
      is_loopback_(peer.is_loopback),
      newcomer_(std::make_unique<Newcomer>(std::move(peer))),
      last_packet_(now),
      sessions_(sessions),
      outbox_(outbox),
      reader_(std::min(limits().max_packet_size, max_connect_size)) {}

Connection::~Connection() {
  sessions_.forget_login(id_);
  end_exchange();
  if (Session* own = session()) sessions_.detach(*own);
}

void Connection::set_peer(Peer peer) {
  is_loopback_ = peer.is_loopback;
  newcomer_->name = peer.name;
  newcomer_->peer = std::move(peer);
}

void Connection::set_certificate(CertificateNames names) { newcomer_->certificate = std::move(names); }

void Connection::stop_clock(Time now) {
  if (newcomer_) newcomer_->clock_stopped_at = now;
}

void Connection::start_clock(Time now) {
  if (!newcomer_ || !newcomer_->clock_stopped_at) return;
  last_packet_ += now - *std::exchange(newcomer_->clock_stopped_at, std::nullopt);
}

void Connection::set_server_name(std::string_view name) { newcomer_->server_name = name; }

// CONNECT was read, and is not answered yet.
bool Connection::is_logging_in() const { return newcomer_ && newcomer_->logging_in; }

// What Prosody's thread will say decides whether there is anything to be read.
bool Connection::awaits_reply() const {
  return is_logging_in() && !(authentication_ && authentication_->awaits_client());
}

// Returns nullptr once a newer connection has taken the session over.
Session* Connection::session() const {
  Session* found = sessions_.find(session_);
  return found != nullptr && found->connection() == id_ ? found : nullptr;
}

std::optional<mqtt::ProtocolLevel> Connection::level_of_client() const {
  return session() == nullptr ? std::nullopt : std::optional(reader_.level());
}

// A client that asks and does not read the answers would fill our memory with them.
bool Connection::outbox_is_full() const { return outbox_.waiting_bytes() > 2 * limits().max_outbound_bytes; }

bool Connection::reads(const Session* own) const {
  if (awaits_reply() || is_slowed_down()) return false;
  return own == nullptr || (own->takes_packets() && !waits_for_outbox_);
}

// CONNECT, PINGREQ and what is between this client and us does not wait for what others have asked of pubsub.
bool Connection::may_ask(Session* own, std::string_view input) const {
  if (own == nullptr || input.empty() || own->may_ask_anything()) return true;
  const auto start = reader_.start(input);
  return !start.is_request || own->may_ask(start.size);
}

// As much as comes in a second may be sent at once.
TokenRate Connection::byte_rate() const { return {limits().max_byte_rate, std::chrono::seconds(1)}; }
TokenRate Connection::message_rate() const { return {limits().max_message_rate, std::chrono::seconds(1)}; }

// From loopback a client may be as fast as it likes: behind a proxy it is many.
void Connection::count(std::size_t bytes, const mqtt::ReadResult& result, Time now) {
  const auto* packet = std::get_if<mqtt::Packet>(&result);
  Counters& counters = sessions_.counters();
  counters.received_bytes += bytes;
  if (packet != nullptr) ++counters.received_packets;
  if (is_loopback_) return;
  received_bytes_.spend(bytes, byte_rate(), now);
  if (packet != nullptr && std::holds_alternative<mqtt::Publish>(*packet)) {
    received_messages_.spend(1, message_rate(), now);
  }
}

// Then it is read from later, and TCP slows it down.
bool Connection::is_too_fast(Time now) {
  if (session_ == 0) return false;
  const bool sends_bytes = received_bytes_.is_empty(byte_rate(), now);
  if (!sends_bytes && !received_messages_.is_empty(message_rate(), now)) return false;
  reads_again_at_ = std::max(received_bytes_.worth_going_on(byte_rate()),
                             received_messages_.worth_going_on(message_rate()));
  if (Session* own = session()) {
    own->was_too_fast(sends_bytes ? "mqtt_max_byte_rate" : "mqtt_max_message_rate");
  }
  return true;
}

void Connection::receive(std::string_view& input, Time now) {
  // A packet that is arriving counts as life (docs/mapping.md, "Sessions"); so may one that could not be read.
  const bool may_have_sent = std::exchange(is_not_read_, false) || !input.empty();
  if (session_ != 0 && may_have_sent) last_packet_ = now;
  sessions_.look(now);
  if (now >= reads_again_at_) reads_again_at_ = Time::zero();
  // A reload may have changed it; CONNACK of 5.0 has promised what it said (5.0, 3.2.2.3.6).
  if (session_ != 0 && reader_.level() != mqtt::ProtocolLevel::mqtt_5) {
    reader_.set_max_packet_size(limits().max_packet_size);
  }
  while (!closed_) {
    waits_for_outbox_ = waits_for_outbox_ || outbox_is_full();
    Session* own = session();
    is_not_read_ = !reads(own) || (own != nullptr && !own->may_read(now)) || !may_ask(own, input);
    if (is_not_read_) return;
    if (!input.empty() && is_too_fast(now)) return;
    const std::size_t size = input.size();
    const auto result = reader_.read(input);
    count(size - input.size(), result, now);
    if (std::holds_alternative<mqtt::NeedMoreBytes>(result)) return;
    if (const auto* malformed = std::get_if<mqtt::Malformed>(&result)) return fail(*malformed, now);
    if (std::holds_alternative<mqtt::UnsupportedProtocolLevel>(result)) {
      return refuse({.reason = mqtt::Reason::unsupported_protocol_version,
                     .why = "speaks a version of MQTT that is not served: 3.1, 3.1.1 and 5.0 are",
                     .level = LogLevel::info});
    }
    handle(std::get<mqtt::Packet>(result), now);
  }
}

void Connection::handle(const mqtt::Packet& packet, Time now) {
  if (const auto* connect = std::get_if<mqtt::Connect>(&packet)) {
    if (session_ != 0 || is_logging_in()) return fail({"a second CONNECT [MQTT-3.1.0-2]"});
    last_packet_ = now;
    return receive(*connect);
  }
  if (session_ == 0) return handle_before_connack(packet);
  // Without a session: a newer connection has taken it over, and what still comes here is disregarded.
  if (Session* own = session()) handle(*own, packet);
}

void Connection::handle_before_connack(const mqtt::Packet& packet) {
  if (!is_logging_in()) return fail({"the first packet is no CONNECT [MQTT-3.1.0-1]"});
  if (const auto* auth = std::get_if<mqtt::Auth>(&packet)) return receive(*auth);
  if (!std::holds_alternative<mqtt::Disconnect>(packet)) {
    return fail({"a packet other than AUTH or DISCONNECT before CONNACK [MQTT5-3.1.2-30]"});
  }
  log(LogLevel::debug, "disconnected");
  end();
}

void Connection::handle(Session& session, const mqtt::Packet& packet) {
  const auto receive = [&](const auto& each) {
    if (const auto violation = session.receive(each)) fail(*violation);
  };
  std::visit(Overloaded{
                 [&](const mqtt::Publish& publish) { receive(publish); },
                 [&](const mqtt::Puback& puback) { receive(puback); },
                 [&](const mqtt::Pubrec& pubrec) { receive(pubrec); },
                 [&](const mqtt::Pubrel& pubrel) { receive(pubrel); },
                 [&](const mqtt::Pubcomp& pubcomp) { receive(pubcomp); },
                 [&](const mqtt::Subscribe& subscribe) { receive(subscribe); },
                 [&](const mqtt::Unsubscribe& unsubscribe) { receive(unsubscribe); },
                 [&](const mqtt::Pingreq&) { write_packet(mqtt::Pingresp{}, outbox_, reader_.level()); },
                 [&](const mqtt::Disconnect& disconnect) { this->disconnect(session, disconnect); },
                 [&](const mqtt::Auth& auth) { this->receive(auth); },
                 [&](const auto&) { fail({"a packet that a client may not send"}); },
             },
             packet);
}

void Connection::disconnect(Session& session, const mqtt::Disconnect& packet) {
  if (const auto broken = fault(packet, session.outlives_connection())) return fail(*broken);
  if (const auto expiry = packet.properties.integer(mqtt::PropertyIdentifier::session_expiry_interval)) {
    sessions_.set_expiry(session, *expiry);
  }
  const bool in_good_order = packet.reason == mqtt::Reason::success;
  log(LogLevel::debug,
      in_good_order ? "disconnected" : "disconnected: " + std::string(mqtt::name(packet.reason)));
  closed_ = true;
  end_exchange();
  // Whatever else is said leaves the will [MQTT5-3.14.4-3].
  if (in_good_order) session.forget_will();
  sessions_.detach(session);
  outbox_.close();
}

void Connection::refuse(const Refusal& refusal) {
  const auto& [reason, why, level] = refusal;
  sessions_.counters().refused_connects.add(reason);
  write_refusal(reason, why);
  if (level == LogLevel::debug) {
    log(LogLevel::debug, "closed: " + std::string(why));
  } else {
    sessions_.refusals().log(last_packet_, level, newcomer_->name, why);
  }
  end();
}

// [MQTT-3.2.2-4]
void Connection::write_refusal(mqtt::Reason reason, std::string_view why) {
  const mqtt::Connack connack{.session_present = false, .reason = reason};
  if (reader_.level() != mqtt::ProtocolLevel::mqtt_5) return write_packet(connack, outbox_, reader_.level());
  write_with_reason(connack, why, newcomer_->limits ? *newcomer_->limits : ClientLimits{}, outbox_);
}

void Connection::fail(const mqtt::Malformed& malformed, Time now) {
  const BrokenRule broken{.rule = malformed.reason, .reason = malformed.code};
  if (malformed.reason != mqtt::packet_too_large) return fail(broken);
  log_mendable(malformed.reason, now);
  close(broken);
}

void Connection::fail(const BrokenRule& broken) {
  log(LogLevel::debug, "closed: " + std::string(broken.rule));
  close(broken);
}

// A client of 5.0 is told why: before CONNACK in one (5.0, 4.13.1), then in DISCONNECT.
void Connection::close(const BrokenRule& broken) {
  if (Session* own = session()) {
    own->say_goodbye(broken.reason, broken.rule);
  } else if (session_ == 0 && reader_.level() == mqtt::ProtocolLevel::mqtt_5) {
    write_refusal(broken.reason, broken.rule);
  }
  end();
}

void Connection::end() noexcept {
  closed_ = true;
  sessions_.forget_login(id_);
  end_exchange();
  if (newcomer_) newcomer_->logging_in.reset();
  if (Session* own = session()) sessions_.detach(*own);
  outbox_.close();
}

std::optional<Time> Connection::deadline() const {
  const Session* own = session();
  const auto look_at = own == nullptr ? std::nullopt : own->look_at();
  return earlier(earlier(time_limit(), look_at), exchange_limit());
}

bool Connection::is_paused_until(Time now) const {
  const Session* own = session();
  const auto look_at = own == nullptr ? std::nullopt : own->look_at();
  return look_at && *look_at <= now;
}

// Of the client's own silence or haste.
std::optional<Time> Connection::time_limit() const {
  if (closed_ || (newcomer_ && newcomer_->clock_stopped_at)) return std::nullopt;
  if (session_ == 0) return last_packet_ + limits().connect_timeout;
  if (is_slowed_down()) return reads_again_at_;
  if (keep_alive_.count() == 0) return std::nullopt;
  // While we do not read, the client's silence is ours (docs/mapping.md, "Sessions").
  const Session* own = session();
  if (!reads(own) || (own != nullptr && own->waits_for_share())) return std::nullopt;
  // One and a half times the interval [MQTT-3.1.2-24].
  return last_packet_ + Time(keep_alive_) * 3 / 2;
}

// Of an exchange, like that of CONNECT, but for CONNECT's own.
std::optional<Time> Connection::exchange_limit() const {
  if (closed_ || session_ == 0 || !authentication_) return std::nullopt;
  const auto began_at = authentication_->began_at();
  return began_at ? std::optional(*began_at + limits().connect_timeout) : std::nullopt;
}

void Connection::expire(Time now) {
  sessions_.look(now);
  if (is_paused_until(now) && session()->may_read(now)) outbox_.resume_reading();
  if (const auto limit = exchange_limit(); limit && *limit <= now) {
    return fail({"its authentication, again, was not finished within mqtt_connect_timeout",
                 mqtt::Reason::not_authorized});
  }
  const auto moment = time_limit();
  if (!moment || now < *moment) return;
  if (is_slowed_down()) {
    reads_again_at_ = Time::zero();
    last_packet_ = now;
    return outbox_.resume_reading();
  }
  if (awaits_reply()) {
    return refuse({.reason = mqtt::Reason::server_unavailable,
                   .why = "the login was not decided within mqtt_connect_timeout",
                   .level = LogLevel::warn});
  }
  if (is_logging_in()) {
    return fail(
        {"the authentication was not finished within mqtt_connect_timeout", mqtt::Reason::not_authorized});
  }
  if (session_ == 0) return fail({"no CONNECT within mqtt_connect_timeout"});
  fail({"silent for longer than its keep-alive interval", mqtt::Reason::keep_alive_timeout});
}

void Connection::drained() {
  Session* own = session();
  if (own == nullptr) return;
  if (std::exchange(waits_for_outbox_, false)) outbox_.resume_reading();
  own->drained();
}

void Connection::log_mendable(std::string_view reason, Time now) {
  sessions_.refusals().log(now, LogLevel::info, name(), reason, "MQTT connections were closed: ");
}

void Connection::log(LogLevel level, std::string_view text) {
  sessions_.log().emplace_back(LogLine{.level = level, .text = name() + ": " + std::string(text)});
}

std::string Connection::name() const {
  if (const Session* own = session()) return own->client();
  return newcomer_ ? newcomer_->name : "a client whose session is over";
}

}  // namespace pubsub_mqtt::session
