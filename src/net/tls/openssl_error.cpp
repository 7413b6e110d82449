#include "tls/openssl_error.h"

#include <openssl/err.h>

#include <system_error>

namespace pubsub_mqtt::net {
namespace {

std::string text(unsigned long code) {
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL gives no reason";
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  return text(code);
}

std::string take_tls_error() {
  const unsigned long first = ERR_get_error();
  unsigned long code = first;
  while (code != 0 && ERR_GET_LIB(code) != ERR_LIB_SSL) code = ERR_get_error();
  ERR_clear_error();
  return text(code != 0 ? code : first);
}

}  // namespace pubsub_mqtt::net
