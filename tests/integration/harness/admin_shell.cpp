#include "admin_shell.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <pugixml.hpp>
#include <sstream>
#include <stdexcept>

#include "file_descriptor.h"
#include "patience.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* stream_open =
    "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='xmpp:prosody.im/admin'>";
constexpr const char* stream_close = "</stream:stream>";

FileDescriptor connect_to(const std::string& path) {
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long for a Unix socket: " + path);
  path.copy(address.sun_path, path.size());
  const int result = connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result != 0) throw std::system_error(errno, std::generic_category(), "connect to " + path);
  return fd;
}

std::string request(const std::string& line) {
  pugi::xml_document document;
  document.append_child("repl-input").text().set(line.c_str());
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
  return stream_open + text.str();
}

bool has_result(const std::string& answer) {
  const std::size_t start = answer.find("<repl-result");
  if (start == std::string::npos) return false;
  const std::size_t tag_end = answer.find('>', start);
  if (tag_end == std::string::npos) return false;
  return answer[tag_end - 1] == '/' || answer.find("</repl-result>", tag_end) != std::string::npos;
}

std::string text_of(std::string answer) {
  pugi::xml_document document;
  if (!answer.ends_with(stream_close)) answer += stream_close;
  document.load_string(answer.c_str());
  std::string text;
  for (const pugi::xml_node& element : document.document_element().children()) {
    text += element.text().get();
    text += '\n';
  }
  return text;
}

}  // namespace

std::string run_in_admin_shell(const std::string& socket_path, const std::string& line) {
  const FileDescriptor fd = connect_to(socket_path);
  const std::string bytes = request(line);
  if (send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
    throw std::system_error(errno, std::generic_category(), "send to the admin shell");
  }
  const auto until = deadline();
  std::string answer;
  while (!has_result(answer)) {
    pollfd descriptor{fd.get(), POLLIN, 0};
    if (poll(&descriptor, 1, milliseconds_until(until)) != 1) throw TimedOut("the admin shell: " + line);
    std::array<char, 4096> buffer;
    const ssize_t received = read(fd.get(), buffer.data(), buffer.size());
    if (received <= 0) throw std::runtime_error("the admin shell closed the connection: " + answer);
    answer.append(buffer.data(), static_cast<std::size_t>(received));
  }
  return text_of(std::move(answer));
}

}  // namespace pubsub_mqtt::tests
