#include "pubsub_mqtt/session/connection.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "protocol/assigned_identifier.h"
#include "protocol/authentication.h"
#include "protocol/client_disconnect.h"
#include "protocol/connect_properties.h"
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

// Characters are bytes here: a client that keeps to MQTT 3.1 is within either.
constexpr std::size_t longest_identifier_of_3_1 = 23;

// An empty one is none: some libraries send it for clients that have no login.
bool has_user_name(const mqtt::Connect& connect) { return connect.user_name && !connect.user_name->empty(); }

std::optional<Time> earlier(std::optional<Time> one, std::optional<Time> other) {
  return one && other ? std::min(*one, *other) : one ? one : other;
}

std::size_t connack_size(const std::string& properties) {
  std::string bytes;
  mqtt::write(mqtt::Connack{.properties = mqtt::Properties(properties)}, bytes, mqtt::ProtocolLevel::mqtt_5);
  return bytes.size();
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
  if (is_loopback_) return;
  received_bytes_.spend(bytes, byte_rate(), now);
  const auto* packet = std::get_if<mqtt::Packet>(&result);
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
  if (session_ != 0) reader_.set_max_packet_size(limits().max_packet_size);  // a reload may have changed it
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
      return refuse(mqtt::Reason::unsupported_protocol_version,
                    "speaks a version of MQTT that is not served: 3.1, 3.1.1 and 5.0 are", LogLevel::info);
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
                 [&](const mqtt::Subscribe& subscribe) { session.receive(subscribe); },
                 [&](const mqtt::Unsubscribe& unsubscribe) { session.receive(unsubscribe); },
                 [&](const mqtt::Pingreq&) { write_packet(mqtt::Pingresp{}, outbox_, reader_.level()); },
                 [&](const mqtt::Disconnect& disconnect) { this->disconnect(session, disconnect); },
                 [&](const mqtt::Auth& auth) { this->receive(auth); },
                 [&](const auto&) { fail({"a packet that a client may not send"}); },
             },
             packet);
}

void Connection::receive(mqtt::Connect connect) {
  const bool speaks_3_1 = connect.level == mqtt::ProtocolLevel::mqtt_3_1;
  if (connect.client_identifier.empty() && connect.level == mqtt::ProtocolLevel::mqtt_5) {
    newcomer_->assigned_identifier = assigned_client_identifier();  // [MQTT5-3.1.3-6]
    connect.client_identifier = newcomer_->assigned_identifier;
  }
  newcomer_->name = client_name(newcomer_->peer.name, connect.client_identifier);
  newcomer_->limits = client_limits(connect, limits());
  if (connect.client_identifier.empty() && (speaks_3_1 || !connect.clean_session)) {
    return refuse(mqtt::Reason::client_identifier_not_valid,
                  speaks_3_1 ? "an empty client identifier, which MQTT 3.1 does not have"
                             : "an empty client identifier needs a clean session [MQTT-3.1.3-8]");
  }
  if (connect.client_identifier.size() > limits().max_client_identifier_length) {
    return refuse(mqtt::Reason::client_identifier_not_valid,
                  "a client identifier longer than mqtt_max_client_identifier_length");
  }
  if (!may_send(connect)) {
    return refuse(mqtt::Reason::not_authorized,
                  "a user name on an unencrypted connection: use TLS (mqtt_tls_ports), or set "
                  "mqtt_require_encryption = false",
                  LogLevel::warn);
  }
  if (const auto method = connect.properties.bytes(mqtt::PropertyIdentifier::authentication_method)) {
    return authenticate(connect, *method);
  }
  if (has_user_name(connect) || !newcomer_->certificate.empty()) return ask_to_log_in(connect);
  accept(connect, {});
}

// A user name comes with a password, but for an exchange, in which no password is sent.
bool Connection::may_send(const mqtt::Connect& connect) const {
  const bool has_method =
      connect.properties.bytes(mqtt::PropertyIdentifier::authentication_method).has_value();
  return may_send_password() || !(has_method ? connect.password.has_value() : has_user_name(connect));
}

bool Connection::may_send_password() const {
  return newcomer_->peer.is_encrypted || is_loopback_ || limits().passwords_in_the_clear;
}

bool Connection::may_be_anonymous() const {
  return limits().anonymous == Anonymous::from_everywhere ||
         (limits().anonymous == Anonymous::from_loopback && is_loopback_);
}

std::string_view Connection::why_not_anonymous() const {
  return limits().anonymous == Anonymous::from_nowhere
             ? "no user name, and mqtt_allow_anonymous = false lets in no client without login"
             : "no user name: clients without login are let in from loopback only, unless "
               "mqtt_allow_anonymous = true";
}

LoginClient Connection::login_client() const {
  return {.connection = id_,
          .name = newcomer_->name,
          .address = newcomer_->peer.address,
          .party = newcomer_->peer.party,
          .is_loopback = is_loopback_,
          .is_encrypted = newcomer_->peer.is_encrypted,
          .certificate = newcomer_->certificate};
}

void Connection::ask_to_log_in(const mqtt::Connect& connect) {
  LoginRequest request{.client = login_client()};
  if (has_user_name(connect)) {
    request.client.user_name.emplace(*connect.user_name);
    if (connect.password) request.password.emplace(*connect.password);
  }
  sessions_.requests().emplace_back(std::move(request));
  newcomer_->logging_in = std::make_unique<PendingConnect>(connect);
  sessions_.await_login(id_, *this);
}

// A password beside a method is not looked at: the exchange decides.
void Connection::authenticate(const mqtt::Connect& connect, std::string_view method) {
  authentication_ = std::make_unique<Authentication>(login_client(), method);
  AuthRequest request = authentication_->begin(newcomer_->name, connect.properties, last_packet_);
  request.server_name = newcomer_->server_name;
  if (has_user_name(connect)) request.client.user_name.emplace(*connect.user_name);
  sessions_.requests().emplace_back(std::move(request));
  newcomer_->logging_in = std::make_unique<PendingConnect>(connect);
  sessions_.await_login(id_, *this);
}

void Connection::receive(const mqtt::Auth& auth) {
  if (!authentication_) {
    return fail({"AUTH of a client whose CONNECT named no authentication method [MQTT5-4.12.0-7]"});
  }
  const Session* own = session();
  if (const auto broken = authentication_->fault(auth, own != nullptr)) return fail(*broken);
  if (auth.reason == mqtt::Reason::continue_authentication) {
    sessions_.requests().emplace_back(authentication_->go_on(auth));
    return;
  }
  AuthRequest request = authentication_->begin(name(), auth.properties, last_packet_);
  request.account = own->account();
  sessions_.requests().emplace_back(std::move(request));
  sessions_.await_login(id_, *this);
}

// Running out of memory costs this connection and nobody else.
template <typename Work>
void Connection::guard(Work&& work) noexcept {
  try {
    work();
  } catch (const std::exception&) {
    sessions_.lacked_memory();
    end();
  }
}

void Connection::receive(const LoginReply& reply) noexcept {
  guard([&] { decide_login(reply); });
}

void Connection::receive(const AuthReply& reply) noexcept {
  guard([&] { handle_exchange(reply); });
}

void Connection::handle_exchange(const AuthReply& reply) {
  authentication_->replied(reply.reason);
  if (reply.reason == mqtt::Reason::continue_authentication) {
    write_auth(reply.reason, reply.data);
    return outbox_.resume_reading();
  }
  sessions_.forget_login(id_);
  if (is_logging_in()) {
    const auto pending = std::exchange(newcomer_->logging_in, nullptr);
    if (reply.reason != mqtt::Reason::success) {
      return refuse(reply.reason, "authentication failed", LogLevel::debug);
    }
    accept(pending->connect, reply.account, reply.data);
    outbox_.resume_reading();
  } else if (reply.reason == mqtt::Reason::success) {
    write_auth(reply.reason, reply.data);
  } else {
    fail({"its authentication, again, failed", reason_to_disconnect(reply.reason)});
  }
}

void Connection::write_auth(mqtt::Reason reason, std::string_view data) {
  const Session* own = session();
  if (own == nullptr && !newcomer_) return;  // a newer connection has taken the session over
  std::string properties;
  authentication_->append_properties(data, properties);
  const ClientLimits* client = own != nullptr ? own->client_limits() : newcomer_->limits.get();
  const mqtt::Auth auth{.reason = reason, .properties = mqtt::Properties(properties)};
  if (write_with_reason(auth, {}, *client, outbox_)) return;
  fail({"the client takes no AUTH as large as its authentication needs", mqtt::Reason::packet_too_large});
}

// Prosody's thread would keep what nobody goes on with.
void Connection::end_exchange() noexcept {
  if (!authentication_ || !authentication_->leave()) return;
  try {
    sessions_.requests().emplace_back(EndAuth{.connection = id_});
  } catch (const std::exception&) {
    sessions_.lacked_memory();
  }
}

void Connection::decide_login(const LoginReply& reply) {
  sessions_.forget_login(id_);
  const auto pending = std::exchange(newcomer_->logging_in, nullptr);
  if (reply.reason != mqtt::Reason::success) {
    return refuse(reply.reason, "login failed", LogLevel::debug);
  }
  accept(pending->connect, reply.account);
  outbox_.resume_reading();
}

void Connection::accept(const mqtt::Connect& connect, std::string account,
                        std::string_view authentication_data) {
  // A certificate may name no account, and is no login then.
  if (account.empty() && !may_be_anonymous()) {
    return refuse(mqtt::Reason::not_authorized, why_not_anonymous(), LogLevel::info);
  }
  if (!account.empty()) newcomer_->name += " (" + account + ')';
  if (!sessions_.has_place_for(connect, account)) {
    return refuse(
        mqtt::Reason::quota_exceeded,
        account.empty()
            ? "clients without login have as many stored sessions as mqtt_max_anonymous_sessions allows"
            : "its account has as many stored sessions as mqtt_max_sessions_per_account allows",
        LogLevel::warn);
  }
  std::string properties = connack_properties(connect, limits(), newcomer_->assigned_identifier);
  if (authentication_) authentication_->append_properties(authentication_data, properties);
  if (newcomer_->limits && connack_size(properties) > newcomer_->limits->max_packet_size) {
    return refuse(mqtt::Reason::packet_too_large, "takes no packet as large as CONNACK [MQTT5-3.1.2-24]");
  }
  const auto opened = sessions_.open(connect, std::move(account),
                                     {.connection = id_,
                                      .peer = std::move(newcomer_->peer),
                                      .outbox = outbox_,
                                      .limits = std::move(newcomer_->limits)});
  session_ = opened.session.id();
  reader_.set_max_packet_size(limits().max_packet_size);
  keep_alive_ = std::chrono::duration<std::uint16_t>(connect.keep_alive);
  const bool speaks_3_1 = connect.level == mqtt::ProtocolLevel::mqtt_3_1;
  // MQTT 3.1 (section 3.2) has a reserved byte where "session present" stands.
  write_packet(mqtt::Connack{.session_present = opened.present && !speaks_3_1,
                             .properties = mqtt::Properties(properties)},
               outbox_, connect.level);
  newcomer_.reset();
  log(LogLevel::debug, opened.present ? "connected again" : "connected");
  if (speaks_3_1 && connect.client_identifier.size() > longest_identifier_of_3_1) {
    log(LogLevel::debug, "has a client identifier of more than 23 characters, which MQTT 3.1 forbids");
  }
  sessions_.resume(opened.session);
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

void Connection::refuse(mqtt::Reason reason, std::string_view why, LogLevel level) {
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
    return refuse(mqtt::Reason::server_unavailable, "the login was not decided within mqtt_connect_timeout",
                  LogLevel::warn);
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
