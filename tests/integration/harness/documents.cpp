#include "documents.h"

#include <fstream>
#include <regex>
#include <stdexcept>

namespace pubsub_mqtt::tests {

std::string documented(const std::string& document, const std::string& heading, const std::string& begins) {
  std::ifstream file(PUBSUB_MQTT_SOURCE "/" + document);
  std::string block;
  bool is_there = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) is_there = line.substr(line.find_first_not_of("# ")) == heading;
    if (!is_there) continue;
    if (line.starts_with("    ") || (line.empty() && !block.empty())) {
      block += line + '\n';
    } else if (block.starts_with("    " + begins)) {
      break;
    } else {
      block.clear();
    }
  }
  if (!block.starts_with("    " + begins)) throw std::runtime_error(document + ": no " + begins);
  return block;
}

std::string with(std::string text, const std::string& old, const std::string& replacement) {
  const auto at = text.find(old);
  if (at == std::string::npos) throw std::runtime_error("the document has no " + old);
  return text.replace(at, old.size(), replacement);
}

std::string at_localhost(const std::string& text) {
  return std::regex_replace(text, std::regex("example\\.org"), "localhost");
}

}  // namespace pubsub_mqtt::tests
