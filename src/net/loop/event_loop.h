// What runs on the network thread: a libuv loop that turns for listeners, connections and sessions.
//
// All of it belongs to that thread, but for init(), which runs before the thread exists, and wake(), which
// any thread may call between init() and the end of run().
#pragma once

#include <uv.h>

#include <array>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "admission/handshake_queue.h"
#include "admission/listeners.h"
#include "connection/tcp_connection.h"
#include "loop/commands.h"
#include "loop/deadlines.h"
#include "loop/intrusive_queue.h"
#include "loop/poll_set.h"
#include "loop/timer.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/mailbox.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/net/access.h"
#include "pubsub_mqtt/session/sessions.h"
#include "websocket/frame_writer.h"

namespace pubsub_mqtt::net {

class EventLoop {
 public:
  // requests_fd: the eventfd that wakes Prosody's thread. All references outlive this.
  EventLoop(Limits& limits, Mailbox<Command>& commands, Mailbox<Delivery>& deliveries,
            Mailbox<Request>& requests, Mailbox<LogLine>& log, int requests_fd);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  bool init();
  // Before run(), as init(): what Network::start() says of a store.
  void keep(store::Store& store, store::Contents&& contents);
  void run();
  void wake();

  // For connections.
  PollSet& poll_set() { return poll_set_; }
  Time now() const { return Time(uv_now(&loop_)); }
  const Limits& limits() const { return limits_; }
  session::Sessions& sessions() { return sessions_; }
  session::Counters& counters() { return counters_; }
  // For the next read of a socket.
  std::span<char> read_buffer() { return read_buffer_; }
  // Carries out what Prosody's thread has said.
  void catch_up();
  // TcpConnection::flush() is called then, or the connection is forgotten, if it is closed. It must not wait
  // for that already.
  void visit_at_end_of_turn(TcpConnection& connection) noexcept { to_visit_.push(connection); }
  // TcpConnection::on_deadline() is called then, if it is still there.
  void call_at(Time moment, ConnectionId connection);

 private:
  static void on_wake(uv_async_t* async);
  static void on_expiry(uv_timer_t* timer);
  static void on_session_deadline(uv_timer_t* timer);
  static void on_handshake(uv_timer_t* timer);
  static void on_deadline(uv_timer_t* timer);
  static void on_held_lines(uv_timer_t* timer);
  static void on_ready(uv_poll_t* poll, int status, int events);
  static void end_of_turn(EventLoop& loop);

  template <typename Work>
  bool guard(Work&& work) noexcept;
  void report(const char* failure) noexcept;
  void carry_out(Listen& command);
  void carry_out(SetLimits& command);
  void carry_out(SetAccess& command);
  void carry_out(SetTls& command);
  void carry_out(CloseListener& command);
  void carry_out(ListClients& command);
  void carry_out(TakeMetrics& command);
  void carry_out(SendWills& command);
  void carry_out(Stop& command);
  void dispatch(const epoll_event& event);
  void accept(Client&& client);
  StreamStack streams_for(ConnectionId id, Client& client);
  void meet_deadlines();
  void await_deadline();
  void await_sessions();
  void go_on_with_handshakes();
  void await_handshake();
  void take_deliveries();
  bool give_shares();
  void hear_from_store();
  void carry_out_commands();
  void finish_turn();
  void post_requests();
  bool may_hold_log() const;
  void post_or_hold_log();
  void post_log();
  void close_own_handles();

  Limits& limits_;
  Mailbox<Command>& command_box_;
  Mailbox<Delivery>& delivery_box_;
  Mailbox<Request>& request_box_;
  Mailbox<LogLine>& log_box_;
  int requests_fd_;

  uv_loop_t loop_{};
  uv_async_t wake_{};
  // Both ends of a turn: before the loop sleeps (timers may have written) and after it woke (sockets have).
  uv_prepare_t before_poll_{};
  uv_check_t after_poll_{};
  Timer expiry_;
  Timer next_handshake_;
  Timer next_deadline_;
  Timer next_session_;
  Timer held_lines_;
  uv_poll_t ready_{};

  std::vector<Request> requests_;
  std::vector<LogLine> log_;
  session::Sessions sessions_;
  session::Counters& counters_ = sessions_.counters();
  store::Store* store_ = nullptr;
  PollSet poll_set_;
  std::shared_ptr<const Access> access_ = std::make_shared<const Access>();
  Listeners listeners_;
  FrameWriter frame_writer_;
  HandshakeQueue handshakes_;
  ConnectionId last_connection_ = 0;
  std::unordered_map<ConnectionId, TcpConnection> connections_;
  IntrusiveQueue<TcpConnection> to_visit_;
  Deadlines deadlines_;
  Time awaited_{0};          // by next_deadline_, while it is set
  Time awaited_session_{0};  // by next_session_, likewise
  std::vector<Command> commands_;
  std::vector<Delivery> deliveries_;
  std::array<char, 65536> read_buffer_{};
  bool stopping_ = false;
};

}  // namespace pubsub_mqtt::net
