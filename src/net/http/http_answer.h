// The answers of a port that is no web server: short texts, after which the connection ends. Network thread only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pubsub_mqtt::net {

// A head (RFC 9112) with all that is the same in each. `status` is "404 Not Found"; `fields` are further ones, each
// with CRLF; `size` is that of what follows.
std::string http_head(std::string_view status, std::string_view fields, std::size_t size);

// A whole answer, with a text of one line.
std::string http_text(std::string_view status, std::string_view text, std::string_view fields = {});

// The head of such an answer, for who asks for no more: HEAD.
std::string_view http_head_of(std::string_view answer);

}  // namespace pubsub_mqtt::net
