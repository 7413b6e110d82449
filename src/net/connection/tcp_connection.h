// A client's socket: bytes between the network, TLS where the listener speaks it, and MQTT
// (session::Connection).
//
// What the session writes is gathered and sent by flush(), once a turn of the loop. Owned by EventLoop;
// network thread only. Nothing is thrown by what the loop calls: a connection that runs out of memory loses
// itself and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admission/admission.h"
#include "admission/remote_address.h"
#include "connection/send_queue.h"
#include "loop/file_descriptor.h"
#include "loop/poll_set.h"
#include "pubsub_mqtt/net/tls_context.h"
#include "pubsub_mqtt/session/connection.h"
#include "pubsub_mqtt/session/outbox.h"
#include "tls/tls_stream.h"

namespace pubsub_mqtt::net {

class EventLoop;

class TcpConnection final : public session::Outbox {
 public:
  // A socket that was accepted, and admitted. Nothing happens before start().
  TcpConnection(EventLoop& loop, ConnectionId id, FileDescriptor socket, const RemoteAddress& from,
                std::shared_ptr<const TlsContexts> tls, std::unique_ptr<Admission::Place> place);
  ~TcpConnection() override;
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  void start();

  // The socket is ready for some of these.
  void on_ready(PollSet::Events events);

  // The moment has come for which EventLoop::call_at() was called, or an earlier or later one.
  void on_deadline(session::Time now);
  bool is_due_at(session::Time moment) const { return due_ == moment; }

  // The TLS handshake had to wait, and now it is its turn. False: the client is gone.
  bool begin_handshake();

  ConnectionId id() const { return id_; }

  // Outbox
  void write(std::string_view packets) override;
  void write(std::shared_ptr<const std::string> packets) override;
  std::size_t waiting_bytes() const override;
  void close() override;
  void resume_reading() override;

  // The end of a turn of the loop: carries out what was asked for above.
  void flush();

  // Without waiting for anything; the loop forgets this at the end of its turn.
  void close_now();

 private:
  enum class Handshake : std::uint8_t { not_begun, waiting, begun };
  struct Tls {
    TlsStream stream;
    Handshake handshake = Handshake::not_begun;
    SendQueue ciphertext;
  };
  // Input that the session does not take yet, and how the connection ended behind it.
  struct Unparsed {
    std::string input;
    std::optional<std::string> end;
  };

  template <typename Work>
  void guard(Work&& work);
  void watch(PollSet::Events events);
  bool reads() const { return (watched_ & EPOLLIN) != 0; }
  void stop_reading() { watch(watched_ & ~PollSet::Events{EPOLLIN}); }
  void read();
  void ask_for_handshake();
  bool client_is_gone() const;
  void decrypt(std::string_view bytes);
  void process(std::string_view input);
  void process_unparsed();
  void ended(std::string_view reason);
  void lost(int error);
  void end_session();
  bool encrypt();
  void send();
  void call_at(session::Time moment);
  void await_deadline();
  void mark_for_flush();
  void notice_drained();

  EventLoop& loop_;
  ConnectionId id_;
  FileDescriptor socket_;
  PollSet::Events watched_ = 0;
  session::Time due_ = session::Time::max();  // when the loop is asked to call
  std::unique_ptr<Admission::Place> place_;   // while the connection is open
  std::optional<session::Connection> protocol_;
  std::unique_ptr<Tls> tls_;
  std::unique_ptr<Unparsed> unparsed_;
  SendQueue outgoing_;  // written by the session
  bool resume_ = false;
  bool closing_ = false;  // close() was called: send, then go
  bool closed_ = false;
  bool lost_ = false;  // the client takes nothing any more
  bool marked_ = false;
  bool crowded_ = false;  // more than half of mqtt_max_outbound_bytes waited since the protocol was last told
};

}  // namespace pubsub_mqtt::net
