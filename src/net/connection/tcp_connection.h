// A client's connection: a socket at the bottom, streams on it (TLS, or none), and MQTT (session::Connection)
// on top.
//
// What the session writes is gathered and sent by flush(), once a turn of the loop. Owned by EventLoop;
// network thread only. Nothing is thrown by what the loop and other connections' sessions call: a connection
// that runs out of memory loses itself and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admission/admission.h"
#include "connection/client_socket.h"
#include "connection/lingering_close.h"
#include "connection/send_queue.h"
#include "connection/stream_stack.h"
#include "loop/file_descriptor.h"
#include "loop/intrusive_queue.h"
#include "loop/poll_set.h"
#include "pubsub_mqtt/net/metrics.h"
#include "pubsub_mqtt/session/connection.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::net {

class EventLoop;

class TcpConnection final : public session::Outbox, public IntrusiveQueue<TcpConnection>::Link {
 public:
  // A socket that was accepted, and admitted. Nothing happens before start().
  TcpConnection(EventLoop& loop, ConnectionId id, FileDescriptor socket, session::Peer peer,
                StreamStack streams, Admission::Place place);
  ~TcpConnection() override;
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  void start() noexcept;

  // The socket is ready for some of these.
  void on_ready(PollSet::Events events) noexcept;

  // The moment has come for which EventLoop::call_at() was called, or an earlier or later one.
  void on_deadline(Time now) noexcept;
  bool is_due_at(Time moment) const { return due_ == moment; }

  // The streams had to wait for their turn, and now it has come.
  void take_turn() noexcept;

  ConnectionId id() const { return id_; }
  bool is_closed() const { return closed_; }

  // Where its client has a session.
  void add_to(Clients& clients) const;
  std::chrono::seconds keep_alive() const;  // likewise; see Connection

  // Outbox
  void write(std::string_view packets) noexcept override;
  void write(std::shared_ptr<const std::string> packets) noexcept override;
  std::size_t waiting_bytes() const override;
  void close() noexcept override;
  void resume_reading() noexcept override;

  // The end of a turn of the loop: carries out what was asked for above.
  void flush() noexcept;

  // Without waiting for anything; the loop forgets this at the end of its turn.
  void close_now() noexcept;

 private:
  // Input that the session does not take yet, and how the connection ended behind it.
  struct Unparsed {
    std::string input;
    std::optional<std::string> end;
  };

  template <typename Work>
  void guard(Work&& work) noexcept;
  template <typename Bytes>
  void push(std::string_view packets, Bytes&& held) noexcept;
  void watch(PollSet::Events events);
  bool reads() const { return (socket_.watched() & EPOLLIN) != 0; }
  void stop_reading() { watch(socket_.watched() & ~PollSet::Events{EPOLLIN}); }
  void read();
  bool streams_take_turn();
  void receive(std::string_view bytes);
  void introduce(Introduction introduction);
  void process(std::string_view input);
  void process_unparsed();
  void ended(std::string_view reason);
  void answered();
  void lost(int error);
  void end_session();
  void discard_outgoing() noexcept;
  void send();
  bool says_more();
  void linger();
  void call_at(Time moment);
  void await_deadline();
  void ping(Time now);
  void mark_for_flush() noexcept;
  void notice_drained();

  EventLoop& loop_;
  ConnectionId id_;
  ClientSocket socket_;
  Time due_ = Time::max();  // when the loop is asked to call
  Admission::Place place_;  // while the connection is open
  std::optional<session::Connection> protocol_;
  StreamStack streams_;
  std::unique_ptr<Unparsed> unparsed_;
  SendQueue outgoing_;  // written by the session in this turn
  bool resume_ = false;
  bool closing_ = false;  // close() was called: send, then go
  bool closed_ = false;
  bool lost_ = false;     // the client takes nothing any more
  bool marked_ = false;   // to be visited at the end of the turn
  bool crowded_ = false;  // more than half of mqtt_max_outbound_bytes waited since the protocol was last told
  LingeringClose lingering_;
};

}  // namespace pubsub_mqtt::net
