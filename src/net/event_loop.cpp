#include "event_loop.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <utility>

namespace pubsub_mqtt::net {
namespace {

// Prosody listens with 128; a thousand devices that come back after a power cut need more.
constexpr int backlog = 1024;

// Descriptors from here on are left to Prosody, which cannot serve XMPP or write a file without.
int first_reserved_descriptor() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1000000) return 1000000;
  const auto all = static_cast<int>(limit.rlim_cur);
  return all - std::max(64, all / 10);
}

// How often sessions are looked through: each minute, and more often where they end sooner.
session::Time expiry_interval(session::Time session_expiry) {
  return std::clamp(session_expiry / 10, session::Time(100), session::Time(std::chrono::minutes(1)));
}

}  // namespace

struct EventLoop::Listener {
  EventLoop& loop;
  uv_tcp_t handle{};
  std::shared_ptr<const TlsContexts> tls;
};

EventLoop::EventLoop(const session::Limits& session_limits, const Limits& limits, Mailbox<Command>& commands,
                     Mailbox<Delivery>& deliveries, Mailbox<Request>& requests, int requests_fd)
    : session_limits_(session_limits),
      command_box_(commands),
      delivery_box_(deliveries),
      request_box_(requests),
      requests_fd_(requests_fd),
      last_descriptor_(first_reserved_descriptor()),
      sessions_(session_limits_, requests_),
      admission_(limits, requests_),
      handshakes_(limits, requests_) {}

EventLoop::~EventLoop() = default;

bool EventLoop::init() {
  if (uv_loop_init(&loop_) != 0) return false;
  wake_.data = before_poll_.data = after_poll_.data = expiry_.data = next_handshake_.data = this;
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
  const auto interval = static_cast<std::uint64_t>(expiry_interval(session_limits_.session_expiry).count());
  uv_timer_init(&loop_, &expiry_);
  uv_timer_start(&expiry_, on_expiry, interval, interval);
  uv_timer_init(&loop_, &next_handshake_);
  return true;
}

void EventLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  finish_turn();  // what the last connections had to say
}

void EventLoop::wake() { uv_async_send(&wake_); }

// Runs work of a callback: no exception may reach libuv, which is C.
template <typename Work>
void EventLoop::guard(Work&& work) {
  try {
    work();
  } catch (const std::exception& error) {
    requests_.emplace_back(LogLine{.level = LogLevel::error, .text = error.what()});
  }
}

void EventLoop::on_wake(uv_async_t* async) {
  auto& self = *static_cast<EventLoop*>(async->data);
  self.guard([&] {
    self.take_deliveries();
    self.carry_out_commands();
  });
}

void EventLoop::on_expiry(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] {
    self.sessions_.expire(self.now());
    self.admission_.expire(self.now());
    self.handshakes_.expire(self.now());
  });
}

// A client may send because of what it has seen elsewhere: whatever led to that is here already, since its
// bytes are read later.
uv_buf_t EventLoop::read_buffer() {
  guard([this] { take_deliveries(); });
  return uv_buf_init(read_buffer_.data(), static_cast<unsigned>(read_buffer_.size()));
}

void EventLoop::take_deliveries() {
  delivery_box_.take(deliveries_);
  for (auto& delivery : deliveries_) sessions_.handle(std::move(delivery));
  deliveries_.clear();
  if (sessions_.takes_requests_again()) {
    for (auto& [id, connection] : connections_) connection->resume_reading();
  }
}

void EventLoop::carry_out_commands() {
  command_box_.take(commands_);
  for (auto& command : commands_) std::visit([this](auto& each) { carry_out(each); }, command);
  commands_.clear();
}

void EventLoop::carry_out(Listen& command) {
  auto listener =
      std::make_unique<Listener>(Listener{.loop = *this, .handle = {}, .tls = std::move(command.tls)});
  uv_tcp_init(&loop_, &listener->handle);
  listener->handle.data = listener.get();
  auto* stream = reinterpret_cast<uv_stream_t*>(&listener->handle);
  int error = uv_tcp_open(&listener->handle, command.fd);
  if (error != 0) {
    ::close(command.fd);
  } else {
    error = uv_listen(stream, backlog, on_connection);
  }
  if (error != 0) {
    requests_.emplace_back(
        LogLine{.level = LogLevel::error,
                .text = std::string("cannot accept MQTT connections: ") + uv_strerror(error)});
  }
  listeners_.emplace(command.listener, std::move(listener));
}

void EventLoop::carry_out(SetTls& command) {
  const auto listener = listeners_.find(command.listener);
  if (listener != listeners_.end()) listener->second->tls = std::move(command.tls);
}

void EventLoop::carry_out(CloseListener& command) {
  const auto found = listeners_.find(command.listener);
  if (found == listeners_.end()) return command.closed.set_value();
  // libuv closes the descriptor in uv_close(); its callback only lets the memory go.
  Listener* listener = found->second.release();
  listeners_.erase(found);
  uv_close(reinterpret_cast<uv_handle_t*>(&listener->handle),
           [](uv_handle_t* handle) { std::unique_ptr<Listener>(static_cast<Listener*>(handle->data)); });
  command.closed.set_value();
}

void EventLoop::carry_out(SendWills& command) {
  sessions_.send_wills();
  post_requests();
  command.sent.set_value();
}

void EventLoop::carry_out(Stop& /*command*/) {
  stopping_ = true;
  while (!listeners_.empty()) {
    CloseListener close{.listener = listeners_.begin()->first, .closed = {}};
    carry_out(close);
  }
  for (auto& [id, connection] : connections_) connection->close();
}

void EventLoop::on_connection(uv_stream_t* stream, int status) {
  if (status != 0) return;
  auto& listener = *static_cast<Listener*>(stream->data);
  listener.loop.guard([&] { listener.loop.accept(listener); });
}

void EventLoop::accept(Listener& listener) {
  const ConnectionId id = ++last_connection_;
  auto& connection = *connections_.emplace(id, std::make_unique<TcpConnection>(*this, id)).first->second;
  if (!connection.accept(reinterpret_cast<uv_stream_t*>(&listener.handle))) return connection.close_now();
  if (connection.descriptor() >= last_descriptor_) {
    connection.reset();
    return warn_of_descriptors();
  }
  auto place = admission_.admit(connection.from(), now());
  if (!place) return connection.reset();
  connection.start(listener.tls, std::move(place));
}

bool EventLoop::may_begin_handshake(TcpConnection& connection) {
  if (handshakes_.enter(connection.id(), now())) return true;
  await_handshake();
  return false;
}

void EventLoop::on_handshake(uv_timer_t* timer) {
  auto& self = *static_cast<EventLoop*>(timer->data);
  self.guard([&] { self.begin_handshakes(); });
  self.await_handshake();
}

void EventLoop::begin_handshakes() {
  while (const auto id = handshakes_.next(now())) {
    if (!connections_.at(*id)->begin_handshake()) handshakes_.skipped();
  }
}

void EventLoop::await_handshake() {
  const auto deadline = handshakes_.deadline();
  if (!deadline || uv_is_active(reinterpret_cast<uv_handle_t*>(&next_handshake_)) != 0) return;
  const auto wait = std::max(*deadline - now(), session::Time::zero());
  uv_timer_start(&next_handshake_, on_handshake, static_cast<std::uint64_t>(wait.count()), 0);
}

void EventLoop::warn_of_descriptors() {
  if (std::exchange(warned_of_descriptors_, true)) return;
  requests_.emplace_back(LogLine{
      .level = LogLevel::warn,
      .text = "MQTT connections are refused: Prosody needs the file descriptors that are left. Raise the "
              "limit on open files (ulimit -n, LimitNOFILE)"});
}

void EventLoop::flush_at_end_of_turn(TcpConnection& connection) { to_flush_.push_back(&connection); }

void EventLoop::forget(TcpConnection& connection) { connections_.erase(connection.id()); }

void EventLoop::end_of_turn(EventLoop& loop) {
  loop.guard([&] { loop.finish_turn(); });
}

// One system call a connection, and one to wake Prosody's thread, for all that happened in this turn.
void EventLoop::finish_turn() {
  // The list grows while it is walked: a connection that reads on has something to send.
  for (std::size_t i = 0; i < to_flush_.size(); ++i) to_flush_[i]->flush();
  to_flush_.clear();
  post_requests();
  if (stopping_) close_own_handles();
}

void EventLoop::post_requests() {
  if (!requests_.empty() && request_box_.post(requests_)) eventfd_write(requests_fd_, 1);
}

void EventLoop::close_own_handles() {
  // Those that could not take their goodbye at once have had their chance.
  for (auto& [id, connection] : connections_) connection->close_now();
  for (auto* handle : {reinterpret_cast<uv_handle_t*>(&wake_), reinterpret_cast<uv_handle_t*>(&before_poll_),
                       reinterpret_cast<uv_handle_t*>(&after_poll_), reinterpret_cast<uv_handle_t*>(&expiry_),
                       reinterpret_cast<uv_handle_t*>(&next_handshake_)}) {
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  }
}

}  // namespace pubsub_mqtt::net
