#include "conversation.h"

#include <openssl/err.h>

#include <array>

namespace pubsub_mqtt::tests {

TlsClient::TlsClient(const ClientSettings& settings)
    : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, settings.version != 0 ? settings.version : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, settings.version != 0 ? settings.version : TLS1_3_VERSION);
  if (settings.identity) {
    SSL_CTX_use_certificate(context, settings.identity->certificate.get());
    SSL_CTX_use_PrivateKey(context, settings.identity->key.get());
  }
  if (!settings.ciphers.empty()) SSL_CTX_set_cipher_list(context, settings.ciphers.c_str());
  if (!settings.curves.empty()) SSL_CTX_set1_curves_list(context, settings.curves.c_str());
  const auto* alpn = reinterpret_cast<const unsigned char*>(settings.alpn.data());
  if (!settings.alpn.empty())
    SSL_CTX_set_alpn_protos(context, alpn, static_cast<unsigned>(settings.alpn.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    static_cast<TlsClient*>(SSL_get_app_data(ssl))->ticket_ = {session, SSL_SESSION_free};
    return 1;
  });

  ssl_.reset(SSL_new(context));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_.get());
  if (!settings.server_name.empty()) {
    std::string name = settings.server_name;  // SSL_set_tlsext_host_name would cast its const away
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  if (settings.resume) SSL_set_session(ssl_.get(), settings.resume.get());
}

void TlsClient::note_error(int result) {
  const int code = SSL_get_error(ssl_.get(), result);
  if (code != SSL_ERROR_SSL && code != SSL_ERROR_SYSCALL) return;
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  if (error_.empty()) error_ = reason != nullptr ? reason : "unknown";
  ERR_clear_error();
}

void TlsClient::work() {
  if (!error_.empty()) return;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return note_error(result);
  std::array<char, 16384> buffer;
  for (;;) {
    const int read = SSL_read(ssl_.get(), buffer.data(), buffer.size());
    if (read <= 0) return note_error(read);
    received_.append(buffer.data(), static_cast<std::size_t>(read));
  }
}

void TlsClient::feed(std::string_view ciphertext) {
  BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
}

std::string TlsClient::take_ciphertext() {
  BIO* out = SSL_get_wbio(ssl_.get());
  std::string taken(BIO_ctrl_pending(out), '\0');
  BIO_read(out, taken.data(), static_cast<int>(taken.size()));
  return taken;
}

void TlsClient::write(std::string_view plaintext) {
  ERR_clear_error();
  const int result = SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
  if (result <= 0) note_error(result);
}

void TlsClient::close() { SSL_shutdown(ssl_.get()); }

void TlsClient::renegotiate() {
  SSL_renegotiate(ssl_.get());
  SSL_do_handshake(ssl_.get());
}

std::string TlsClient::server_common_name() const {
  std::array<char, 256> name{};
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
  return name.data();
}

net::Stream::Status send(net::Stream& stream, std::string_view plaintext, std::string& ciphertext) {
  net::SendQueue above;
  net::SendQueue below;
  above.push(plaintext);
  const auto status = stream.send(above, below);
  net::SendQueue::Buffers buffers;
  for (const auto& piece : below.front(buffers)) {
    ciphertext.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return status;
}

void Conversation::run() {
  for (;;) {
    client.work();
    const std::string ciphertext = client.take_ciphertext();
    if (ciphertext.empty()) return;
    receive(ciphertext);
  }
}

void Conversation::receive(std::string_view ciphertext) {
  while (!ciphertext.empty()) {
    const std::string_view now = ciphertext.substr(0, piece);
    ciphertext.remove_prefix(now.size());
    std::string answer;
    status = stream.receive(now, received, answer);
    client.feed(answer);
  }
}

void Conversation::send(std::string_view plaintext) {
  std::string ciphertext;
  status = tests::send(stream, plaintext, ciphertext);
  client.feed(ciphertext);
}

}  // namespace pubsub_mqtt::tests
