#include "pubsub_mqtt/session/sessions.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

#include "durable/journal.h"
#include "durable/restore.h"
#include "protocol/connect_properties.h"
#include "protocol/refusals.h"
#include "protocol/session.h"
#include "pubsub_mqtt/session/connection.h"
#include "routing/audiences.h"
#include "routing/client_list.h"
#include "routing/session_deadlines.h"
#include "routing/session_table.h"
#include "routing/shared.h"

namespace pubsub_mqtt::session {

class Sessions::State {
 public:
  State(const Limits& limits, std::vector<Request>& requests, std::vector<LogLine>& log)
      : audiences(table, shared.groups, limits),
        repeated_lines(log),
        shared{.limits = limits,
               .requests = requests,
               .log = log,
               .repeated_lines = repeated_lines,
               .sessions = table,
               .audiences = audiences},
        refusals(log) {}

  ~State() { table.clear(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Session* take_over(const SessionKey& key);
  void disconnect(Session& session, mqtt::Reason reason, std::string_view why);
  void log_and_disconnect(Session& session, mqtt::Reason reason, std::string_view why);
  void log_end(const Session& session, std::string_view why);
  void detach(Session& session) noexcept;
  void end_of_connection(Session& session);
  void attend(Session& session);
  void end_what_is_over();
  void close(Session& session);
  void finish(Session& session);
  void end_unfinished();
  void log_lack_of_memory(Time now);
  void log(const Session& session, LogLevel level, std::string_view text);

  void tell(const Promises::Waiting& waiting);
  void pass_on(KeptSession ended, store::Page&& page);

  void carry_out(const LoginReply& reply);
  void carry_out(const AuthReply& reply);
  void carry_out(const CloseAccount& account);
  void carry_out(const CloseHost& host);
  void carry_out(const CloseConnection& connection);
  void carry_out(const EndSession& ended);
  void carry_out(SubscribeReply& reply);
  void carry_out(UnsubscribeReply& reply);
  void carry_out(PublishReply& reply);
  void carry_out(SystemPublished& published) { shared.system.publish(published, table); }
  void carry_out(MountpointChanged& changed);

  SessionTable table;
  Audiences audiences;
  RepeatedLines repeated_lines;
  Shared shared;
  std::unique_ptr<Journal> journal;
  bool keeps_sessions = false;  // in the store
  Refusals refusals;
  SessionDeadlines deadlines;
  Time session_expiry = shared.limits.session_expiry;  // as `deadlines` are for
  Time lack_logged_at{-std::chrono::minutes(1)};
  std::unordered_map<ConnectionId, Connection*> logging_in;
};

Sessions::Sessions(const Limits& limits, std::vector<Request>& requests, std::vector<LogLine>& log)
    : state_(std::make_unique<State>(limits, requests, log)) {}
Sessions::~Sessions() = default;

const Limits& Sessions::limits() const { return state_->shared.limits; }
std::vector<Request>& Sessions::requests() { return state_->shared.requests; }
std::vector<LogLine>& Sessions::log() { return state_->shared.log; }
Refusals& Sessions::refusals() { return state_->refusals; }
Counters& Sessions::counters() { return state_->shared.counters; }
Session* Sessions::find(SessionId id) const { return state_->table.find(id); }
std::size_t Sessions::size() const { return state_->table.size(); }
std::size_t Sessions::queued_bytes() const { return state_->shared.queued_bytes; }
std::size_t Sessions::stored_bytes() const { return state_->shared.stored_bytes; }
bool Sessions::takes_requests_again() { return state_->shared.backlog.has_shrunk(); }
void Sessions::await_login(ConnectionId id, Connection& connection) {
  state_->logging_in.emplace(id, &connection);
}
void Sessions::forget_login(ConnectionId id) noexcept { state_->logging_in.erase(id); }

void Sessions::keep(store::Store& store, store::Items& items, std::optional<store::Contents>&& contents,
                    Time now) {
  State& state = *state_;
  state.shared.now = now;
  state.keeps_sessions = contents.has_value();
  state.journal = std::make_unique<Journal>(store, items, state.shared.groups, state.audiences,
                                            contents ? contents->last_number : 0);
  state.shared.journal = state.journal.get();
  state.journal->set_clock(now);
  if (!contents) return;
  restore(std::move(*contents), {.table = state.table,
                                 .shared = state.shared,
                                 .audiences = state.audiences,
                                 .journal = *state.journal});
  state.table.for_each([&](Session& session) { state.attend(session); });
}

void Sessions::post_changes() {
  if (state_->journal) state_->journal->post();
}

void Sessions::keep_promises() {
  if (!state_->journal) return;
  state_->journal->look();
  while (const auto waiting = state_->journal->promises().take()) state_->tell(*waiting);
  for (const SessionId id : state_->journal->take_those_with_room()) {
    if (Session* session = state_->table.find(id)) session->guard([&] { session->store_has_room(); });
  }
  state_->journal->release_requests(state_->shared.requests);
  state_->journal->take_pages(
      [](Session& session, store::Page&& page) { session.guard([&] { session.load(std::move(page)); }); },
      [this](KeptSession ended, store::Page&& page) { state_->pass_on(ended, std::move(page)); });
}

// What another member does not get for lack of memory is still the first one's: it is read again.
void Sessions::State::pass_on(KeptSession ended, store::Page&& page) {
  Journal::PageRows rows(*journal, ended, shared);
  store::RowNumber up_to = page.complete_up_to;
  for (const auto& row : page.messages) {
    journal->prepare_to_drop();
    const auto [message, selected] = rows.next(row);
    if (message == nullptr) continue;
    const bool is_of_group = selected.group != 0;
    if (is_of_group && !message->has_expired(shared.now) && !audiences.give(selected.group, message)) {
      journal->forget_in_memory(*message);
      up_to = row.number - 1;
      break;
    }
    journal->loaded(ended, row.number);  // where memory runs out from here on, it is not read again
    journal->dropped(ended, *message, is_of_group);
  }
  journal->passed_on(ended, up_to);
}

// On the connection on which it was promised.
void Sessions::State::tell(const Promises::Waiting& waiting) {
  if (const auto* connect = std::get_if<HeldConnect>(&waiting.held)) {
    const auto found = logging_in.find(waiting.connection);
    if (found != logging_in.end()) {
      found->second->stored_session_ended(connect->account, connect->authentication_data);
    }
    return;
  }
  Session* session = table.find(waiting.session);
  if (session == nullptr || !session->is_here(waiting.connection)) return;
  session->guard([&] {
    std::visit(
        [&](const auto& held) {
          if constexpr (!std::is_same_v<decltype(held), const HeldConnect&>) session->tell(held);
        },
        waiting.held);
  });
}

bool Sessions::awaits_end_of_stored(const mqtt::Connect& connect, const std::string& account,
                                    std::string_view authentication_data, ConnectionId connection) {
  if (!state_->journal) return false;
  const SessionKey key{.account = account, .client_identifier = std::string(connect.client_identifier)};
  if (connect.clean_session) {
    Session* session = state_->take_over(key);
    if (session != nullptr && session->journal() != nullptr) state_->close(*session);
  }
  const SessionId ended = state_->journal->ending(key);
  if (ended == 0) return false;
  state_->journal->promises().hold(
      ended, connection,
      HeldConnect{.account = account, .authentication_data = std::string(authentication_data)});
  return true;
}

bool Sessions::has_place_for(const mqtt::Connect& connect, const std::string& account) const {
  if (granted_expiry(connect, limits()).count() == 0) return true;
  const SessionTable& table = state_->table;
  const Session* known =
      table.find({.account = account, .client_identifier = std::string(connect.client_identifier)});
  if (known != nullptr && known->outlives_connection()) return true;
  return table.stored(account) <
         (account.empty() ? limits().max_anonymous_sessions : limits().max_sessions_per_account);
}

Sessions::Opened Sessions::open(const mqtt::Connect& connect, std::string account, Accepted&& client) {
  SessionRecord record{
      .expiry = granted_expiry(connect, limits()),
      .key = {.account = std::move(account), .client_identifier = std::string(connect.client_identifier)}};
  Attachment attachment{.connection = client.connection,
                        .outbox = &client.outbox,
                        .address = std::move(client.peer.name),
                        .level = connect.level,
                        .is_bridge = connect.is_bridge,
                        .transport = client.peer.transport(),
                        .will = will_of(connect),
                        .client_limits = std::move(client.limits)};
  // An account has its name for this already.
  if (record.key.account.empty() && !client.peer.is_loopback) {
    attachment.party = std::make_unique<const std::string>(std::move(client.peer.party));
  }
  state_->end_what_is_over();
  Session* session = state_->take_over(record.key);
  if (session != nullptr && connect.clean_session) {
    state_->close(*session);
    session = nullptr;
  }
  const bool present = session != nullptr;
  if (present) {
    state_->table.set_expiry(*session, record.expiry);
  } else {
    session = &state_->table.create(std::move(record), state_->shared);
  }
  if (attachment.will) {
    auto& envelope = attachment.will->publication.envelope;
    envelope.publisher = session->publisher();
    envelope.session = session->id();
  }
  state_->deadlines.erase(session->id());
  session->attach(std::move(attachment));  // what has waited of an older will is called off [MQTT5-3.1.3-9]
  // One that is stored is so to its end: what waits for it may be in the store alone.
  const std::chrono::duration<std::uint16_t> keep_alive(connect.keep_alive);
  if (state_->keeps_sessions && (session->outlives_connection() || session->journal() != nullptr)) {
    state_->journal->connected(*session, keep_alive);
  } else if (state_->keeps_sessions && session->has_will()) {
    state_->journal->keep_will(*session, keep_alive);
  }
  return {.session = *session, .present = present};
}

// The session of the client, without a connection; nullptr if there is none.
Session* Sessions::State::take_over(const SessionKey& key) {
  Session* session = table.find(key);
  if (session != nullptr && session->is_connected()) {
    constexpr std::string_view why = "its client identifier connected again";
    if (shared.limits.log_connections) {
      log_end(*session, why);
    } else {
      repeated_lines.log(LogLevel::info, session->client(), "closed, " + std::string(why));
    }
    disconnect(*session, mqtt::Reason::session_taken_over, why);
    session = table.find(key);  // one that does not outlive its connection is over now
  }
  // Its own end may be what memory did not suffice for: the new connection's will must not take the place of one that
  // is due, nor the client resume what is over.
  if (session != nullptr && shared.has_unfinished) {
    end_of_connection(*session);
    session = table.find(key);
  }
  if (session == nullptr || session->outlives_connection()) return session;
  // An earlier process has left it, and its client is in time to call its will off.
  session->forget_will();
  close(*session);
  return nullptr;
}

void Sessions::resume(Session& session) { session.resume(); }

void Sessions::detach(Session& session) noexcept { state_->detach(session); }

void Sessions::State::detach(Session& session) noexcept {
  session.detach();
  try {
    end_of_connection(session);
  } catch (const std::exception&) {
    shared.has_unfinished = true;
  }
}

void Sessions::State::end_of_connection(Session& session) {
  if (session.outlives_connection()) return attend(session);
  close(session);
}

// What is due for a session without a connection is done; the rest is awaited.
void Sessions::State::attend(Session& session) {
  if (session.journal() != nullptr && session.outlives_connection()) session.journal()->disconnected(session);
  if (session.ends_at() <= shared.now) {
    if (!session.outlives_connection()) return close(session);
    ++shared.counters.expired_sessions;
    const bool is_cut = session.record().expiry >= shared.limits.session_expiry;
    repeated_lines.log(
        LogLevel::info, session.client(),
        is_cut ? "its session ends, since it did not come back within mqtt_session_expiry"
               : "its session ends, since it did not come back within its session expiry interval");
    return close(session);
  }
  if (session.has_will() && session.will_is_due_at() <= shared.now) session.publish_will();
  deadlines.set(session.id(), session.has_will() ? session.will_is_due_at() : session.ends_at());
}

void Sessions::State::end_what_is_over() {
  while (const auto due = deadlines.take_due(shared.now)) {
    if (Session* session = table.find(*due)) detach(*session);
  }
}

void Sessions::State::end_unfinished() {
  if (!std::exchange(shared.has_unfinished, false)) return;
  table.for_each([this](Session& session) {
    if (!session.is_connected()) detach(session);
  });
}

// Where memory runs out it is over all the same, and what is left to do for that is done later.
void Sessions::State::close(Session& session) {
  table.set_expiry(session, {});
  try {
    finish(session);
  } catch (const std::exception&) {
    shared.has_unfinished = true;
    throw;
  }
}

// The end of the session is the end of a will's delay [MQTT5-3.1.2-8]. Its groups go on without it.
void Sessions::State::finish(Session& session) {
  session.publish_will();
  deadlines.erase(session.id());
  if (session.dropped() > 0) {
    repeated_lines.log(LogLevel::info, session.client(), "messages were dropped",
                       std::to_string(session.dropped()) + ' ');
  }
  session.leave_groups();
  session.record().outgoing.leave_to_groups(shared);
  if (session.journal() != nullptr) session.journal()->end(session);
  if (session.is_opened()) session.ask(CloseSession{.session = session.id()});
  table.erase(session);
}

void Sessions::lacked_memory() noexcept { ++state_->shared.lacked_memory; }

// Once a minute, as Refusals.
void Sessions::State::log_lack_of_memory(Time now) {
  if (shared.lacked_memory == 0 || now < lack_logged_at + std::chrono::minutes(1)) return;
  lack_logged_at = now;
  shared.log.emplace_back(LogLine{
      .level = LogLevel::error,
      .text = "MQTT connections were closed for lack of memory: " + std::to_string(shared.lacked_memory) +
              ". Give Prosody more, or lower mqtt_max_connections or mqtt_max_total_queued_bytes_in_memory"});
  shared.lacked_memory = 0;
}

void Sessions::look(Time now) {
  state_->shared.now = now;
  state_->shared.waiting.look(now, GoOn{state_->table});
}

void Sessions::expire(Time now) {
  look(now);
  state_->refusals.expire(now);
  state_->repeated_lines.expire(now);
  state_->log_lack_of_memory(now);
  // Whose moments are others since a reload are seen to at once.
  if (std::exchange(state_->session_expiry, limits().session_expiry) != limits().session_expiry) {
    state_->shared.has_unfinished = true;
  }
  state_->end_unfinished();
  // What has expired in queues that nobody touches is memory for nothing.
  state_->table.for_each([](Session& session) { session.drop_expired(); });
  if (state_->journal) state_->journal->sweep_all();
  meet_deadlines(now);
}

void Sessions::meet_deadlines(Time now) {
  look(now);
  state_->end_what_is_over();
}

std::optional<Time> Sessions::deadline() const { return state_->deadlines.first(); }

void Sessions::set_expiry(Session& session, std::uint32_t seconds) {
  state_->table.set_expiry(session, granted_expiry(Seconds(seconds), limits()));
}

ClientPage Sessions::clients(const ClientQuery& query) const {
  return list_clients(state_->table, query, state_->shared.now);
}

std::optional<ClientDetails> Sessions::client(SessionId id, std::size_t most_filters) const {
  const Session* session = find(id);
  if (session == nullptr) return std::nullopt;
  return describe(state_->table, *session, most_filters, state_->shared.now);
}

Metrics Sessions::metrics() const {
  const Shared& shared = state_->shared;
  Metrics metrics{.counters = shared.counters,
                  .present = {.shared_subscriptions = shared.groups.members(),
                              .shared_groups = shared.groups.size(),
                              .queued_bytes = shared.queued_bytes + shared.stored_bytes}};
  Present& present = metrics.present;
  state_->table.for_each([&](const Session& session) {
    const SessionRecord& record = session.record();
    ++(session.is_connected() ? present.connected : present.away);
    present.subscriptions += record.subscriptions.size();
    present.queued_messages += record.outgoing.queued();
    present.in_flight += record.outgoing.in_flight();
    present.withheld += session.withheld();
  });
  present.subscriptions -= std::min(present.subscriptions, present.shared_subscriptions);
  return metrics;
}

void Sessions::send_wills() {
  state_->table.for_each([](Session& session) {
    if (session.has_retained_will()) session.publish_will();
  });
  state_->table.for_each([](Session& session) { session.publish_will(); });
  if (state_->journal) state_->journal->release_all_requests(state_->shared.requests);
}

void Sessions::close_all() {
  state_->table.for_each([&](Session& session) {
    if (!session.is_connected()) return;
    constexpr std::string_view why = "the MQTT server stops";
    if (limits().log_connections) state_->log_end(session, why);
    state_->disconnect(session, mqtt::Reason::server_shutting_down, why);
  });
}

void Sessions::handle(Delivery&& delivery) {
  state_->end_unfinished();
  std::visit(
      [this](auto& each) {
        if constexpr (requires { state_->audiences.carry_out(each); }) {
          state_->audiences.carry_out(each);
        } else {
          state_->carry_out(each);
        }
      },
      delivery);
}

void Sessions::State::carry_out(const LoginReply& reply) {
  const auto found = logging_in.find(reply.connection);
  if (found != logging_in.end()) found->second->receive(reply);
}

void Sessions::State::carry_out(const AuthReply& reply) {
  const auto found = logging_in.find(reply.connection);
  if (found != logging_in.end()) found->second->receive(reply);
}

void Sessions::State::carry_out(const CloseAccount& account) {
  table.for_each([&](Session& session) {
    if (session.account() != account.account) return;
    if (account.was_deleted) session.forget_will();
    const SessionId id = session.id();
    if (session.is_connected())
      log_and_disconnect(session, mqtt::Reason::not_authorized, "its account was changed");
    if (account.was_deleted && table.find(id) != nullptr) close(session);
  });
}

void Sessions::State::carry_out(const CloseHost& host) {
  const std::string of_host = '@' + host.host;
  table.for_each([&](Session& session) {
    if (!session.is_connected() || !session.account().ends_with(of_host)) return;
    log_and_disconnect(session, mqtt::Reason::server_shutting_down, "its account's host has gone");
  });
}

void Sessions::State::carry_out(const CloseConnection& connection) {
  Session* session = table.find(connection.session);
  if (session == nullptr || !session->is_connected()) return;
  constexpr std::string_view why = "closed by the administrator";
  log(*session, LogLevel::info, why);
  disconnect(*session, mqtt::Reason::administrative_action, why);
}

void Sessions::State::carry_out(const EndSession& ended) {
  carry_out(CloseConnection{.session = ended.session});
  Session* session = table.find(ended.session);
  if (session == nullptr) return;
  log(*session, LogLevel::info, "its session ends, deleted by the administrator");
  close(*session);
}

void Sessions::State::log_and_disconnect(Session& session, mqtt::Reason reason, std::string_view why) {
  log_end(session, why);
  disconnect(session, reason, why);
}

void Sessions::State::log_end(const Session& session, std::string_view why) {
  log(session, LogLevel::info, "closed, " + std::string(why));
}

// The server closes the connection: the will goes out.
void Sessions::State::disconnect(Session& session, mqtt::Reason reason, std::string_view why) {
  session.say_goodbye(reason, why);
  session.outbox()->close();
  detach(session);
}

void Sessions::State::carry_out(SubscribeReply& reply) {
  shared.backlog.remove(reply.ticket.session, reply.ticket.bytes, shared.limits);
  Session* session = table.find(reply.ticket.session);
  if (session != nullptr) session->guard([&] { session->reply(reply); });
}

void Sessions::State::carry_out(UnsubscribeReply& reply) {
  shared.backlog.remove(reply.ticket.session, reply.ticket.bytes, shared.limits);
  Session* session = table.find(reply.ticket.session);
  if (session != nullptr) session->guard([&] { session->reply(reply); });
}

void Sessions::State::carry_out(PublishReply& reply) {
  shared.backlog.remove_publish(reply.ticket.session, reply.topic, reply.ticket.bytes, shared.limits);
  Session* session = table.find(reply.ticket.session);
  if (session != nullptr && session->take_lost_publish() &&
      reply.outcome == PublishReply::Outcome::accepted) {
    reply.outcome = PublishReply::Outcome::failed;
    reply.reason_string = "the server has too little memory";
  }
  if (reply.ticket.will) {
    const bool is_over = reply.outcome != PublishReply::Outcome::failed;
    if (journal) journal->published_will(reply.ticket.session, is_over);
    return;
  }
  if (session == nullptr) return;
  bool goes_on = true;
  session->guard([&] { goes_on = session->reply(reply); });
  if (goes_on) return;
  session->outbox()->close();
  detach(*session);
}

void Sessions::State::carry_out(MountpointChanged& changed) {
  shared.mountpoint = std::move(changed.mountpoint);
  audiences.follow_mountpoint(shared.mountpoint.get());
  table.for_each([](Session& session) { session.guard([&] { session.follow_mountpoint(); }); });
}

void Sessions::State::log(const Session& session, LogLevel level, std::string_view text) {
  shared.log.emplace_back(LogLine{.level = level, .text = session.client() + ": " + std::string(text)});
}

}  // namespace pubsub_mqtt::session
