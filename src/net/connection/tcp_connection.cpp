#include "connection/tcp_connection.h"

#include <uv.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "loop/event_loop.h"
#include "tls/tls_stream.h"
#include "websocket/websocket_stream.h"

namespace pubsub_mqtt::net {
namespace {

// What waits for the socket while a stream has more to say before the end: so much, and a part.
constexpr std::size_t enough_waits = 32UL * 1024;

std::string_view reason_of(int error) { return uv_strerror(uv_translate_sys_error(error)); }

}  // namespace

TcpConnection::TcpConnection(EventLoop& loop, ConnectionId id, FileDescriptor socket, session::Peer peer,
                             StreamStack streams, Admission::Place place)
    : loop_(loop),
      id_(id),
      socket_(std::move(socket)),
      place_(std::move(place)),
      streams_(std::move(streams)) {
  protocol_.emplace(id_, std::move(peer), loop_.now(), loop_.sessions(), *this);
}

TcpConnection::~TcpConnection() = default;

void TcpConnection::add_to(Clients& clients) const {
  const auto level = protocol_ ? protocol_->level_of_client() : std::nullopt;
  if (!level) return;
  const bool is_tls = streams_.has(TlsStream::stream_name);
  if (streams_.has(WebSocketStream::stream_name)) {
    clients.add(is_tls ? Transport::websocket_over_tls : Transport::websocket, *level);
  } else {
    clients.add(is_tls ? Transport::tls : Transport::tcp, *level);
  }
}

std::chrono::seconds TcpConnection::keep_alive() const {
  return protocol_ ? protocol_->keep_alive() : std::chrono::seconds(0);
}

void TcpConnection::start() noexcept {
  guard([this] {
    await_deadline();
    watch(EPOLLIN);
  });
}

// Running out of memory costs this connection and nobody else. For what the loop calls: the session is not at
// work then, so it may go at once.
template <typename Work>
void TcpConnection::guard(Work&& work) noexcept {
  try {
    work();
  } catch (const std::exception&) {
    loop_.sessions().lacked_memory();
    close_now();
  }
}

void TcpConnection::watch(PollSet::Events events) { socket_.watch(loop_.poll_set(), id_, events); }

void TcpConnection::on_ready(PollSet::Events events) noexcept {
  if (closed_) return;
  guard([&] {
    if (lingering_.has_begun()) return linger();
    // What is wrong with the socket is found by using it.
    if ((events & ~PollSet::Events{EPOLLIN}) != 0) mark_for_flush();
    if (reads()) read();
  });
}

void TcpConnection::read() {
  if (streams_.needs_turns() && !streams_take_turn()) return;
  const auto buffer = loop_.read_buffer();
  const ssize_t size = socket_.receive(buffer);
  if (size > 0) {
    // A client may have sent this because of what it saw elsewhere: whatever led to that goes first.
    loop_.catch_up();
    if (closing_) return;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    return streams_.empty() ? process(bytes) : receive(bytes);
  }
  if (size == 0) return ended("closed by the client");
  if (errno != EAGAIN && errno != EINTR) ended(reason_of(errno));
}

// Asked when the client has sent something: one that is silent costs no handshake. While the streams wait, the
// socket keeps its bytes, and the client's time does not run.
bool TcpConnection::streams_take_turn() {
  if (closing_ || closed_) return false;
  if (socket_.client_is_gone()) {
    ended("closed by the client");
    return false;
  }
  if (streams_.take_turn()) return true;
  stop_reading();
  protocol_->stop_clock(loop_.now());
  return false;
}

// Reads at once: what a turn costs is to be known before the next one is given.
void TcpConnection::take_turn() noexcept {
  guard([this] {
    if (closing_ || closed_) return;
    protocol_->start_clock(loop_.now());
    await_deadline();
    watch(socket_.watched() | EPOLLIN);
    read();
  });
}

void TcpConnection::receive(std::string_view bytes) {
  std::string plaintext;
  const Stream::Status status = streams_.receive(bytes, plaintext, socket_.outgoing());
  if (!socket_.outgoing().empty()) mark_for_flush();
  if (auto introduction = streams_.take_introduction()) introduce(*std::move(introduction));
  if (auto names = streams_.take_client_names()) {
    protocol_->set_certificate(*std::move(names));
    protocol_->set_server_name(streams_.take_server_name());
  }
  streams_.drop_done();
  process(plaintext);
  if (status == Stream::Status::closed) {
    ended("closed by the client");
  } else if (status == Stream::Status::answered) {
    answered();
  } else if (status == Stream::Status::failed) {
    if (!streams_.is_mendable()) return ended(streams_.failure());
    if (closing_ || closed_) return;
    protocol_->log_mendable(streams_.failure(), loop_.now());
    close();
  }
}

void TcpConnection::introduce(Introduction introduction) {
  if (introduction.place) place_ = *std::move(introduction.place);
  protocol_->set_peer(std::move(introduction.peer));
}

void TcpConnection::process(std::string_view input) {
  if (unparsed_) {
    unparsed_->input += input;
    return;
  }
  protocol_->receive(input, loop_.now());
  // What streams answer by themselves must not fill our memory either.
  const bool is_full = waiting_bytes() > 2 * loop_.limits().max_outbound_bytes;
  if ((!input.empty() || is_full) && !closing_) {
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
  protocol_->log_connection(reason);
  close();
}

// No client of MQTT's: a debugger's line, whatever mqtt_log_connections says.
void TcpConnection::answered() {
  if (closing_ || closed_) return;
  protocol_->log(LogLevel::debug, std::string("HTTP was answered: ").append(streams_.answered()));
  close();
}

// Nothing can be sent any more. What the client sent before it went is still read, up to its DISCONNECT.
void TcpConnection::lost(int error) {
  const bool is_over = error != EPIPE && error != ECONNRESET;
  if (protocol_ && is_over) protocol_->log_connection(reason_of(error));
  if (closing_ || is_over) return close_now();
  protocol_->log(LogLevel::debug, reason_of(error));
  lost_ = true;
  discard_outgoing();
  watch(socket_.watched() & ~PollSet::Events{EPOLLOUT});
}

void TcpConnection::discard_outgoing() noexcept {
  outgoing_ = {};
  socket_.outgoing() = {};
}

// Each packet, or the beginning of one that is shared, is written by itself.
void TcpConnection::write(std::string_view packets) noexcept {
  ++loop_.counters().sent_packets;
  push(packets, packets);
}
void TcpConnection::write(std::shared_ptr<const std::string> packets) noexcept {
  const std::string_view bytes = *packets;
  push(bytes, std::move(packets));
}

// A session is at work, this connection's or another's. Without memory for what it writes the connection ends
// with the turn: the session of another must not pay for it.
template <typename Bytes>
void TcpConnection::push(std::string_view packets, Bytes&& held) noexcept {
  if (lost_) return;
  loop_.counters().sent_bytes += packets.size();
  try {
    outgoing_.push(streams_.head(packets));
    outgoing_.push(std::forward<Bytes>(held));
  } catch (const std::exception&) {
    lost_ = closing_ = true;
  }
  mark_for_flush();
}

std::size_t TcpConnection::waiting_bytes() const { return outgoing_.size() + socket_.outgoing().size(); }

void TcpConnection::close() noexcept {
  closing_ = true;
  mark_for_flush();
}

void TcpConnection::resume_reading() noexcept {
  resume_ = true;
  mark_for_flush();
}

void TcpConnection::mark_for_flush() noexcept {
  if (marked_ || closed_) return;
  marked_ = true;
  loop_.visit_at_end_of_turn(*this);
}

void TcpConnection::flush() noexcept {
  marked_ = false;
  if (lingering_.has_begun()) return;
  guard([this] {
    if (closing_) {
      stop_reading();
      end_session();
    } else if (std::exchange(resume_, false)) {
      process_unparsed();
      if (!unparsed_ && !closing_) watch(socket_.watched() | EPOLLIN);
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
  call_at(loop_.now() + loop_.limits().connect_timeout);
}

void TcpConnection::notice_drained() {
  if (!crowded_ || closing_ || closed_ || waiting_bytes() > loop_.limits().max_outbound_bytes / 2) return;
  crowded_ = false;
  protocol_->drained();
}

// One system call for all that the session wrote in this turn.
void TcpConnection::send() {
  if (lost_) {
    discard_outgoing();
    if (closing_) close_now();
    return;
  }
  if (streams_.send(outgoing_, socket_.outgoing()) == Stream::Status::failed) return close_now();
  bool says_something = false;
  bool goes_on = false;
  do {
    goes_on = closing_ && says_more();
    says_something = says_something || waiting_bytes() > 0;
    if (const int error = socket_.send(); error == EAGAIN) {
      return watch(socket_.watched() | EPOLLOUT);
    } else if (error != 0) {
      return lost(error);
    }
  } while (goes_on);
  if (closing_) return says_something ? linger() : close_now();
  watch(socket_.watched() & ~PollSet::Events{EPOLLOUT});
}

// The goodbye of the streams stands behind all that they have to say. False: that was all.
bool TcpConnection::says_more() {
  if (waiting_bytes() > enough_waits || streams_.go_on(socket_.outgoing())) return true;
  streams_.close(socket_.outgoing());
  return false;
}

// Nothing of MQTT or of the streams is left by then.
void TcpConnection::linger() {
  if (!lingering_.has_begun()) {
    streams_ = {};
    unparsed_.reset();
    lingering_.begin(socket_);
    watch(EPOLLIN);
    call_at(loop_.now() + LingeringClose::longest);
  }
  if (!lingering_.drop_input(socket_, loop_.read_buffer())) close_now();
}

void TcpConnection::call_at(Time moment) {
  due_ = moment;
  loop_.call_at(moment, id_);
}

void TcpConnection::await_deadline() {
  if (!protocol_) return;
  // A later deadline is noticed when the earlier one has come: a client that talks costs nothing here.
  for (const auto deadline : {protocol_->deadline(), streams_.next_ping()}) {
    if (deadline && *deadline < due_) call_at(*deadline);
  }
}

void TcpConnection::ping(Time now) {
  const auto next = streams_.next_ping();
  if (!next || now < *next || closing_) return;
  streams_.ping(now, socket_.outgoing());
  mark_for_flush();
}

void TcpConnection::on_deadline(Time now) noexcept {
  if (closed_ || now < due_) return;
  due_ = Time::max();
  guard([&] {
    if (!protocol_) return close_now();  // the client does not take the goodbye
    protocol_->expire(now);
    ping(now);
    await_deadline();
  });
}

void TcpConnection::close_now() noexcept {
  if (closed_) return;
  mark_for_flush();  // the loop forgets it then
  closed_ = true;
  protocol_.reset();
  streams_ = {};
  socket_.close();
  place_.give_up();
}

}  // namespace pubsub_mqtt::net
