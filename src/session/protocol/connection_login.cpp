// Who the client is: a connection from CONNECT to CONNACK, and when the client authenticates again.
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/assigned_identifier.h"
#include "protocol/authentication.h"
#include "protocol/connect_properties.h"
#include "protocol/connect_refusal.h"
#include "protocol/newcomer.h"
#include "protocol/reason_string.h"
#include "protocol/session.h"
#include "protocol/violation.h"
#include "protocol/write_packet.h"
#include "pubsub_mqtt/session/connection.h"

namespace pubsub_mqtt::session {
namespace {

// Characters are bytes here: a client that keeps to MQTT 3.1 is within either.
constexpr std::size_t longest_identifier_of_3_1 = 23;

std::size_t connack_size(const std::string& properties) {
  std::string bytes;
  mqtt::write(mqtt::Connack{.properties = mqtt::Properties(properties)}, bytes, mqtt::ProtocolLevel::mqtt_5);
  return bytes.size();
}

}  // namespace

void Connection::receive(mqtt::Connect connect) {
  ++sessions_.counters().connects;
  if (connect.client_identifier.empty() && connect.level == mqtt::ProtocolLevel::mqtt_5) {
    newcomer_->assigned_identifier = assigned_client_identifier();  // [MQTT5-3.1.3-6]
    connect.client_identifier = newcomer_->assigned_identifier;
  }
  newcomer_->name = client_name(newcomer_->peer.name, connect.client_identifier);
  newcomer_->limits = client_limits(connect, limits());
  if (const auto refused = refusal(connect, newcomer_->peer, limits())) return refuse(*refused);
  if (const auto method = connect.properties.bytes(mqtt::PropertyIdentifier::authentication_method)) {
    return authenticate(connect, *method);
  }
  if (has_user_name(connect) || !newcomer_->certificate.empty()) return ask_to_log_in(connect);
  accept(connect, {});
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

void Connection::stored_session_ended(std::string account, const std::string& authentication_data) noexcept {
  guard([&] {
    sessions_.forget_login(id_);
    const auto pending = std::exchange(newcomer_->logging_in, nullptr);
    accept(pending->connect, std::move(account), authentication_data);
    outbox_.resume_reading();
  });
}

void Connection::handle_exchange(const AuthReply& reply) {
  authentication_->replied(reply.reason);
  if (reply.reason == mqtt::Reason::continue_authentication) {
    write_auth(reply.reason, reply.data);
    return outbox_.resume_reading();
  }
  sessions_.forget_login(id_);
  sessions_.counters().logins.add(reply.reason);
  if (is_logging_in()) {
    const auto pending = std::exchange(newcomer_->logging_in, nullptr);
    if (reply.reason != mqtt::Reason::success) {
      return refuse({.reason = reply.reason, .why = "authentication failed"});
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
  sessions_.counters().logins.add(reply.reason);
  sessions_.forget_login(id_);
  const auto pending = std::exchange(newcomer_->logging_in, nullptr);
  if (reply.reason != mqtt::Reason::success) {
    return refuse({.reason = reply.reason, .why = "login failed"});
  }
  accept(pending->connect, reply.account);
  outbox_.resume_reading();
}

void Connection::accept(const mqtt::Connect& connect, std::string account,
                        std::string_view authentication_data) {
  // A certificate may name no account, and is no login then.
  if (account.empty()) {
    if (const auto refused = refusal_without_login(newcomer_->peer, limits())) return refuse(*refused);
  }
  if (!account.empty() && !newcomer_->name.ends_with(')')) newcomer_->name += " (" + account + ')';
  if (!sessions_.has_place_for(connect, account)) {
    return refuse(
        {.reason = mqtt::Reason::quota_exceeded,
         .why =
             account.empty()
                 ? "clients without login have as many stored sessions as mqtt_max_anonymous_sessions allows"
                 : "its account has as many stored sessions as mqtt_max_sessions_per_account allows",
         .level = LogLevel::warn});
  }
  std::string properties = connack_properties(connect, limits(), newcomer_->assigned_identifier);
  if (authentication_) authentication_->append_properties(authentication_data, properties);
  if (newcomer_->limits && connack_size(properties) > newcomer_->limits->max_packet_size) {
    return refuse({.reason = mqtt::Reason::packet_too_large,
                   .why = "takes no packet as large as CONNACK [MQTT5-3.1.2-24]"});
  }
  // A client that was told of a new session is not to meet the old one after a crash.
  if (sessions_.awaits_end_of_stored(connect, account, authentication_data, id_)) {
    newcomer_->logging_in = std::make_unique<PendingConnect>(connect);
    return sessions_.await_login(id_, *this);
  }
  const auto opened = sessions_.open(connect, std::move(account),
                                     {.connection = id_,
                                      .peer = std::move(newcomer_->peer),
                                      .outbox = outbox_,
                                      .limits = std::move(newcomer_->limits)});
  session_ = opened.session.id();
  reader_.set_max_packet_size(limits().max_packet_size);
  keep_alive_ = granted_keep_alive(connect, limits());
  const bool speaks_3_1 = connect.level == mqtt::ProtocolLevel::mqtt_3_1;
  // MQTT 3.1 (section 3.2) has a reserved byte where "session present" stands.
  write_packet(mqtt::Connack{.session_present = opened.present && !speaks_3_1,
                             .properties = mqtt::Properties(properties)},
               outbox_, connect.level);
  newcomer_.reset();
  log_connection((opened.present ? "connected again, MQTT " : "connected, MQTT ") +
                 std::string(mqtt::name(connect.level)) + " over " +
                 std::string(session::name(opened.session.record().transport)));
  if (speaks_3_1 && connect.client_identifier.size() > longest_identifier_of_3_1) {
    log(LogLevel::debug, "has a client identifier of more than 23 characters, which MQTT 3.1 forbids");
  }
  sessions_.resume(opened.session);
}

}  // namespace pubsub_mqtt::session
