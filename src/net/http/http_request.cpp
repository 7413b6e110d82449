#include "http/http_request.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

namespace pubsub_mqtt::net {
namespace {

namespace http = boost::beast::http;

boost::beast::string_view beast_view(std::string_view text) { return {text.data(), text.size()}; }

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// A target of the absolute form (RFC 9112, section 3.2.2), "http://authority/path?query", in its parts. Of each other
// form all is the path.
struct Target {
  std::string_view authority;
  std::string_view path_and_query;
};

Target split(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!boost::beast::iequals(beast_view(target.substr(0, scheme.size())), beast_view(scheme))) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    return {.authority = rest.substr(0, end), .path_and_query = rest.substr(end)};
  }
  return {.authority = {}, .path_and_query = target};
}

}  // namespace

class HttpRequest::Parser : public http::request_parser<http::empty_body> {};

HttpRequest::HttpRequest() : parser_(std::make_unique<Parser>()) { parser_->header_limit(max_size); }

HttpRequest::~HttpRequest() = default;

// What the parser has not taken, whole lines or a part of one, it wants again, with more behind it.
HttpRequest::Status HttpRequest::read(std::string_view& input) {
  const std::size_t before = not_parsed_.size();
  const std::string_view more = input.substr(0, max_size - size_);
  not_parsed_.append(more);
  size_ += more.size();
  boost::beast::error_code error;
  const std::size_t parsed = parser_->put(boost::asio::buffer(not_parsed_), error);
  if (error == http::error::need_more) {
    not_parsed_.erase(0, parsed);
    input = {};
    return size_ < max_size ? Status::incomplete : Status::malformed;
  }
  if (error) return Status::malformed;
  input.remove_prefix(parsed - before);
  not_parsed_ = {};
  return Status::complete;
}

bool HttpRequest::is_http_1_1() const { return parser_->get().version() == 11; }

std::string_view HttpRequest::method() const { return view(parser_->get().method_string()); }

std::string_view HttpRequest::target() const { return view(parser_->get().target()); }

// An absolute target without a path means "/" (RFC 9110, section 4.2.3).
std::string_view HttpRequest::path() const {
  const std::string_view whole = split(target()).path_and_query;
  const std::string_view path = whole.substr(0, whole.find('?'));
  return path.empty() ? "/" : path;
}

std::string_view HttpRequest::host() const {
  const std::string_view authority = split(target()).authority;
  return authority.empty() ? field("Host") : authority;
}

std::size_t HttpRequest::count(std::string_view name) const { return parser_->get().count(beast_view(name)); }

std::string_view HttpRequest::field(std::string_view name) const {
  return view(parser_->get()[beast_view(name)]);
}

std::string HttpRequest::fields(std::string_view name) const {
  std::string all;
  const auto [first, last] = parser_->get().equal_range(beast_view(name));
  for (auto field = first; field != last; ++field) {
    if (!all.empty()) all += ',';
    all += view(field->value());
  }
  return all;
}

bool HttpRequest::has_token(std::string_view name, std::string_view token) const {
  const std::string list = fields(name);
  return http::token_list{beast_view(list)}.exists(beast_view(token));
}

// A weight of 0 is a no; the other ones make no difference where there is nothing else to choose.
bool HttpRequest::accepts_gzip() const {
  const std::string codings = fields("Accept-Encoding");
  for (const auto& [coding, parameters] : http::ext_list{beast_view(codings)}) {
    if (!boost::beast::iequals(coding, "gzip")) continue;
    for (const auto& [name, value] : parameters) {
      if (boost::beast::iequals(name, "q") && view(value).find_first_not_of("0.") == std::string_view::npos)
        return false;
    }
    return true;
  }
  return false;
}

}  // namespace pubsub_mqtt::net
