#include "tcp_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <exception>
#include <utility>

#include "event_loop.h"

namespace pubsub_mqtt::net {

TcpConnection::TcpConnection(EventLoop& loop, ConnectionId id) : loop_(loop), id_(id) {
  socket_.data = this;
  timer_.data = this;
  write_request_.data = this;
  uv_timer_init(loop.uv(), &timer_);
  uv_tcp_init(loop.uv(), &socket_);
  open_handles_ = 2;
}

TcpConnection::~TcpConnection() = default;

int TcpConnection::descriptor() const {
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<const uv_handle_t*>(&socket_), &descriptor);
  return descriptor;
}

TcpConnection& TcpConnection::of(uv_handle_t* handle) { return *static_cast<TcpConnection*>(handle->data); }

bool TcpConnection::accept(uv_stream_t* listener) {
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(&socket_)) != 0) return false;
  sockaddr_storage address{};
  int size = sizeof address;
  if (uv_tcp_getpeername(&socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  from_ = RemoteAddress(address);
  return true;
}

void TcpConnection::start(std::shared_ptr<const TlsContexts> tls, std::unique_ptr<Admission::Place> place) {
  place_ = std::move(place);
  uv_tcp_nodelay(&socket_, 1);
  const bool is_encrypted = tls != nullptr;
  if (tls) tls_.emplace(std::move(tls));
  protocol_.emplace(id_, from_.peer(is_encrypted), loop_.now(), loop_.session_limits(), loop_.sessions(),
                    *this, loop_.requests());
  arm_timer();
  resume_reading();
}

// Runs work of a callback; running out of memory costs this connection and nobody else.
template <typename Work>
void TcpConnection::guard(Work&& work) {
  try {
    work();
  } catch (const std::exception&) {
    close_now();
  }
}

// While a handshake may not begin there is nothing to read into: on_read gets UV_ENOBUFS, and the socket
// keeps its bytes.
void TcpConnection::on_allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  auto& self = of(handle);
  const bool reads = !self.tls_ || self.handshake_ == Handshake::begun;
  *buffer = reads ? self.loop_.read_buffer() : uv_buf_init(nullptr, 0);
}

void TcpConnection::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  auto& self = of(reinterpret_cast<uv_handle_t*>(stream));
  self.guard([&] {
    if (size > 0) {
      self.received({buffer->base, static_cast<std::size_t>(size)});
    } else if (size == UV_ENOBUFS) {
      self.ask_for_handshake();
    } else if (size < 0) {
      self.ended(size == UV_EOF ? "closed by the client" : uv_strerror(static_cast<int>(size)));
    }
  });
}

// Not before the client has sent something: one that is silent costs no handshake.
void TcpConnection::ask_for_handshake() {
  if (closing_ || closed_) return;
  if (client_is_gone()) return ended("closed by the client");
  if (loop_.may_begin_handshake(*this)) {
    handshake_ = Handshake::begun;
  } else {
    handshake_ = Handshake::waiting;
    stop_reading();
  }
}

bool TcpConnection::begin_handshake() {
  if (closing_) return false;
  if (client_is_gone()) {
    ended("closed by the client");
    return false;
  }
  handshake_ = Handshake::begun;
  resume_reading();
  return true;
}

// Also one that only says that it will send no more: it could not finish a handshake.
bool TcpConnection::client_is_gone() const {
  pollfd socket{.fd = descriptor(), .events = POLLRDHUP, .revents = 0};
  return poll(&socket, 1, 0) != 0;
}

void TcpConnection::stop_reading() {
  if (reading_) uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket_));
  reading_ = false;
}

void TcpConnection::received(std::string_view bytes) {
  if (closing_ || closed_) return;
  if (tls_) {
    decrypt(bytes);
  } else {
    process(bytes);
  }
}

void TcpConnection::decrypt(std::string_view bytes) {
  std::string plaintext;
  const TlsStream::Status status = tls_->receive(bytes, plaintext, tls_answer_);
  if (!tls_answer_.empty()) mark_for_flush();
  if (auto names = tls_->take_client_names()) protocol_->set_certificate(*std::move(names));
  process(plaintext);
  if (status == TlsStream::Status::closed) {
    ended("closed by the client");
  } else if (status == TlsStream::Status::failed) {
    ended("TLS failed: " + tls_->error());
  }
}

void TcpConnection::process(std::string_view input) {
  if (!unparsed_.empty()) {
    unparsed_ += input;
    return;
  }
  protocol_->receive(input, loop_.now());
  if (!input.empty() && !closing_) {
    unparsed_ = input;
    stop_reading();
  }
  arm_timer();
}

// The network connection is over, by the client's doing or the network's.
void TcpConnection::ended(std::string_view reason) {
  if (closing_ || closed_) return;
  if (!unparsed_.empty()) {
    end_ = reason;  // what came before it is carried out first
    return;
  }
  protocol_->log(LogLevel::debug, reason);
  close();
}

// Nothing can be sent any more.
void TcpConnection::lost(int error) {
  if (protocol_) protocol_->log(LogLevel::debug, uv_strerror(error));
  close_now();
}

void TcpConnection::write(std::string_view packets) {
  outgoing_.push(packets);
  mark_for_flush();
}

void TcpConnection::write(std::shared_ptr<const std::string> packets) {
  outgoing_.push(std::move(packets));
  mark_for_flush();
}

std::size_t TcpConnection::waiting_bytes() const { return outgoing_.size() + on_the_wire_.size(); }

void TcpConnection::close() {
  closing_ = true;
  mark_for_flush();
}

void TcpConnection::resume_reading() {
  resume_ = true;
  mark_for_flush();
}

void TcpConnection::mark_for_flush() {
  if (marked_ || closed_) return;
  marked_ = true;
  loop_.flush_at_end_of_turn(*this);
}

void TcpConnection::flush() {
  marked_ = false;
  if (closed_) return;
  guard([this] {
    if (closing_) {
      stop_reading();
      end_session();
    } else if (std::exchange(resume_, false)) {
      process(std::exchange(unparsed_, {}));
      if (unparsed_.empty() && end_) ended(*std::exchange(end_, std::nullopt));
      if (unparsed_.empty() && !closing_ && !reading_ && handshake_ != Handshake::waiting) {
        uv_read_start(reinterpret_cast<uv_stream_t*>(&socket_), on_allocate, on_read);
        reading_ = true;
      }
    }
    crowded_ = crowded_ || waiting_bytes() > loop_.session_limits().max_outbound_bytes / 2;
    send();
    notice_drained();
  });
}

// Now, not when the last byte has left. A client that does not read gets only so long to take the goodbye.
void TcpConnection::end_session() {
  if (!protocol_) return;
  protocol_.reset();
  loop_.leave_handshake_queue(*this);
  uv_timer_start(&timer_, on_timer,
                 static_cast<std::uint64_t>(loop_.session_limits().connect_timeout.count()), 0);
}

void TcpConnection::notice_drained() {
  if (!crowded_ || closing_ || closed_ || waiting_bytes() > loop_.session_limits().max_outbound_bytes / 2)
    return;
  crowded_ = false;
  protocol_->drained();
}

// Before its bytes are handed to the socket, so that records are as large as what is waiting.
void TcpConnection::encrypt() {
  std::string ciphertext = std::exchange(tls_answer_, {});
  while (!outgoing_.empty()) {
    std::size_t size = 0;
    for (const auto& buffer : outgoing_.buffers()) {
      if (tls_->send({buffer.base, buffer.len}, ciphertext) == TlsStream::Status::failed) return close_now();
      size += buffer.len;
    }
    outgoing_.pop(size);
  }
  if (closing_) tls_->close(ciphertext);
  on_the_wire_.push(ciphertext);
}

void TcpConnection::send() {
  if (sending_ > 0 || closed_) return;
  if (tls_) {
    encrypt();
    if (closed_) return;
  } else if (on_the_wire_.empty()) {
    std::swap(on_the_wire_, outgoing_);
  }
  auto* stream = reinterpret_cast<uv_stream_t*>(&socket_);
  while (!on_the_wire_.empty()) {
    const auto buffers = on_the_wire_.buffers();
    const int sent = uv_try_write(stream, buffers.data(), static_cast<unsigned>(buffers.size()));
    if (sent > 0) {
      on_the_wire_.pop(static_cast<std::size_t>(sent));
      if (on_the_wire_.empty() && !tls_) std::swap(on_the_wire_, outgoing_);
      continue;
    }
    if (sent != 0 && sent != UV_EAGAIN) return lost(sent);
    return wait_for_socket(buffers);
  }
  if (closing_) close_now();
}

void TcpConnection::wait_for_socket(const std::vector<uv_buf_t>& buffers) {
  const int error = uv_write(&write_request_, reinterpret_cast<uv_stream_t*>(&socket_), buffers.data(),
                             static_cast<unsigned>(buffers.size()), on_written);
  if (error != 0) return lost(error);
  for (const auto& buffer : buffers) sending_ += buffer.len;
}

void TcpConnection::on_written(uv_write_t* request, int status) {
  auto& self = *static_cast<TcpConnection*>(request->data);
  if (self.closed_) return;
  if (status != 0) return self.guard([&] { self.lost(status); });
  self.guard([&] {
    self.on_the_wire_.pop(std::exchange(self.sending_, 0));
    self.mark_for_flush();
  });
}

void TcpConnection::arm_timer() {
  if (!protocol_) return;
  const auto deadline = protocol_->deadline();
  if (!deadline) return;
  const bool armed = uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_)) != 0;
  // A later deadline is noticed when the timer fires: a client that talks costs no timer call.
  if (armed && armed_for_ <= *deadline) return;
  armed_for_ = *deadline;
  const session::Time now = loop_.now();
  const auto wait = *deadline > now ? *deadline - now : session::Time::zero();
  uv_timer_start(&timer_, on_timer, static_cast<std::uint64_t>(wait.count()), 0);
}

void TcpConnection::on_timer(uv_timer_t* timer) {
  auto& self = of(reinterpret_cast<uv_handle_t*>(timer));
  self.guard([&] {
    if (self.closing_) return self.close_now();  // the client does not take the goodbye
    self.protocol_->expire(self.loop_.now());
    self.arm_timer();
  });
}

void TcpConnection::close_now() {
  if (closed_) return;
  closed_ = true;
  protocol_.reset();
  loop_.leave_handshake_queue(*this);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
  place_.reset();
}

void TcpConnection::reset() {
  const linger none{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close_now();
}

void TcpConnection::on_closed(uv_handle_t* handle) {
  auto& self = of(handle);
  if (--self.open_handles_ == 0) self.loop_.forget(self);
}

}  // namespace pubsub_mqtt::net
