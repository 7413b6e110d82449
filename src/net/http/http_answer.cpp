#include "http/http_answer.h"

namespace pubsub_mqtt::net {

std::string http_head(std::string_view status, std::string_view fields, std::size_t size) {
  std::string head = "HTTP/1.1 ";
  head.append(status).append("\r\nConnection: close\r\n").append(fields);
  head.append("Content-Length: ").append(std::to_string(size)).append("\r\n\r\n");
  return head;
}

std::string http_text(std::string_view status, std::string_view text, std::string_view fields) {
  std::string all_fields = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
  std::string answer = http_head(status, all_fields.append(fields), text.size() + 1);
  return answer.append(text).append("\n");
}

std::string_view http_head_of(std::string_view answer) {
  constexpr std::string_view end = "\r\n\r\n";
  return answer.substr(0, answer.find(end) + end.size());
}

}  // namespace pubsub_mqtt::net
