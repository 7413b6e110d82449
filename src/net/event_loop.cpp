#include "event_loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <utility>

namespace pubsub_mqtt::net {
namespace {

// Prosody listens with 128; a thousand devices that come back after a power cut need more.
constexpr int backlog = 1024;

// Clients that are let in before those that are in already are looked at.
constexpr int accepted_at_once = 100;

// Debug lines wait so long for each other, and no more of them.
constexpr std::chrono::duration<std::uint64_t, std::milli> lines_are_held{50};
constexpr std::size_t most_held_lines = 100;

// In a PollSet's name for a socket: it is a listener's, not a connection's.
constexpr std::uint64_t listener_bit = 1ULL << 63U;

FileDescriptor spare_descriptor() { return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Closes it so that the kernel need not remember it, whatever the client does.
void reset(const FileDescriptor& socket) {
  const linger none{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

// Descriptors from here on are left to Prosody, which cannot serve XMPP or write a file without.
int first_reserved_descriptor() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1000000) return 1000000;
  const auto all = static_cast<int>(limit.rlim_cur);
  return all - std::max(64, all / 10);
}

// How often sessions are looked through: each minute, and more often where they end sooner.
Time expiry_interval(Time session_expiry) {
  return std::clamp(session_expiry / 10, Time(100), Time(std::chrono::minutes(1)));
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
      last_descriptor_(first_reserved_descriptor()),
      sessions_(limits_, requests_, log_),
      admission_(limits, log_),
      handshakes_(limits, log_) {}

EventLoop::~EventLoop() = default;

bool EventLoop::init() {
  spare_ = spare_descriptor();
  if (!poll_set_.open() || uv_loop_init(&loop_) != 0) return false;
  wake_.data = before_poll_.data = after_poll_.data = expiry_.data = next_handshake_.data =
      next_deadline_.data = held_lines_.data = ready_.data = this;
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
  uv_timer_init(&loop_, &expiry_);
  look_for_expired_sessions();
  uv_timer_init(&loop_, &next_handshake_);
  uv_timer_init(&loop_, &next_deadline_);
  uv_timer_init(&loop_, &held_lines_);
  return uv_poll_init(&loop_, &ready_, poll_set_.fd()) == 0 &&
         uv_poll_start(&ready_, UV_READABLE, on_ready) == 0;
}

void EventLoop::look_for_expired_sessions() {
  const auto interval = static_cast<std::uint64_t>(expiry_interval(limits_.session_expiry).count());
  uv_timer_start(&expiry_, on_expiry, interval, interval);
}

void EventLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  finish_turn();  // what the last connections had to say
}

void EventLoop::wake() { uv_async_send(&wake_); }

// Runs work of a callback: no exception may reach libuv, which is C. Of a batch, each by itself: one that
// fails keeps none from being carried out, and has none carried out twice.
template <typename Work>
void EventLoop::guard(Work&& work) {
  try {
    work();
  } catch (const std::exception& error) {
    log_.emplace_back(LogLine{.level = LogLevel::error, .text = error.what()});
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
  delivery_box_.take(deliveries_);
  for (auto& delivery : deliveries_) guard([&] { sessions_.handle(std::move(delivery)); });
  deliveries_.clear();
  if (sessions_.takes_requests_again()) {
    for (auto& [id, connection] : connections_) connection.resume_reading();
  }
}

void EventLoop::carry_out_commands() {
  command_box_.take(commands_);
  for (auto& command : commands_)
    guard([&] { std::visit([this](auto& each) { carry_out(each); }, command); });
  commands_.clear();
}

void EventLoop::carry_out(Listen& command) {
  const int socket = command.socket.get();
  // What is sent has been gathered already. Connections inherit it.
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fcntl(socket, F_SETFL, O_NONBLOCK) != 0 || ::listen(socket, backlog) != 0 ||
      !poll_set_.watch(socket, listener_bit | command.listener, 0, EPOLLIN)) {
    log_.emplace_back(
        LogLine{.level = LogLevel::error,
                .text = std::string("cannot accept MQTT connections: ") + std::strerror(errno)});
    return;
  }
  listeners_.emplace(command.listener,
                     Listener{.socket = std::move(command.socket), .tls = std::move(command.tls)});
}

// Whoever needs them reads them where they are.
void EventLoop::carry_out(SetLimits& command) {
  limits_ = command.limits;
  if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&expiry_)) == 0) look_for_expired_sessions();
}

void EventLoop::carry_out(SetTls& command) {
  const auto listener = listeners_.find(command.listener);
  if (listener != listeners_.end()) listener->second.tls = std::move(command.tls);
}

// Prosody's socket is open still: ours must leave the set, not only be closed.
void EventLoop::carry_out(CloseListener& command) {
  const auto found = listeners_.find(command.listener);
  if (found != listeners_.end()) {
    poll_set_.watch(found->second.socket.get(), 0, EPOLLIN, 0);
    listeners_.erase(found);
  }
  command.closed.set_value();
}

void EventLoop::carry_out(ListClients& command) { command.clients.set_value(sessions_.clients()); }

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
  for (auto& [id, connection] : connections_) connection.close();
}

void EventLoop::on_ready(uv_poll_t* poll, int /*status*/, int /*events*/) {
  auto& self = *static_cast<EventLoop*>(poll->data);
  for (const epoll_event& event : self.poll_set_.wait()) self.guard([&] { self.dispatch(event); });
}

void EventLoop::dispatch(const epoll_event& event) {
  const std::uint64_t name = event.data.u64;
  if ((name & listener_bit) != 0) {
    const auto listener = listeners_.find(name & ~listener_bit);
    if (listener != listeners_.end()) accept(listener->second);
  } else {
    const auto connection = connections_.find(name);
    if (connection != connections_.end()) connection->second.on_ready(event.events);
  }
}

void EventLoop::accept(const Listener& listener) {
  for (int i = 0; i < accepted_at_once; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileDescriptor socket(accept4(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() >= 0) {
      admit(listener, std::move(socket), RemoteAddress(address));
    } else if (errno == EMFILE || errno == ENFILE) {
      return refuse_one(listener);
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return;
    }
  }
}

// Without a descriptor for it, a client would knock for ever.
void EventLoop::refuse_one(const Listener& listener) {
  spare_.reset();
  FileDescriptor(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  spare_ = spare_descriptor();
  warn_of_descriptors();
}

void EventLoop::admit(const Listener& listener, FileDescriptor socket, const RemoteAddress& from) {
  if (socket.get() >= last_descriptor_) {
    reset(socket);
    return warn_of_descriptors();
  }
  auto place = admission_.admit(from, now());
  if (!place) return reset(socket);
  const ConnectionId id = ++last_connection_;
  connections_.try_emplace(id, *this, id, std::move(socket), from, listener.tls, std::move(place))
      .first->second.start();
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
  auto* timer = reinterpret_cast<uv_handle_t*>(&next_deadline_);
  if (!first || uv_is_closing(timer) != 0 || (uv_is_active(timer) != 0 && awaited_ <= *first)) return;
  awaited_ = *first;
  const auto wait = std::max(*first - now(), Time::zero());
  uv_timer_start(&next_deadline_, on_deadline, static_cast<std::uint64_t>(wait.count()), 0);
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
    if (!connections_.at(*id).begin_handshake()) handshakes_.skipped();
  }
}

void EventLoop::await_handshake() {
  const auto deadline = handshakes_.deadline();
  if (!deadline || uv_is_active(reinterpret_cast<uv_handle_t*>(&next_handshake_)) != 0) return;
  const auto wait = std::max(*deadline - now(), Time::zero());
  uv_timer_start(&next_handshake_, on_handshake, static_cast<std::uint64_t>(wait.count()), 0);
}

void EventLoop::warn_of_descriptors() {
  if (std::exchange(warned_of_descriptors_, true)) return;
  log_.emplace_back(LogLine{
      .level = LogLevel::warn,
      .text = "MQTT connections are refused: Prosody needs the file descriptors that are left. Raise the "
              "limit on open files (ulimit -n, LimitNOFILE)"});
}

void EventLoop::flush_at_end_of_turn(TcpConnection& connection) { to_flush_.push_back(&connection); }

void EventLoop::end_of_turn(EventLoop& loop) {
  loop.guard([&] { loop.finish_turn(); });
}

// One system call a connection, and one to wake Prosody's thread, for all that happened in this turn.
void EventLoop::finish_turn() {
  // The list grows while it is walked: a connection that reads on has something to send.
  for (std::size_t i = 0; i < to_flush_.size(); ++i) to_flush_[i]->flush();
  to_flush_.clear();
  for (const ConnectionId id : gone_) connections_.erase(id);
  gone_.clear();
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
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&held_lines_)) == 0) {
    uv_timer_start(&held_lines_, on_held_lines, lines_are_held.count(), 0);
  }
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
  for (auto* handle :
       {reinterpret_cast<uv_handle_t*>(&wake_), reinterpret_cast<uv_handle_t*>(&before_poll_),
        reinterpret_cast<uv_handle_t*>(&after_poll_), reinterpret_cast<uv_handle_t*>(&expiry_),
        reinterpret_cast<uv_handle_t*>(&next_handshake_), reinterpret_cast<uv_handle_t*>(&next_deadline_),
        reinterpret_cast<uv_handle_t*>(&held_lines_), reinterpret_cast<uv_handle_t*>(&ready_)}) {
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  }
}

}  // namespace pubsub_mqtt::net
