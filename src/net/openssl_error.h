// OpenSSL's error queue, which each thread has one of, as a text.
#pragma once

#include <string>

namespace pubsub_mqtt::net {

// Why the OpenSSL call that just failed did so. The queue holds the cause first (no such file), and last what
// it led to (certificate verify failed). Both empty it, so that no later call, LuaSec's neither, takes an
// error for its own.
std::string take_first_openssl_error();
std::string take_last_openssl_error();

}  // namespace pubsub_mqtt::net
