#include "tcp_connection.h"

#include <netinet/in.h>

#include <array>
#include <exception>
#include <utility>

#include "event_loop.h"

namespace pubsub_mqtt::net {
namespace {

session::Peer peer_of(const uv_tcp_t& socket, bool is_encrypted) {
  session::Peer peer{.address = "unknown address",
                     .name = "unknown address",
                     .is_loopback = false,
                     .is_encrypted = is_encrypted};
  sockaddr_storage storage{};
  int size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (uv_tcp_getpeername(&socket, address, &size) != 0) return peer;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (uv_ip_name(address, text.data(), text.size()) != 0) return peer;
  peer.address = text.data();
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    peer.name = "[" + peer.address + "]:" + std::to_string(ntohs(v6.sin6_port));
    peer.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
                       (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    peer.name = peer.address + ":" + std::to_string(ntohs(v4.sin_port));
    peer.is_loopback = ntohl(v4.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
  }
  return peer;
}

}  // namespace

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

TcpConnection& TcpConnection::from(uv_handle_t* handle) { return *static_cast<TcpConnection*>(handle->data); }

bool TcpConnection::accept(uv_stream_t* listener, std::shared_ptr<const TlsContexts> tls) {
  auto* stream = reinterpret_cast<uv_stream_t*>(&socket_);
  if (uv_accept(listener, stream) != 0) return false;
  uv_tcp_nodelay(&socket_, 1);
  const bool is_encrypted = tls != nullptr;
  if (tls) tls_.emplace(std::move(tls));
  protocol_.emplace(id_, peer_of(socket_, is_encrypted), loop_.now(), loop_.limits(), loop_.sessions(), *this,
                    loop_.requests());
  arm_timer();
  resume_reading();
  return true;
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

void TcpConnection::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  auto& self = from(reinterpret_cast<uv_handle_t*>(stream));
  self.guard([&] {
    if (size > 0) {
      self.received({buffer->base, static_cast<std::size_t>(size)});
    } else if (size < 0) {
      self.ended(size == UV_EOF ? "closed by the client" : uv_strerror(static_cast<int>(size)));
    }
  });
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
    if (reading_) uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket_));
    reading_ = false;
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
    if (closing_ && reading_) {
      uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket_));
      reading_ = false;
    }
    if (closing_) {
      end_session();
    } else if (std::exchange(resume_, false)) {
      process(std::exchange(unparsed_, {}));
      if (unparsed_.empty() && end_) ended(*std::exchange(end_, std::nullopt));
      if (unparsed_.empty() && !closing_ && !reading_) {
        uv_read_start(
            reinterpret_cast<uv_stream_t*>(&socket_),
            [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
              *buffer = from(handle).loop_.read_buffer();
            },
            on_read);
        reading_ = true;
      }
    }
    crowded_ = crowded_ || waiting_bytes() > loop_.limits().max_outbound_bytes / 2;
    send();
    notice_drained();
  });
}

// Now, not when the last byte has left. A client that does not read gets only so long to take the goodbye.
void TcpConnection::end_session() {
  if (!protocol_) return;
  protocol_.reset();
  uv_timer_start(&timer_, on_timer, static_cast<std::uint64_t>(loop_.limits().connect_timeout.count()), 0);
}

void TcpConnection::notice_drained() {
  if (!crowded_ || closing_ || closed_ || waiting_bytes() > loop_.limits().max_outbound_bytes / 2) return;
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
  auto& self = from(reinterpret_cast<uv_handle_t*>(timer));
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
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
}

void TcpConnection::on_closed(uv_handle_t* handle) {
  auto& self = from(handle);
  if (--self.open_handles_ == 0) self.loop_.forget(self);
}

}  // namespace pubsub_mqtt::net
