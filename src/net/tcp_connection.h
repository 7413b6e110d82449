// A client's socket: bytes between libuv, TLS where the listener speaks it, and MQTT (session::Connection).
//
// What the session writes is gathered and sent by flush(), once a turn of the loop. Owned by EventLoop;
// network thread only. No exception leaves a libuv callback: one that runs out of memory loses its own
// connection.
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission.h"
#include "pubsub_mqtt/net/tls_context.h"
#include "pubsub_mqtt/session/connection.h"
#include "pubsub_mqtt/session/outbox.h"
#include "remote_address.h"
#include "send_queue.h"
#include "tls_stream.h"

namespace pubsub_mqtt::net {

class EventLoop;

class TcpConnection final : public session::Outbox {
 public:
  TcpConnection(EventLoop& loop, ConnectionId id);
  ~TcpConnection() override;
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // Takes the next connection of a listening handle. False: there was none, or it is gone already; destroy
  // this with close_now().
  bool accept(uv_stream_t* listener);

  // It is admitted.
  void start(std::shared_ptr<const TlsContexts> tls, std::unique_ptr<Admission::Place> place);

  // The TLS handshake had to wait, and now it is its turn. False: the client is gone.
  bool begin_handshake();

  ConnectionId id() const { return id_; }
  const RemoteAddress& from() const { return from_; }
  int descriptor() const;

  // Outbox
  void write(std::string_view packets) override;
  void write(std::shared_ptr<const std::string> packets) override;
  std::size_t waiting_bytes() const override;
  void close() override;
  void resume_reading() override;

  // The end of a turn of the loop: carries out what was asked for above.
  void flush();

  // Without waiting for anything; the loop forgets this when libuv has let go of it.
  void close_now();

  // The same, and the kernel need not remember it, whatever the client does.
  void reset();

 private:
  enum class Handshake : std::uint8_t { not_begun, waiting, begun };  // of TLS

  static TcpConnection& of(uv_handle_t* handle);
  static void on_allocate(uv_handle_t* handle, std::size_t size, uv_buf_t* buffer);
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
  static void on_written(uv_write_t* request, int status);
  static void on_timer(uv_timer_t* timer);
  static void on_closed(uv_handle_t* handle);

  template <typename Work>
  void guard(Work&& work);
  void ask_for_handshake();
  bool client_is_gone() const;
  void stop_reading();
  void received(std::string_view bytes);
  void decrypt(std::string_view bytes);
  void process(std::string_view input);
  void ended(std::string_view reason);
  void lost(int error);
  void end_session();
  void encrypt();
  void send();
  void wait_for_socket(const std::vector<uv_buf_t>& buffers);
  void arm_timer();
  void mark_for_flush();
  void notice_drained();

  EventLoop& loop_;
  ConnectionId id_;
  uv_tcp_t socket_{};
  uv_timer_t timer_{};
  uv_write_t write_request_{};
  session::Time armed_for_{0};
  RemoteAddress from_;
  std::unique_ptr<Admission::Place> place_;  // while the connection is open
  std::optional<session::Connection> protocol_;
  std::optional<TlsStream> tls_;
  Handshake handshake_ = Handshake::not_begun;
  std::string unparsed_;            // input that the session does not take yet
  std::optional<std::string> end_;  // how the connection ended, behind that input
  std::string tls_answer_;          // what the handshake has to say
  SendQueue outgoing_;              // written by the session
  SendQueue on_the_wire_;           // being sent, encrypted where TLS is spoken
  std::size_t sending_ = 0;         // bytes of on_the_wire_ that libuv holds; it must not change meanwhile
  int open_handles_ = 0;
  bool reading_ = false;
  bool resume_ = false;
  bool closing_ = false;  // close() was called: send, then go
  bool closed_ = false;
  bool marked_ = false;
  bool crowded_ = false;  // more than half of mqtt_max_outbound_bytes waited since the protocol was last told
};

}  // namespace pubsub_mqtt::net
