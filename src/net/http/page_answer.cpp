#include "http/page_answer.h"

#include "http/http_answer.h"
#include "websocket/forwarded.h"

namespace pubsub_mqtt::net {
namespace {

constexpr std::string_view allowed_methods = "Allow: GET, HEAD\r\n";

// What a browser may do with a file: load others of this origin, open a WebSocket to it, show pictures of messages, and
// nothing else: no text becomes markup, whatever a script does (W3C, Content Security Policy Level 3, Trusted Types).
constexpr std::string_view policy =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n";

// Asked for each time, since a newer version has other files by the same names.
constexpr std::string_view caching = "Cache-Control: no-cache\r\nVary: Accept-Encoding\r\n";

// One of both (RFC 9110, section 8.8.3): what is compressed are other bytes.
struct Variant {
  const std::string& bytes;
  std::string tag;  // with its quotes
  bool is_compressed;
};

Variant choose(const PageFile& file, const HttpRequest& request) {
  if (!file.compressed.empty() && request.accepts_gzip()) {
    return {.bytes = file.compressed, .tag = '"' + file.tag + "-gzip\"", .is_compressed = true};
  }
  return {.bytes = file.bytes, .tag = '"' + file.tag + '"', .is_compressed = false};
}

// If-None-Match is compared weakly (RFC 9110, section 13.1.2): a tag with W/ before it is the same.
bool has_it_already(const HttpRequest& request, const std::string& tag) {
  const std::string known = request.fields("If-None-Match");
  return known == "*" || known.find(tag) != std::string::npos;
}

std::string fields_of(const PageFile& file, const Variant& variant) {
  std::string fields = "Content-Type: " + file.media_type + "\r\nETag: " + variant.tag + "\r\n";
  if (variant.is_compressed) fields += "Content-Encoding: gzip\r\n";
  return fields.append(caching).append(policy);
}

PageAnswer refuse(std::string_view status, std::string_view text, std::string_view fields = {}) {
  return {.said = http_text(status, text, fields), .body = nullptr, .status = status};
}

const PageFile* find(const Page& page, std::string_view path) {
  const auto found = page.find(path == "/" ? "/index.html" : path);
  return found == page.end() ? nullptr : &found->second;
}

}  // namespace

PageAnswer answer_page(const HttpRequest& request, Arrival& client) {
  if (!introduce_forwarded(request, client))
    return refuse("503 Service Unavailable", "there is no place for the client");
  const std::shared_ptr<const Page>& page = client.access().page;
  const std::string_view method = request.method();
  if (method != "GET" && method != "HEAD")
    return refuse("405 Method Not Allowed", "this port has a page to read, and MQTT", allowed_methods);
  // RFC 9112, section 3.2
  if (request.count("Host") != 1 && (request.is_http_1_1() || request.count("Host") != 0))
    return refuse("400 Bad Request", "a request of HTTP/1.1 names one Host");
  const PageFile* const file = find(*page, request.path());
  if (file == nullptr)
    return refuse("404 Not Found", "there is nothing here: the page is at /, MQTT at /mqtt");
  const Variant variant = choose(*file, request);
  const std::string fields = fields_of(*file, variant);
  if (has_it_already(request, variant.tag)) {
    constexpr std::string_view status = "304 Not Modified";
    return {.said = http_head(status, fields, variant.bytes.size()), .body = nullptr, .status = status};
  }
  constexpr std::string_view status = "200 OK";
  PageAnswer answer{
      .said = http_head(status, fields, variant.bytes.size()), .body = nullptr, .status = status};
  if (method == "GET") answer.body = {page, &variant.bytes};
  return answer;
}

}  // namespace pubsub_mqtt::net
