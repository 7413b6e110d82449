#include "server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t kibibyte = 1024;
// Until a server that has much to load has started, and one that has much to write has ended.
constexpr std::chrono::minutes patience{5};

bool accepts_connections(std::uint16_t port) {
  const tests::FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

Server::Server(const std::string& host) {
  std::filesystem::create_directory(folder_.path("certs"));
  // Signed by itself: the bench's clients do not look.
  const tests::Identity identity = tests::make_identity({.name = host});
  folder_.write("certs/" + host + ".crt", tests::pem(identity.certificate));
  folder_.write("certs/" + host + ".key", tests::pem(identity.key));
}

void Server::start(const std::vector<std::string>& command, std::uint16_t port) {
  command_ = command;
  accepts_on_ = port;
  start_again();
}

void Server::start_again() {
  const std::string log = folder_.path("output");
  const tests::FileDescriptor output(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
                                     "open " + log);
  process_ = std::make_unique<tests::ChildProcess>(
      tests::ChildProcess::Command{.arguments = command_, .output = output.get()});
  const auto until = tests::Clock::now() + patience;
  while (!accepts_connections(accepts_on_)) {
    if (process_->wait(tests::Clock::now() + std::chrono::milliseconds(10)) || tests::Clock::now() >= until) {
      throw std::runtime_error(command_[0] + " does not start: " + content_of(log));
    }
  }
}

void Server::stop() {
  process_->send_signal(SIGTERM);
  // Prosody looks for signals before it waits for events: one that comes in between leaves it waiting.
  if (!process_->wait(tests::Clock::now() + std::chrono::seconds(2))) process_->interrupt();
  if (!process_->wait(tests::Clock::now() + patience)) throw std::runtime_error(command_[0] + " does not end");
}

std::string Server::process_file(const std::string& name) const {
  return "/proc/" + std::to_string(process_->pid()) + '/' + name;
}

// A field of a file of /proc/PID: proc(5).
std::size_t Server::number_of(const std::string& file, const std::string& field) const {
  std::ifstream lines(process_file(file));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(field + ":")) return std::stoul(line.substr(field.size() + 1));
  }
  throw std::runtime_error("the server has ended: " + content_of(folder_.path("output")));
}

// "status" has it, too, but not to the page.
std::size_t Server::resident_bytes() const { return number_of("smaps_rollup", "Rss") * kibibyte; }

std::size_t Server::peak_resident_bytes() const { return number_of("status", "VmHWM") * kibibyte; }

std::size_t Server::written_bytes() const { return number_of("io", "write_bytes"); }

// The 14th and 15th fields of /proc/PID/stat: proc(5). The second one, the name, ends with a parenthesis.
double Server::processor_seconds() const {
  std::string stat = content_of(process_file("stat"));
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace pubsub_mqtt::bench
