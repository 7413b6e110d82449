#include "loop/event_loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <iterator>
#include <memory>
#include <utility>

#include "admission/address_ranges.h"
#include "admission/arrival.h"
#include "admission/handshake_turn.h"
#include "proxy/proxy_header_stream.h"
#include "tls/tls_stream.h"
#include "websocket/websocket_stream.h"

namespace pubsub_mqtt::net {
namespace {

// Debug lines wait so long for each other, and no more of them.
constexpr Time lines_are_held{50};
constexpr std::size_t most_held_lines = 100;

// What Prosody's thread waits for: the value, or the exception that came in its place.
template <typename Value, typename Find>
void answer(std::promise<Value>& asked, Find&& find) noexcept {
  try {
    asked.set_value(find());
  } catch (...) {
    asked.set_exception(std::current_exception());
  }
}

}  // namespace

EventLoop::EventLoop(Limits& limits, Mailbox<Command>& commands, Mailbox<Delivery>& deliveries,
                     Mailbox<Request>& requests, Mailbox<LogLine>& log, int requests_fd)
    : limits_(limits),
      command_box_(commands),
      delivery_box_(deliveries),
      request_box_(requests),
      log_box_(log),
      requests_fd_(requests_fd),
      sessions_(limits_, requests_, log_),
      listeners_(limits, access_, poll_set_, log_, [this](Client&& client) { accept(std::move(client)); }) {}

EventLoop::~EventLoop() = default;

bool EventLoop::init() {
  if (!poll_set_.open() || uv_loop_init(&loop_) != 0) return false;
  wake_.data = before_poll_.data = after_poll_.data = ready_.data = this;
  if (uv_async_init(&loop_, &wake_, on_wake) != 0) {
    uv_loop_close(&loop_);
    return false;
  }
  uv_prepare_init(&loop_, &before_poll_);
  uv_prepare_start(&before_poll_,
                   [](uv_prepare_t* handle) { end_of_turn(*static_cast<EventLoop*>(handle->data)); });
  uv_check_init(&loop_, &after_poll_);
  uv_check_start(&after_poll_,
                 [](uv_check_t* handle) { end_of_turn(*static_cast<EventLoop*>(handle->data)); });
  expiry_.init(loop_, this, on_expiry);
  expiry_.repeat(limits_.warning_interval);
  next_session_.init(loop_, this, on_session_deadline);
  next_handshake_.init(loop_, this, on_handshake);
  next_deadline_.init(loop_, this, on_deadline);
  held_lines_.init(loop_, this, on_held_lines);
  return uv_poll_init(&loop_, &ready_, poll_set_.fd()) == 0 &&
         uv_poll_start(&ready_, UV_READABLE, on_ready) == 0;
}

void EventLoop::keep(const Storage& storage, std::optional<store::Contents>&& contents) {
  store_ = &storage.store;
  uv_update_time(&loop_);
  sessions_.keep(storage.store, storage.items, std::move(contents), now());
  sessions_.post_changes();
  post_requests();
}

// What was promised is kept, and what went wrong is said.
void EventLoop::hear_from_store() {
  if (store_ == nullptr) return;
  sessions_.keep_promises();
  std::vector<LogLine> lines;
  store_->take_log(lines);
  log_.insert(log_.end(), std::move_iterator(lines.begin()), std::move_iterator(lines.end()));
}

void EventLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  finish_turn();  // what the last connections had to say
}

void EventLoop::wake() { uv_async_send(&wake_); }

// Runs work of a callback: no exception may reach libuv, which is C. Of a batch, each by itself: one that
// fails keeps none from being carried out, and has none carried out twice. False: it failed.
template <typename Work>
bool EventLoop::guard(Work&& work) noexcept {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    report(error.what());
    return false;
  }
}

// Where there is no memory for the line either, the failure goes unsaid.
void EventLoop::report(const char* failure) noexcept {
  try {
    log_.emplace_back(LogLine{.level = LogLevel::error, .text = failure});
  } catch (const std::exception&) {
    return;
  }
}

void EventLoop::on_session_deadline(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] { self.sessions_.meet_deadlines(self.now()); });
}

void EventLoop::on_wake(uv_async_t* async) {
  auto& self = *static_cast<EventLoop*>(async->data);
  // Who posts commands wakes this once, and waits.
  self.guard([&] { self.take_deliveries(); });
  self.guard([&] { self.carry_out_commands(); });
  self.guard([&] { self.hear_from_store(); });
}

void EventLoop::on_expiry(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] {
    self.sessions_.expire(self.now());
    self.listeners_.expire(self.now());
    self.deadlines_.forget_if_many(self.connections_.size(), [&](ConnectionId id, Time at) {
      const auto connection = self.connections_.find(id);
      return connection != self.connections_.end() && connection->second.is_due_at(at);
    });
  });
}

void EventLoop::catch_up() {
  guard([this] { take_deliveries(); });
}

void EventLoop::take_deliveries() {
  sessions_.look(now());
  delivery_box_.take(deliveries_);
  for (auto& delivery : deliveries_) guard([&] { sessions_.handle(std::move(delivery)); });
  deliveries_.clear();
}

// Those that have waited, since all together had asked too much, read on. Returns false where there is nothing for
// them.
bool EventLoop::give_shares() {
  if (!sessions_.takes_requests_again()) return false;
  for (auto& [id, connection] : connections_) connection.resume_reading();
  return true;
}

void EventLoop::carry_out_commands() {
  command_box_.take(commands_);
  for (auto& command : commands_)
    guard([&] { std::visit([this](auto& each) { carry_out(each); }, command); });
  commands_.clear();
}

void EventLoop::carry_out(Listen& command) {
  listeners_.listen(command.listener, std::move(command.socket), std::move(command.tls));
}

// Whoever needs the limits reads them where they are.
void EventLoop::carry_out(SetLimits& command) {
  limits_ = command.limits;
  sessions_.expire(now());
}

// For connections that come from now on.
void EventLoop::carry_out(SetAccess& command) { access_ = std::move(command.access); }

void EventLoop::carry_out(SetTls& command) { listeners_.set_tls(command.listener, std::move(command.tls)); }

void EventLoop::carry_out(CloseListener& command) {
  listeners_.close(command.listener);
  command.closed.set_value();
}

void EventLoop::carry_out(ListClients& command) {
  answer(command.page, [&] {
    sessions_.look(now());
    return sessions_.clients(command.query);
  });
}

void EventLoop::carry_out(ShowClient& command) {
  answer(command.details, [&] {
    sessions_.look(now());
    auto details = sessions_.client(command.session, command.most_filters);
    if (details) {
      const auto connection = connections_.find(details->connection);
      if (connection != connections_.end()) details->keep_alive = connection->second.keep_alive();
    }
    return details;
  });
}

void EventLoop::carry_out(TakeMetrics& command) {
  answer(command.metrics, [&] {
    Metrics metrics{.sessions = sessions_.metrics(),
                    .clients = {},
                    .arrivals = listeners_.arrivals(),
                    .handshakes = handshakes_.ended()};
    for (const auto& [id, connection] : connections_) connection.add_to(metrics.clients);
    return metrics;
  });
}

void EventLoop::carry_out(SendWills& command) {
  sessions_.send_wills();
  post_requests();
  command.sent.set_value();
}

void EventLoop::carry_out(Stop& /*command*/) {
  stopping_ = true;
  listeners_.close_all();
  guard([this] { sessions_.close_all(); });
  for (auto& [id, connection] : connections_) connection.close();
}

void EventLoop::on_ready(uv_poll_t* poll, int /*status*/, int /*events*/) {
  auto& self = *static_cast<EventLoop*>(poll->data);
  for (const epoll_event& event : self.poll_set_.wait()) self.guard([&] { self.dispatch(event); });
}

void EventLoop::dispatch(const epoll_event& event) {
  const std::uint64_t name = event.data.u64;
  if (Listeners::is_listener(name)) return listeners_.accept(name, now());
  const auto connection = connections_.find(name);
  if (connection != connections_.end()) connection->second.on_ready(event.events);
}

void EventLoop::accept(Client&& client) {
  const ConnectionId id = ++last_connection_;
  StreamStack streams = streams_for(id, client);
  connections_
      .try_emplace(id, *this, id, std::move(client.socket), client.from.peer(client.tls != nullptr),
                   std::move(streams), std::move(client.place))
      .first->second.start();
}

StreamStack EventLoop::streams_for(ConnectionId id, Client& client) {
  StreamStack streams;
  auto arrival =
      std::make_shared<Arrival>(client.from, client.tls != nullptr, now(), access_,
                                [this](const auto& from) { return listeners_.admit_client(from, now()); });
  if (contains(access_->proxies, client.from)) streams.push(std::make_unique<ProxyHeaderStream>(arrival));
  if (client.tls) {
    streams.push(std::make_unique<TlsStream>(client.tls, std::make_unique<HandshakeTurn>(handshakes_, id)));
  }
  streams.push(std::make_unique<WebSocketStream>(std::move(arrival), frame_writer_));
  return streams;
}

void EventLoop::call_at(Time moment, ConnectionId connection) {
  deadlines_.add(connection, moment);
  await_deadline();
}

void EventLoop::on_deadline(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] { self.meet_deadlines(); });
}

void EventLoop::meet_deadlines() {
  while (const auto id = deadlines_.next(now())) {
    const auto connection = connections_.find(*id);
    if (connection != connections_.end()) connection->second.on_deadline(now());
  }
  await_deadline();
}

void EventLoop::await_deadline() {
  const auto first = deadlines_.first();
  if (!first || (next_deadline_.is_set() && awaited_ <= *first)) return;
  awaited_ = *first;
  next_deadline_.set(*first - now());
}

void EventLoop::await_sessions() {
  const auto first = sessions_.deadline();
  if (!first || (next_session_.is_set() && awaited_session_ <= *first)) return;
  awaited_session_ = *first;
  next_session_.set(*first - now());
}

void EventLoop::on_handshake(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] { self.go_on_with_handshakes(); });
}

void EventLoop::go_on_with_handshakes() {
  handshakes_.begin_turn();
  while (const auto id = handshakes_.next()) {
    const auto connection = connections_.find(*id);
    if (connection != connections_.end()) connection->second.take_turn();
  }
}

// After the others: their sockets are looked at before a timer comes again.
void EventLoop::await_handshake() {
  if (!handshakes_.empty() && !next_handshake_.is_set()) next_handshake_.set(Time(0));
}

void EventLoop::end_of_turn(EventLoop& loop) {
  // What could not be posted is posted a little later, though nothing else happens.
  if (!loop.guard([&] { loop.finish_turn(); })) loop.held_lines_.set(lines_are_held);
}

// One system call a connection, and one to wake Prosody's thread, for all that happened in this turn.
void EventLoop::finish_turn() {
  sessions_.look(now());
  // They become more meanwhile: a connection that reads on has something to send.
  do {
    while (TcpConnection* const connection = to_visit_.pop()) {
      if (connection->is_closed()) {
        connections_.erase(connection->id());
      } else {
        connection->flush();
      }
    }
  } while (give_shares());
  sessions_.post_changes();
  await_handshake();
  await_sessions();
  const bool posts_requests = !requests_.empty();
  post_requests();
  // Held lines go along with what wakes Prosody's thread anyway.
  if (posts_requests) post_log();
  post_or_hold_log();
  if (stopping_) close_own_handles();
}

void EventLoop::post_requests() {
  if (!requests_.empty() && request_box_.post(requests_)) eventfd_write(requests_fd_, 1);
}

// Most clients that come and go give pubsub nothing to do. What is logged of them for a debugger's eyes wakes
// Prosody's thread together.
bool EventLoop::may_hold_log() const {
  return !stopping_ && log_.size() < most_held_lines &&
         std::ranges::all_of(log_, [](const LogLine& line) { return line.level == LogLevel::debug; });
}

void EventLoop::post_or_hold_log() {
  if (log_.empty()) return;
  if (!may_hold_log()) return post_log();
  if (!held_lines_.is_set()) held_lines_.set(lines_are_held);
}

void EventLoop::on_held_lines(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] { self.post_log(); });
}

void EventLoop::post_log() {
  if (!log_.empty() && log_box_.post(log_)) eventfd_write(requests_fd_, 1);
}

void EventLoop::close_own_handles() {
  // Those that could not take their goodbye at once have had their chance.
  for (auto& [id, connection] : connections_) connection.close_now();
  for (auto* handle : {reinterpret_cast<uv_handle_t*>(&wake_), reinterpret_cast<uv_handle_t*>(&before_poll_),
                       reinterpret_cast<uv_handle_t*>(&after_poll_), reinterpret_cast<uv_handle_t*>(&ready_),
                       expiry_.handle(), next_handshake_.handle(), next_deadline_.handle(),
                       next_session_.handle(), held_lines_.handle()}) {
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  }
}

}  // namespace pubsub_mqtt::net
