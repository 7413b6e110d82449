// Another text in a file, as an upgrade or an administrator would put it there.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace pubsub_mqtt::tests {

// The first `from`, which is there.
inline void replace_in(const std::filesystem::path& path, std::string_view from, std::string_view to) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::string content = text.str();
  content.replace(content.find(from), from.size(), to);
  std::ofstream(path) << content;
}

}  // namespace pubsub_mqtt::tests
