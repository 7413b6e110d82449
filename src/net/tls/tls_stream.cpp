#include "tls/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "proxy/proxy_header.h"
#include "tls/client_hello.h"
#include "tls/openssl_error.h"
#include "tls/peer_certificate.h"

namespace pubsub_mqtt::net {
namespace {

// The largest plaintext of a record (RFC 8446, section 5.1).
constexpr std::size_t max_record = 16384;

// A ClientHello has some hundred bytes, with a post-quantum key and a session ticket a few thousand.
constexpr std::size_t max_client_hello = 65536;

// The first byte of a CONNECT. TLS begins with another, 0x16 (RFC 8446, section 5.1).
constexpr char mqtt_connect = 0x10;

// What a BIO reads from and writes to while the stream works, in place of a socket: the caller's own bytes.
struct Wire {
  std::string_view input;
  std::string& output;
};

int read_wire(BIO* bio, char* buffer, std::size_t size, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  if (wire->input.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *read = std::min(size, wire->input.size());
  std::memcpy(buffer, wire->input.data(), *read);
  wire->input.remove_prefix(*read);
  return 1;
}

int write_wire(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  try {
    wire->output.append(bytes, size);
  } catch (...) {
    return 0;  // no C++ exception across OpenSSL's frames
  }
  *written = size;
  return 1;
}

long control_wire(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* wire_method() {
  // Never freed, like the library that holds it.
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "MQTT connection");
    if (made != nullptr) {
      BIO_meth_set_read_ex(made, read_wire);
      BIO_meth_set_write_ex(made, write_wire);
      BIO_meth_set_ctrl(made, control_wire);
    }
    return made;
  }();
  return method;
}

// Connects an SSL with the caller's bytes, and with the choice of its context, for one call. At rest it has
// no BIO, and no app data where it does not choose: both cost memory.
class Plug {
 public:
  Plug(SSL* ssl, Wire& wire, ContextChoice* choice) : ssl_(ssl) {
    BIO* bio = BIO_new(wire_method());  // without one, what is called next fails
    if (bio != nullptr) BIO_set_data(bio, &wire);
    SSL_set_bio(ssl_, bio, bio);
    if (choice != nullptr || SSL_get_app_data(ssl_) != nullptr) SSL_set_app_data(ssl_, choice);
    ERR_clear_error();  // else SSL_get_error takes what others left there for its own
  }
  ~Plug() { SSL_set_bio(ssl_, nullptr, nullptr); }
  Plug(const Plug&) = delete;
  Plug& operator=(const Plug&) = delete;

 private:
  SSL* ssl_;
};

// Decrypts all that the wire has. Returns how it ended, as SSL_get_error says it.
int read_all(SSL* ssl, Wire wire, ContextChoice* choice, std::string& plaintext) {
  const Plug plug(ssl, wire, choice);
  std::array<char, max_record> record;
  for (;;) {
    std::size_t read = 0;
    const int result = SSL_read_ex(ssl, record.data(), record.size(), &read);
    if (result != 1) return SSL_get_error(ssl, result);
    plaintext.append(record.data(), read);
  }
}

bool write_all(SSL* ssl, Wire wire, std::string_view plaintext) {
  const Plug plug(ssl, wire, nullptr);
  std::size_t written = 0;
  return SSL_write_ex(ssl, plaintext.data(), plaintext.size(), &written) == 1;
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<const TlsContexts> contexts, std::unique_ptr<HandshakeTurn> turn)
    : choice_(std::make_unique<Choice>(Choice{.contexts = std::move(contexts), .hello = {}})),
      turn_(std::move(turn)),
      ssl_(make_ssl(choice_->contexts->fallback.get())) {
  if (!ssl_) fail(take_tls_error());
}

TlsStream::Ssl TlsStream::make_ssl(SSL_CTX* context) {
  Ssl ssl(SSL_new(context));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

TlsStream::Status TlsStream::receive(std::string_view ciphertext, std::string& plaintext,
                                     std::string& answer) {
  if (!turn_) return decrypt(ciphertext, plaintext, answer);
  const Status status = turn_->go_on([&] { return decrypt(ciphertext, plaintext, answer); });
  if (ssl_ && !handshake_done()) return status;
  turn_->end(result_of_handshake());
  turn_.reset();
  return status;
}

TlsStream::Status TlsStream::decrypt(std::string_view ciphertext, std::string& plaintext,
                                     std::string& answer) {
  if (!ssl_) return Status::failed;
  if (choice_) return receive_client_hello(ciphertext, plaintext, answer);
  return outcome(read(ciphertext, nullptr, plaintext, answer));
}

// Plaintext only comes after the handshake. The client is looked at here, and not when it is asked for: what
// it sent before a bad record counts as well, and then the SSL is gone.
int TlsStream::read(std::string_view ciphertext, ContextChoice* choice, std::string& plaintext,
                    std::string& answer) {
  const std::size_t before = plaintext.size();
  const int ended = read_all(ssl_.get(), {ciphertext, answer}, choice, plaintext);
  if (plaintext.size() > before && !std::exchange(client_is_known_, true)) {
    client_names_ = std::make_unique<CertificateNames>(verified_names(ssl_.get()));
  }
  return ended;
}

TlsStream::Status TlsStream::receive_client_hello(std::string_view ciphertext, std::string& plaintext,
                                                  std::string& answer) {
  if (choice_->hello.empty() && ciphertext.starts_with(mqtt_connect))
    return fail_mendably(
        "the client speaks MQTT without TLS on one of mqtt_tls_ports: switch TLS on in the client, or have "
        "it use one of mqtt_ports");
  if (choice_->hello.empty() && begins_proxy_header(ciphertext))
    return fail_mendably(std::string(unexpected_proxy_header));
  if (choice_->hello.size() > max_client_hello) return fail("the ClientHello is too long");

  ContextChoice choice{.contexts = choice_->contexts.get()};
  const int ended = read(ciphertext, &choice, plaintext, answer);
  if (choice.refusal != nullptr) return fail_mendably(choice.refusal);
  if (choice.chosen == nullptr) {
    choice_->hello.append(ciphertext);
    return outcome(ended);
  }

  if (!choice.host.empty()) server_name_ = std::make_unique<std::string>(choice.host.name());

  // From here on the SSL holds its context, and the others may go.
  const auto made = std::exchange(choice_, nullptr);
  if (ended != SSL_ERROR_WANT_CLIENT_HELLO_CB) return outcome(ended);
  ssl_ = make_ssl(choice.chosen);
  if (!ssl_) return fail(take_tls_error());
  made->hello.append(ciphertext);
  return decrypt(made->hello, plaintext, answer);
}

// All that waits at once, so that records are as large as it.
TlsStream::Status TlsStream::send(SendQueue& plaintext, SendQueue& ciphertext) {
  if (!ssl_) return Status::failed;
  std::string records;
  while (!plaintext.empty()) {
    SendQueue::Buffers buffers;
    std::size_t size = 0;
    for (const auto& buffer : plaintext.front(buffers)) {
      const std::string_view piece(static_cast<const char*>(buffer.iov_base), buffer.iov_len);
      if (!write_all(ssl_.get(), {{}, records}, piece)) return fail_with_openssl_error();
      size += piece.size();
    }
    plaintext.pop(size);
  }
  ciphertext.push(records);
  return Status::open;
}

void TlsStream::close(std::string& answer) {
  if (!ssl_) return;
  Wire wire{{}, answer};
  const Plug plug(ssl_.get(), wire, nullptr);
  SSL_shutdown(ssl_.get());
}

std::string TlsStream::take_server_name() {
  const auto name = std::exchange(server_name_, nullptr);
  return name ? *name : std::string();
}

std::uint64_t Handshakes::*TlsStream::result_of_handshake() const {
  if (!ssl_) return &Handshakes::failed;
  return SSL_session_reused(ssl_.get()) == 1 ? &Handshakes::resumed : &Handshakes::full;
}

bool TlsStream::handshake_done() const { return ssl_ && SSL_is_init_finished(ssl_.get()) == 1; }

TlsStream::Status TlsStream::outcome(int ssl_error) {
  if (ssl_error == SSL_ERROR_WANT_READ) return Status::open;
  if (ssl_error == SSL_ERROR_ZERO_RETURN) return Status::closed;
  return fail_with_openssl_error();
}

TlsStream::Status TlsStream::fail_with_openssl_error() {
  std::string error = take_tls_error();
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK) error.append(": ").append(X509_verify_cert_error_string(verified));
  return fail(std::move(error));
}

TlsStream::Status TlsStream::fail_mendably(std::string error) {
  is_mendable_ = true;
  return fail(std::move(error));
}

TlsStream::Status TlsStream::fail(std::string error) {
  error_ = std::make_unique<std::string>(std::move(error));
  ssl_.reset();
  choice_.reset();
  return Status::failed;
}

}  // namespace pubsub_mqtt::net
