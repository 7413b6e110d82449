// Whole connections: packets and raw bytes, time, lost networks, deliveries and replies in any order. What
// the server writes must always be MQTT, nothing may follow a close, and no limit may be passed.
//
// The input is a list of steps, each a byte that says what and the bytes that it takes; where they run out,
// zeros.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/session.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/session/connection.h"
#include "pubsub_mqtt/session/sessions.h"

namespace {

using namespace pubsub_mqtt;

constexpr std::size_t places = 3;  // for connections at the same time
constexpr NodeId nodes = 3;
constexpr std::uint32_t client_aliases = 2;  // at most, that a client takes
constexpr std::size_t server_aliases = 3;
constexpr std::array<const char*, nodes + 1> topics{"h/utf8/0", "h/utf8/1", "h/utf8/2", "t"};
constexpr std::array<const char*, 2> methods{"SCRAM-SHA-1", "SCRAM-SHA-256"};
constexpr mqtt::PacketIdentifier auth_in_place_of_pubrel = 6;
constexpr std::array<const char*, 2> users{"juliet@capulet.lit", "romeo@montague.lit"};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

class Input {
 public:
  explicit Input(std::string bytes) : left_(std::move(bytes)) {}

  bool empty() const { return at_ == left_.size(); }
  std::uint8_t byte() { return empty() ? 0 : static_cast<std::uint8_t>(left_[at_++]); }
  std::size_t below(std::size_t bound) { return byte() % bound; }
  bool flag() { return (byte() & 1U) != 0; }
  std::string_view bytes(std::size_t size) {
    const auto some = std::string_view{left_}.substr(at_, size);
    at_ += some.size();
    return some;
  }

 private:
  std::string left_;
  std::size_t at_ = 0;
};

class CheckedOutbox final : public session::Outbox {
 public:
  void write(std::string_view packets) override {
    require(!closed, "nothing is written after close()");
    waiting += packets.size();
    learn_level(packets);
    while (!packets.empty()) {
      const auto result = reader_.read(packets);
      check(result);
      require(!std::holds_alternative<mqtt::Malformed>(result), "what the server writes is MQTT");
      require(!std::holds_alternative<mqtt::UnsupportedProtocolLevel>(result),
              "a server does not send CONNECT");
    }
  }
  void write(std::shared_ptr<const std::string> packets) override { write(std::string_view{*packets}); }
  std::size_t waiting_bytes() const override { return waiting; }
  void close() noexcept override {
    require(!reader_.in_packet(), "packets are written whole");
    closed = true;
  }
  void resume_reading() noexcept override { resumed = true; }

  // Of the client, as CONNACK has answered it; before, it is not known.
  mqtt::ProtocolLevel level() const { return reader_.level(); }

  std::size_t waiting = 0;
  bool closed = false;
  bool resumed = false;

 private:
  // Before 5.0 a CONNACK has two bytes behind its fixed header, and since then more.
  void learn_level(std::string_view packets) {
    if (std::exchange(has_begun_, true) || packets.size() < 2 || packets[1] == 2) return;
    reader_.set_level(mqtt::ProtocolLevel::mqtt_5);
  }

  void check(const mqtt::ReadResult& result) const {
    const auto* packet = std::get_if<mqtt::Packet>(&result);
    if (packet == nullptr) return;
    if (level() != mqtt::ProtocolLevel::mqtt_5) {
      return require(!std::holds_alternative<mqtt::Disconnect>(*packet), "DISCONNECT is for clients of 5.0");
    }
    if (const auto* publish = std::get_if<mqtt::Publish>(packet)) {
      const auto alias = publish->properties.integer(mqtt::PropertyIdentifier::topic_alias);
      require(alias.value_or(0) <= client_aliases, "topic aliases are within the client's maximum");
    }
  }

  mqtt::PacketReader reader_{1U << 20U};
  bool has_begun_ = false;
};

struct Place {
  std::unique_ptr<CheckedOutbox> outbox;
  std::unique_ptr<session::Connection> connection;
  std::string unread;
};

class World {
 public:
  World() {
    limits_.max_packet_size = 600;
    limits_.max_outbound_bytes = 500;
    limits_.max_pending_publishes = 4;
    limits_.max_pending_publish_bytes = 800;
    limits_.max_inflight = 3;
    limits_.max_queued_messages_in_memory = 5;
    limits_.max_queued_bytes_in_memory = 1000;
    limits_.max_total_queued_bytes_in_memory = 2500;
    limits_.session_expiry = std::chrono::seconds(60);
    limits_.anonymous = Anonymous::from_everywhere;
    limits_.max_sessions_per_account = 1;
    limits_.max_anonymous_sessions = 2;
    limits_.max_message_rate = 3;
    limits_.max_byte_rate = 500;
    limits_.max_topic_aliases = server_aliases;
    for (NodeId node = 0; node < nodes; ++node) {
      sessions_.handle(NodeOpened{.node = node, .host = "h", .name = std::to_string(node)});
    }
  }

  void step(Input& input) {
    Place& place = places_[input.below(places)];
    switch (input.below(16)) {
      case 0:
        open(place);
        break;
      case 1:
        receive(place, input.bytes(input.byte()));
        break;
      case 2:
      case 3:
        receive(place, packet(input, level(place)));
        break;
      case 4:
        close(place);
        break;
      case 5:
        pass_time(input);
        break;
      case 6:
        publish(input);
        break;
      case 7:
        send_retained(input);
        break;
      case 8:
        answer(input);
        break;
      case 9:
        change_audience(input);
        break;
      case 10:
        drain(place);
        break;
      case 11:
        if (input.flag()) sessions_.send_wills();
        break;
      case 12:
        decide_login(input);
        break;
      case 13:
        sessions_.handle(
            CloseAccount{.account = users[input.below(users.size())], .was_deleted = input.flag()});
        break;
      case 14:
        sessions_.handle(CloseConnection{.session = any_session(input)});
        break;
      case 15:
        sessions_.handle(CloseHost{.host = "host"});
        break;
    }
    settle();
  }

 private:
  void open(Place& place) {
    close(place);
    place.outbox = std::make_unique<CheckedOutbox>();
    place.connection =
        std::make_unique<session::Connection>(++last_connection_,
                                              // One of them can be too fast.
                                              session::Peer{.address = "fuzz",
                                                            .name = "fuzz",
                                                            .is_loopback = &place != &places_.back(),
                                                            .is_encrypted = true},
                                              now_, sessions_, *place.outbox);
  }

  static void close(Place& place) {
    place.connection.reset();
    place.outbox.reset();
    place.unread.clear();
  }

  void receive(Place& place, std::string_view bytes) {
    if (place.connection == nullptr) return;
    place.unread += bytes;
    std::string_view left = place.unread;
    place.connection->receive(left, now_);
    place.unread = std::string(left);
  }

  static mqtt::ProtocolLevel level(const Place& place) {
    return place.outbox == nullptr ? mqtt::ProtocolLevel::mqtt_3_1_1 : place.outbox->level();
  }

  static void append(mqtt::PropertyIdentifier identifier, mqtt::PropertyValue value,
                     std::string& properties) {
    mqtt::append({.identifier = identifier, .value = value}, properties);
  }

  static void append_authentication(Input& input, std::string& properties) {
    using Id = mqtt::PropertyIdentifier;
    append(Id::authentication_method, methods[input.below(methods.size())], properties);
    if (input.flag()) append(Id::authentication_data, input.bytes(input.below(4)), properties);
  }

  static std::string auth(Input& input) {
    static constexpr std::array<mqtt::Reason, 3> reasons{mqtt::Reason::continue_authentication,
                                                         mqtt::Reason::reauthenticate, mqtt::Reason::success};
    const auto reason = reasons[input.below(reasons.size())];
    std::string properties;
    append_authentication(input, properties);
    std::string bytes;
    mqtt::write(mqtt::Auth{.reason = reason, .properties = mqtt::Properties(properties)}, bytes,
                mqtt::ProtocolLevel::mqtt_5);
    return bytes;
  }

  static std::string connect_properties(Input& input) {
    using Id = mqtt::PropertyIdentifier;
    std::string properties;
    const unsigned which = input.byte();
    if ((which & 1U) != 0) append(Id::session_expiry_interval, std::uint32_t{input.byte()}, properties);
    if ((which & 2U) != 0) append(Id::receive_maximum, 1U + (which >> 6U), properties);
    if ((which & 4U) != 0) append(Id::maximum_packet_size, 1U + input.byte(), properties);
    if ((which & 8U) != 0) append(Id::topic_alias_maximum, client_aliases, properties);
    if ((which & 16U) != 0) append(Id::request_problem_information, 0U, properties);
    if ((which & 32U) != 0) append(Id::session_expiry_interval, 0xFFFFFFFFU, properties);
    if ((which & 0xC0U) == 0xC0U) append_authentication(input, properties);
    return properties;
  }

  // Of a PUBLISH, or of a will, which has a delay and no alias.
  static std::string message_properties(Input& input, bool is_will) {
    using Id = mqtt::PropertyIdentifier;
    std::string properties;
    const unsigned which = input.byte();
    if ((which & 1U) != 0) append(Id::message_expiry_interval, std::uint32_t{which >> 6U}, properties);
    if ((which & 2U) != 0) append(Id::user_property, mqtt::UserProperty{"name", "value"}, properties);
    if ((which & 4U) != 0) append(Id::payload_format_indicator, 1U, properties);
    if ((which & 8U) != 0) append(Id::content_type, "text/plain", properties);
    if ((which & 16U) == 0) return properties;
    if (is_will) {
      append(Id::will_delay_interval, which >> 5U, properties);
    } else {
      append(Id::topic_alias, which >> 5U, properties);
    }
    return properties;
  }

  static std::string disconnect(Input& input) {
    static constexpr std::array<mqtt::Reason, 4> reasons{
        mqtt::Reason::success, mqtt::Reason::disconnect_with_will, mqtt::Reason::unspecified_error,
        mqtt::Reason::server_busy};
    const auto reason = reasons[input.below(reasons.size())];
    std::string properties;
    if (input.flag()) {
      append(mqtt::PropertyIdentifier::session_expiry_interval, std::uint32_t{input.byte()}, properties);
    }
    std::string bytes;
    mqtt::write(mqtt::Disconnect{.reason = reason, .properties = mqtt::Properties(properties)}, bytes,
                mqtt::ProtocolLevel::mqtt_5);
    return bytes;
  }

  static std::string packet(Input& input, mqtt::ProtocolLevel level) {
    struct Name {
      std::string_view client_identifier;
      std::optional<std::string_view> user_name = {};
    };
    static constexpr std::array<Name, 7> names{{{""},
                                                {"a"},
                                                {"b"},
                                                {"an identifier longer than MQTT 3.1 allows"},
                                                {"a", users[0]},
                                                {"a", users[1]},
                                                {"b", users[1]}}};
    std::string bytes;
    const auto identifier = static_cast<mqtt::PacketIdentifier>(1 + input.below(6));
    const auto qos = static_cast<mqtt::QoS>(input.below(3));
    const bool speaks_5 = level == mqtt::ProtocolLevel::mqtt_5;
    std::string properties;
    switch (input.below(10)) {
      case 0: {
        const std::uint8_t level_byte = input.byte();
        static constexpr std::array<mqtt::ProtocolLevel, 4> levels{
            mqtt::ProtocolLevel::mqtt_3_1, mqtt::ProtocolLevel::mqtt_3_1_1, mqtt::ProtocolLevel::mqtt_3_1_1,
            mqtt::ProtocolLevel::mqtt_5};
        const auto wanted = levels[level_byte % levels.size()];
        const bool wants_5 = wanted == mqtt::ProtocolLevel::mqtt_5;
        const bool clean_session = input.flag();
        const std::uint16_t keep_alive = input.byte();
        const Name& name = names[input.below(names.size())];
        mqtt::Connect connect{.level = wanted,
                              .is_bridge = !wants_5 && (level_byte & 0x80U) != 0,
                              .clean_session = clean_session,
                              .keep_alive = keep_alive,
                              .client_identifier = name.client_identifier,
                              .user_name = name.user_name};
        if (input.flag()) connect.will = mqtt::Publish{.topic = "w", .qos = qos, .retain = input.flag()};
        std::string of_will;
        if (wants_5) {
          properties = connect_properties(input);
          connect.properties = mqtt::Properties(properties);
          if (connect.will) {
            of_will = message_properties(input, true);
            connect.will->properties = mqtt::Properties(of_will);
          }
        }
        mqtt::write(connect, bytes);
        break;
      }
      case 1:
      case 2: {
        const std::string payload(input.byte(), 'p');
        const bool is_qos_0 = qos == mqtt::QoS::at_most_once;
        mqtt::Publish publish{.topic = topics.at(identifier % topics.size()),
                              .payload = payload,
                              .qos = qos,
                              .dup = !is_qos_0 && input.flag(),
                              .packet_identifier = is_qos_0 ? mqtt::PacketIdentifier{0} : identifier};
        if (speaks_5) {
          properties = message_properties(input, false);
          publish.properties = mqtt::Properties(properties);
          if (publish.properties.integer(mqtt::PropertyIdentifier::topic_alias) && input.flag()) {
            publish.topic = {};
          }
        }
        mqtt::write(publish, bytes, level);
        break;
      }
      case 3:
        mqtt::write(mqtt::Puback{.packet_identifier = identifier}, bytes, level);
        break;
      case 4:
        mqtt::write(mqtt::Pubrec{.packet_identifier = identifier,
                                 .reason = speaks_5 && input.flag() ? mqtt::Reason::quota_exceeded
                                                                    : mqtt::Reason::success},
                    bytes, level);
        break;
      case 5:
        if (speaks_5 && identifier == auth_in_place_of_pubrel) return auth(input);
        mqtt::write(mqtt::Pubrel{.packet_identifier = identifier}, bytes, level);
        break;
      case 6:
        mqtt::write(mqtt::Pubcomp{.packet_identifier = identifier}, bytes, level);
        break;
      case 7:
        if (speaks_5 && input.flag()) {
          append(mqtt::PropertyIdentifier::subscription_identifier, 1U + input.byte(), properties);
        }
        mqtt::write(
            mqtt::Subscribe{.packet_identifier = identifier,
                            .subscriptions = {{.topic_filter = "a", .qos = qos}, {.topic_filter = "b/#"}},
                            .properties = mqtt::Properties(properties)},
            bytes, level);
        break;
      case 8:
        mqtt::write(mqtt::Unsubscribe{.packet_identifier = identifier, .topic_filters = {"a"}}, bytes, level);
        break;
      case 9:
        if (input.flag()) {
          mqtt::write(mqtt::Pingreq{}, bytes);
        } else {
          bytes = speaks_5 ? disconnect(input) : std::string("\xE0\0", 2);
        }
        break;
    }
    return bytes;
  }

  void pass_time(Input& input) {
    now_ += Time(input.byte() * 500);
    for (auto& place : places_) {
      if (place.connection != nullptr) place.connection->expire(now_);
    }
    sessions_.expire(now_);
  }

  void publish(Input& input) {
    // Read in this order, which the corpus has.
    const auto node = input.below(nodes);
    const std::uint8_t qos = input.byte();
    ItemPublished item{
        .node = node,
        .natural_type = static_cast<topic::Type>(input.below(topic::type_count - 1)),  // never any
        .payloads = {},
        .envelope = {.qos = static_cast<mqtt::QoS>(qos % 3), .retain = (qos & 0x80U) != 0}};
    for (auto& each : item.payloads) {
      if (input.flag()) each = std::string(input.byte() * std::size_t{12}, 'i');
    }
    sessions_.handle(std::move(item));
  }

  void decide_login(Input& input) {
    if (logins_.empty()) return go_on_authenticating(input);
    using mqtt::Reason;
    static constexpr std::array<Reason, 4> reasons{Reason::success, Reason::server_unavailable,
                                                   Reason::bad_user_name_or_password, Reason::not_authorized};
    const auto [connection, account] = std::move(logins_.front());
    logins_.pop_front();
    sessions_.handle(LoginReply{
        .connection = connection, .reason = reasons[input.below(reasons.size())], .account = account});
  }

  void go_on_authenticating(Input& input) {
    if (exchanges_.empty()) return;
    using mqtt::Reason;
    static constexpr std::array<Reason, 6> reasons{
        Reason::continue_authentication, Reason::success,        Reason::bad_user_name_or_password,
        Reason::server_unavailable,      Reason::not_authorized, Reason::bad_authentication_method};
    const auto [connection, account] = std::move(exchanges_.front());
    exchanges_.pop_front();
    sessions_.handle(AuthReply{.connection = connection,
                               .reason = reasons[input.below(reasons.size())],
                               .data = std::string(input.below(3), 'd'),
                               .account = account});
  }

  SessionId any_session(Input& input) {
    const std::size_t at = input.byte();
    return known_.empty() ? 0 : known_[at % known_.size()];
  }

  void send_retained(Input& input) {
    // As the hub does: no batch before the one before was asked on.
    const SessionId session = any_session(input);
    const auto place = std::find(owed_.begin(), owed_.end(), session);
    if (place == owed_.end()) return;
    owed_.erase(place);
    RetainedMessages batch{.session = session, .messages = {}};
    for (std::size_t i = input.below(6); i > 0; --i) {
      const auto node = input.below(nodes + 1);
      const auto qos = static_cast<mqtt::QoS>(input.below(3));
      batch.messages.push_back({.node = node,
                                .form = topic::Type::json,
                                .payload = std::string(input.byte() * std::size_t{12}, 'r'),
                                .envelope = {.qos = qos, .retain = true}});
    }
    sessions_.handle(std::move(batch));
  }

  void change_audience(Input& input) {
    AudienceChange change{.node = input.below(nodes), .session = any_session(input), .selection = {}};
    if (input.flag()) change.selection.natural = static_cast<mqtt::QoS>(input.below(3));
    if (input.flag())
      change.selection.by_form[input.below(topic::type_count)] = static_cast<mqtt::QoS>(input.below(3));
    if (change.selection.empty()) {
      auto& route = routes_.at(change.node);
      std::exchange(route, new_route(change.node))->withdraw();
    }
    sessions_.handle(change);
  }

  static std::shared_ptr<Route> new_route(NodeId node) { return std::make_shared<Route>(node, 200); }

  void answer(Input& input) {
    if (to_answer_.empty()) return;
    const Request request = std::move(to_answer_.front());
    to_answer_.pop_front();
    if (const auto* subscribe = std::get_if<SubscribeRequest>(&request)) {
      SubscribeReply reply{
          .ticket = subscribe->ticket, .subscriptions = subscribe->subscriptions, .results = {}};
      for (const auto& subscription : subscribe->subscriptions) {
        if (input.flag()) {
          reply.results.push_back(mqtt::Reason::not_authorized);
        } else {
          reply.results.push_back(mqtt::granted(subscription.qos));
        }
      }
      sessions_.handle(std::move(reply));
    } else if (const auto* unsubscribe = std::get_if<UnsubscribeRequest>(&request)) {
      sessions_.handle(
          UnsubscribeReply{.ticket = unsubscribe->ticket, .topic_filters = unsubscribe->topic_filters});
    } else if (const auto* publish = std::get_if<PublishRequest>(&request)) {
      answer(*publish, input.byte());
    }
  }

  void answer(const PublishRequest& publish, std::uint8_t how) {
    PublishReply reply{.ticket = publish.ticket,
                       .outcome = static_cast<PublishReply::Outcome>(how % 3),
                       .topic = publish.publication.topic};
    if (const std::size_t node = how / 3 % topics.size(); node < nodes) reply.route = routes_.at(node);
    sessions_.handle(std::move(reply));
  }

  static void drain(Place& place) {
    if (place.outbox == nullptr || place.outbox->closed) return;
    place.outbox->waiting = 0;
    place.connection->drained();
  }

  // What the network thread does at the end of a turn, and then the limits.
  void settle() {
    for (auto& place : places_) {
      if (place.outbox == nullptr) continue;
      if (place.outbox->closed) {
        close(place);
      } else if (std::exchange(place.outbox->resumed, false)) {
        receive(place, {});
        if (place.outbox->closed) close(place);
      }
    }
    for (auto& request : requests_) note(std::move(request));
    requests_.clear();
    for (const auto& line : log_) check(line);
    log_.clear();
    std::size_t queued_bytes = 0;
    std::map<std::string, std::size_t> stored;
    for (const auto& client : sessions_.clients()) {
      const auto* each = sessions_.find(client.session);
      check(*each);
      queued_bytes += each->record().outgoing.queued_bytes();
      if (each->outlives_connection()) ++stored[each->account()];
    }
    require(queued_bytes == sessions_.queued_bytes(), "every queued byte is counted once");
    // What publishers wait for is beyond it.
    require(queued_bytes <= limits_.max_total_queued_bytes_in_memory + limits_.max_pending_bytes +
                                limits_.max_packet_size,
            "all queues together have a limit");
    for (const auto& [account, count] : stored) {
      require(count <= (account.empty() ? limits_.max_anonymous_sessions : limits_.max_sessions_per_account),
              "stored sessions have a limit");
    }
  }

  void note(Request&& request) {
    if (const auto* open = std::get_if<OpenSession>(&request)) {
      if (std::count(known_.begin(), known_.end(), open->session) > 0) return;  // from a new connection
      known_.push_back(open->session);
      owed_.push_back(open->session);
    } else if (const auto* close = std::get_if<CloseSession>(&request)) {
      require(sessions_.find(close->session) == nullptr, "a closed session is gone");
      std::erase(known_, close->session);
      std::erase(owed_, close->session);
    } else if (const auto* retained = std::get_if<RetainedRequest>(&request)) {
      require(std::count(owed_.begin(), owed_.end(), retained->session) == 0,
              "retained messages are asked for once");
      owed_.push_back(retained->session);
    } else if (const auto* login = std::get_if<LoginRequest>(&request)) {
      logins_.emplace_back(login->client.connection, *login->client.user_name);
    } else if (const auto* begin = std::get_if<AuthRequest>(&request)) {
      accounts_[begin->client.connection] = begin->account.empty() ? users[0] : begin->account;
      exchanges_.emplace_back(begin->client.connection, accounts_[begin->client.connection]);
    } else if (const auto* response = std::get_if<AuthResponse>(&request)) {
      exchanges_.emplace_back(response->connection, accounts_[response->connection]);
    } else if (const auto* end = std::get_if<EndAuth>(&request)) {
      std::erase_if(exchanges_, [&](const auto& each) { return each.first == end->connection; });
    } else if (const auto* publish = std::get_if<PublishRequest>(&request);
               publish == nullptr || !publish->ticket.will) {
      to_answer_.push_back(std::move(request));
    }
  }

  static void check(const LogLine& line) {
    require(std::all_of(line.text.begin(), line.text.end(), [](unsigned char each) { return each >= 0x20; }),
            "log lines are printable");
  }

  void check(const session::Session& each) const {
    const auto& outgoing = each.record().outgoing;
    require(outgoing.in_flight() <= limits_.max_inflight, "no more in flight than the window holds");
    require(outgoing.queued_retained() < 6, "retained messages wait for their request");
    const auto pending = std::count_if(to_answer_.begin(), to_answer_.end(), [&](const Request& request) {
      const auto* publish = std::get_if<PublishRequest>(&request);
      return publish != nullptr && publish->ticket.session == each.id();
    });
    require(static_cast<std::size_t>(pending) <= limits_.max_pending_publishes,
            "pending publishes have a limit");
  }

  Limits limits_;
  std::vector<Request> requests_;
  std::vector<LogLine> log_;
  session::Sessions sessions_{limits_, requests_, log_};
  std::array<Place, places> places_;
  std::array<std::shared_ptr<Route>, nodes> routes_{new_route(0), new_route(1), new_route(2)};
  ConnectionId last_connection_ = 0;
  Time now_{0};
  std::vector<SessionId> known_;
  std::vector<SessionId> owed_;  // those that may be sent retained messages
  std::deque<Request> to_answer_;
  std::deque<std::pair<ConnectionId, std::string>> logins_;     // and the account that is asked for
  std::deque<std::pair<ConnectionId, std::string>> exchanges_;  // likewise, that wait for an answer
  std::map<ConnectionId, std::string> accounts_;                // of all exchanges
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(std::string(data, data + size));
  World world;
  while (!input.empty()) world.step(input);
  return 0;
}
