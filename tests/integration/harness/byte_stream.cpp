#include "byte_stream.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "broken_connections.h"
#include "patience.h"

namespace pubsub_mqtt::tests {
namespace {

FileDescriptor connect_to(const std::string& address, std::uint16_t port, int receive_buffer) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    throw std::runtime_error("not an address: " + address);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> result(found, freeaddrinfo);
  FileDescriptor fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const timeval timeout{patience.count(), 0};
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  // A server that refuses may have reset the connection before connect() returns: to the caller, it is one
  // that was closed.
  if (connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0 && errno != ECONNRESET) {
    throw std::system_error(errno, std::generic_category(), "connect to port " + std::to_string(port));
  }
  return fd;
}

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "closed by the server";
}

}  // namespace

TcpStream::TcpStream(std::uint16_t port, const std::string& address, int receive_buffer)
    : fd_(connect_to(address, port, receive_buffer)) {}

void TcpStream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) throw TimedOut("send");
    if (sent < 0) throw ConnectionClosed(std::generic_category().message(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void TcpStream::send_last(std::string_view bytes) {
  cork(true);
  send(bytes);
  shutdown(fd_.get(), SHUT_WR);
}

void TcpStream::cork(bool on) {
  const int value = on ? 1 : 0;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

std::size_t TcpStream::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno == EAGAIN) return 0;
  if (sent < 0) throw ConnectionClosed(std::generic_category().message(errno));
  return static_cast<std::size_t>(sent);
}

std::size_t TcpStream::receive(std::span<char> buffer) {
  const ssize_t received = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (received < 0 && errno == EAGAIN) throw TimedOut("nothing to receive");
  return received < 0 ? 0 : static_cast<std::size_t>(received);
}

void TcpStream::abort() {
  const linger at_once{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

TlsStream::TlsStream(std::uint16_t port, const Options& options)
    : tcp_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
  survive_broken_connections();
  SSL_CTX_set_max_proto_version(context_.get(), options.max_version);
  if (!options.ca_file.empty()) {
    SSL_CTX_load_verify_locations(context_.get(), options.ca_file.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), options.key.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_.reset(SSL_new(context_.get()));
  // The macro SSL_set_tlsext_host_name casts away const in the old style.
  if (!options.server_name.empty()) {
    std::string name = options.server_name;
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  const std::string& verified = options.verify_name.empty() ? options.server_name : options.verify_name;
  if (!options.ca_file.empty()) SSL_set1_host(ssl_.get(), verified.c_str());
  SSL_set_fd(ssl_.get(), tcp_.fd());
  if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("TLS handshake: " + openssl_reason());
}

void TlsStream::send(std::string_view bytes) {
  if (SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) {
    throw ConnectionClosed("TLS: " + openssl_reason());
  }
}

void TlsStream::send_last(std::string_view bytes) {
  tcp_.cork(true);
  send(bytes);
  SSL_shutdown(ssl_.get());
  tcp_.cork(false);
}

std::size_t TlsStream::receive(std::span<char> buffer) {
  const int received = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
  if (received > 0) return static_cast<std::size_t>(received);
  if (SSL_get_error(ssl_.get(), received) == SSL_ERROR_WANT_READ) throw TimedOut("nothing to receive");
  ERR_clear_error();
  return 0;
}

std::string TlsStream::peer_common_name() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()),
                                                                X509_free);
  std::string name(256, '\0');
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName,
                                             name.data(), static_cast<int>(name.size()));
  name.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return name;
}

std::string TlsStream::peer_serial() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()),
                                                                X509_free);
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.get());
  return std::to_string(ASN1_INTEGER_get(serial));
}

}  // namespace pubsub_mqtt::tests
