// LuaSec's names for OpenSSL's options, as they stand in Prosody's `ssl` settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pubsub_mqtt::net {

// An SSL_OP_* bit, or 0 for what OpenSSL 3 knows by name only. Returns nullopt where LuaSec has no such option.
std::optional<std::uint64_t> tls_option(std::string_view name);

}  // namespace pubsub_mqtt::net
