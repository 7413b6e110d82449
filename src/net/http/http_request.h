// The head of a request of HTTP/1.1 or 1.0 (RFC 9112), read as it comes. What follows it is not looked at: a request
// for WebSocket or the page has no body. Network thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace pubsub_mqtt::net {

class HttpRequest {
 public:
  enum class Status { incomplete, complete, malformed };

  // Of the whole head: what is longer is malformed.
  static constexpr std::size_t max_size = 8192;

  HttpRequest();
  ~HttpRequest();
  HttpRequest(const HttpRequest&) = delete;
  HttpRequest& operator=(const HttpRequest&) = delete;

  // Takes bytes off the front of `input`; what stands behind the request stays there.
  Status read(std::string_view& input);

  // Of a complete request. What is asked for by a name that the request does not have is empty.
  bool is_http_1_1() const;
  std::string_view method() const;  // "GET"
  std::string_view target() const;
  // That of the target, without what stands behind a question mark. The target may be a whole URI (RFC 9112, section
  // 3.2.2).
  std::string_view path() const;
  // Whom the request is for: what a target that is a whole URI says, else the field Host.
  std::string_view host() const;
  // As often as the request has the field.
  std::size_t count(std::string_view name) const;
  // The first one of that name.
  std::string_view field(std::string_view name) const;
  // All of that name, with commas between them, as RFC 9110, section 5.3, has it.
  std::string fields(std::string_view name) const;
  // Whether a list, like that of Connection, has this token. Upper case and lower case are the same.
  bool has_token(std::string_view name, std::string_view token) const;
  // Whether an answer may be compressed with gzip (Accept-Encoding: RFC 9110, section 12.5.3).
  bool accepts_gzip() const;

 private:
  class Parser;
  std::string not_parsed_;
  std::size_t size_ = 0;  // of all that came of it
  std::unique_ptr<Parser> parser_;
};

}  // namespace pubsub_mqtt::net
