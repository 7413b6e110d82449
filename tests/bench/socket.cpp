#include "socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

namespace pubsub_mqtt::bench {
namespace {

tests::FileDescriptor connect_to(std::uint16_t port) {
  tests::FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Closed by a reset: ten thousand connections in TIME_WAIT would slow down the next ten thousand.
  const linger reset{1, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    throw std::system_error(errno, std::generic_category(), "connect");
  }
  return fd;
}

// Of recv(2) and send(2).
std::size_t tcp_result(ssize_t result) {
  if (result > 0) return static_cast<std::size_t>(result);
  if (result < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  throw std::runtime_error("the server closed a connection");
}

}  // namespace

TlsContext make_tls_context() {
  TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) throw std::runtime_error("SSL_CTX_new");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Socket::Socket(Endpoint endpoint, SSL_CTX* tls) : fd_(connect_to(endpoint.port)), ssl_(nullptr, SSL_free) {
  if (endpoint.carrier == Carrier::websocket) websocket_ = std::make_unique<WebSocket>();
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) throw std::runtime_error("SSL_new");
  SSL_set_connect_state(ssl_.get());
}

std::size_t Socket::tls_result(int result, std::size_t size) const {
  if (result == 1) return size;
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
  throw std::runtime_error("the server closed a TLS connection");
}

std::size_t Socket::read(std::span<char> buffer) {
  const std::size_t size = read_below(buffer);
  return websocket_ ? websocket_->unframe(buffer.first(size)) : size;
}

std::size_t Socket::write(std::string_view bytes) {
  return websocket_ ? websocket_->sent(write_below(websocket_->frame(bytes))) : write_below(bytes);
}

std::size_t Socket::read_below(std::span<char> buffer) {
  if (!ssl_) return tcp_result(recv(fd_.get(), buffer.data(), buffer.size(), 0));
  std::size_t size = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
  return tls_result(result, size);
}

std::size_t Socket::write_below(std::string_view bytes) {
  if (!ssl_) return tcp_result(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
  return tls_result(result, size);
}

}  // namespace pubsub_mqtt::bench
