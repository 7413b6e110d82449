#include "tcp_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include "event_loop.h"

namespace pubsub_mqtt::net {
namespace {

std::string_view reason_of(int error) { return uv_strerror(uv_translate_sys_error(error)); }

}  // namespace

TcpConnection::TcpConnection(EventLoop& loop, ConnectionId id, FileDescriptor socket,
                             const RemoteAddress& from, std::shared_ptr<const TlsContexts> tls,
                             std::unique_ptr<Admission::Place> place)
    : loop_(loop), id_(id), socket_(std::move(socket)), place_(std::move(place)) {
  const bool is_encrypted = tls != nullptr;
  if (tls) tls_ = std::make_unique<Tls>(Tls{.stream = TlsStream(std::move(tls)), .ciphertext = {}});
  protocol_.emplace(id_, from.peer(is_encrypted), loop_.now(), loop_.sessions(), *this);
}

TcpConnection::~TcpConnection() = default;

void TcpConnection::start() {
  guard([this] {
    await_deadline();
    watch(EPOLLIN);
  });
}

// Running out of memory costs this connection and nobody else.
template <typename Work>
void TcpConnection::guard(Work&& work) {
  try {
    work();
  } catch (const std::exception&) {
    loop_.sessions().lacked_memory();
    close_now();
  }
}

void TcpConnection::watch(PollSet::Events events) {
  if (!loop_.poll_set().watch(socket_.get(), id_, watched_, events)) throw std::bad_alloc();
  watched_ = events;
}

void TcpConnection::on_ready(PollSet::Events events) {
  if (closed_) return;
  guard([&] {
    // What is wrong with the socket is found by using it.
    if ((events & ~PollSet::Events{EPOLLIN}) != 0) mark_for_flush();
    if (reads()) read();
  });
}

void TcpConnection::read() {
  if (tls_ && tls_->handshake != Handshake::begun) return ask_for_handshake();
  const auto buffer = loop_.read_buffer();
  const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size > 0) {
    // A client may have sent this because of what it saw elsewhere: whatever led to that goes first.
    loop_.catch_up();
    if (closing_) return;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    return tls_ ? decrypt(bytes) : process(bytes);
  }
  if (size == 0) return ended("closed by the client");
  if (errno != EAGAIN && errno != EINTR) ended(reason_of(errno));
}

// Not before the client has sent something: one that is silent costs no handshake. While it may not begin,
// the socket keeps its bytes.
void TcpConnection::ask_for_handshake() {
  if (closing_) return;
  if (client_is_gone()) return ended("closed by the client");
  if (loop_.may_begin_handshake(*this)) {
    tls_->handshake = Handshake::begun;
  } else {
    tls_->handshake = Handshake::waiting;
    stop_reading();
  }
}

bool TcpConnection::begin_handshake() {
  if (closing_ || closed_) return false;
  if (client_is_gone()) {
    ended("closed by the client");
    return false;
  }
  tls_->handshake = Handshake::begun;
  resume_reading();
  return true;
}

// Also one that only says that it will send no more: it could not finish a handshake.
bool TcpConnection::client_is_gone() const {
  pollfd socket{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  return poll(&socket, 1, 0) != 0;
}

void TcpConnection::decrypt(std::string_view bytes) {
  std::string plaintext;
  std::string answer;
  const TlsStream::Status status = tls_->stream.receive(bytes, plaintext, answer);
  if (!answer.empty() && !lost_) {
    tls_->ciphertext.push(answer);
    mark_for_flush();
  }
  if (auto names = tls_->stream.take_client_names()) protocol_->set_certificate(*std::move(names));
  process(plaintext);
  if (status == TlsStream::Status::closed) {
    ended("closed by the client");
  } else if (status == TlsStream::Status::failed) {
    const std::string reason = "TLS failed: " + std::string(tls_->stream.error());
    if (!tls_->stream.is_mendable()) return ended(reason);
    if (closing_ || closed_) return;
    protocol_->log_mendable(reason, loop_.now());
    close();
  }
}

void TcpConnection::process(std::string_view input) {
  if (unparsed_) {
    unparsed_->input += input;
    return;
  }
  protocol_->receive(input, loop_.now());
  if (!input.empty() && !closing_) {
    unparsed_ = std::make_unique<Unparsed>(Unparsed{.input = std::string(input), .end = {}});
    stop_reading();
  }
  await_deadline();
}

void TcpConnection::process_unparsed() {
  const auto unparsed = std::exchange(unparsed_, nullptr);
  std::string_view input;
  if (unparsed) input = unparsed->input;
  process(input);
  if (unparsed && unparsed->end) ended(*unparsed->end);
}

// The network connection is over, by the client's doing or the network's.
void TcpConnection::ended(std::string_view reason) {
  if (closing_ || closed_) return;
  if (unparsed_) {
    unparsed_->end = reason;  // what came before it is carried out first
    return;
  }
  protocol_->log(LogLevel::debug, reason);
  close();
}

// Nothing can be sent any more. What the client sent before it went is still read, up to its DISCONNECT.
void TcpConnection::lost(int error) {
  if (protocol_) protocol_->log(LogLevel::debug, reason_of(error));
  if (closing_ || (error != EPIPE && error != ECONNRESET)) return close_now();
  lost_ = true;
  outgoing_ = {};
  if (tls_) tls_->ciphertext = {};
  watch(watched_ & ~PollSet::Events{EPOLLOUT});
}

void TcpConnection::write(std::string_view packets) {
  if (lost_) return;
  outgoing_.push(packets);
  mark_for_flush();
}

void TcpConnection::write(std::shared_ptr<const std::string> packets) {
  if (lost_) return;
  outgoing_.push(std::move(packets));
  mark_for_flush();
}

std::size_t TcpConnection::waiting_bytes() const {
  return outgoing_.size() + (tls_ ? tls_->ciphertext.size() : 0);
}

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
      process_unparsed();
      const bool waits = tls_ && tls_->handshake == Handshake::waiting;
      if (!unparsed_ && !closing_ && !waits) watch(watched_ | EPOLLIN);
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
  loop_.leave_handshake_queue(*this);
  call_at(loop_.now() + loop_.limits().connect_timeout);
}

void TcpConnection::notice_drained() {
  if (!crowded_ || closing_ || closed_ || waiting_bytes() > loop_.limits().max_outbound_bytes / 2) return;
  crowded_ = false;
  protocol_->drained();
}

// Before its bytes are handed to the socket, so that records are as large as what is waiting. False: TLS has
// failed.
bool TcpConnection::encrypt() {
  std::string ciphertext;
  while (!outgoing_.empty()) {
    SendQueue::Buffers buffers;
    std::size_t size = 0;
    for (const auto& buffer : outgoing_.front(buffers)) {
      const std::string_view plaintext(static_cast<const char*>(buffer.iov_base), buffer.iov_len);
      if (tls_->stream.send(plaintext, ciphertext) == TlsStream::Status::failed) return false;
      size += buffer.iov_len;
    }
    outgoing_.pop(size);
  }
  if (closing_) tls_->stream.close(ciphertext);
  tls_->ciphertext.push(ciphertext);
  return true;
}

void TcpConnection::send() {
  if (closed_) return;
  if (lost_) {
    if (closing_) close_now();
    return;
  }
  if (tls_ && !encrypt()) return close_now();
  SendQueue& queue = tls_ ? tls_->ciphertext : outgoing_;
  while (!queue.empty()) {
    SendQueue::Buffers buffers;
    const auto pieces = queue.front(buffers);
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      queue.pop(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      return watch(watched_ | EPOLLOUT);
    } else if (errno != EINTR) {
      return lost(errno);
    }
  }
  if (closing_) return close_now();
  watch(watched_ & ~PollSet::Events{EPOLLOUT});
}

void TcpConnection::call_at(Time moment) {
  due_ = moment;
  loop_.call_at(moment, id_);
}

void TcpConnection::await_deadline() {
  if (!protocol_) return;
  const auto deadline = protocol_->deadline();
  // A later deadline is noticed when the earlier one has come: a client that talks costs nothing here.
  if (deadline && *deadline < due_) call_at(*deadline);
}

void TcpConnection::on_deadline(Time now) {
  if (closed_ || now < due_) return;
  due_ = Time::max();
  guard([&] {
    if (!protocol_) return close_now();  // the client does not take the goodbye
    protocol_->expire(now);
    await_deadline();
  });
}

void TcpConnection::close_now() {
  if (closed_) return;
  closed_ = true;
  protocol_.reset();
  loop_.leave_handshake_queue(*this);
  socket_.reset();
  place_.reset();
  loop_.forget_at_end_of_turn(*this);
}

}  // namespace pubsub_mqtt::net
