// OpenSSL's error queue, which each thread has one of, as a text.
#pragma once

#include <string>

namespace pubsub_mqtt::net {

// Why the OpenSSL call that just failed did so: the first error in the queue, which is the cause ("No such
// file or directory"). Empties the queue, so that no later call, LuaSec's neither, takes an error for its
// own.
std::string take_openssl_error();

// The same for a connection: the first error that is TLS's own ("certificate verify failed"), not one of the
// cryptography beneath it ("EVP lib").
std::string take_tls_error();

}  // namespace pubsub_mqtt::net
