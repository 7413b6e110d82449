#include "prosody.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace pubsub_mqtt::bench {
namespace {

// Loopback is exempt from the rates. What else would turn a bench's client away is raised, since mosquitto has no
// such limits here. The queues are not: who acknowledges must lose nothing.
constexpr const char* settings = R"(run_as_root = true
storage = "memory"
plugin_paths = { ")" PUBSUB_MQTT_MODULES R"(", ")" PUBSUB_MQTT_BENCH_MODULES R"(" }
modules_enabled = { "saslauth", "disco", "ping", "bench" }
modules_disabled = { "s2s", "s2s_auth_certs" }
c2s_require_encryption = false
c2s_interfaces = { "127.0.0.1" }
c2s_direct_tls_ports = {}
mqtt_tls_interfaces = { "127.0.0.1" }
mqtt_max_connections = 100000
mqtt_max_anonymous_sessions = 100000
mqtt_allow_anonymous = true
)";

constexpr const char* large_queues = R"(mqtt_max_queued_messages = 10000000
mqtt_max_queued_bytes = 1073741824
mqtt_max_queued_messages_in_memory = 10000000
mqtt_max_queued_bytes_in_memory = 1073741824
mqtt_max_total_queued_bytes_in_memory = 1073741824
)";

constexpr const char* hosts = R"(
VirtualHost "localhost"
  authentication = "anonymous"
Component "plain.localhost" "pubsub"
Component "pubsub.localhost" "pubsub"
  modules_enabled = { "pubsub_mqtt" }
)";

// Another Prosody than the installed one, as for tests/run.
std::vector<std::string> prosody_command() {
  const char* configured = std::getenv("PROSODY");
  std::istringstream words(configured != nullptr ? configured : "prosody");
  std::vector<std::string> command;
  for (std::string word; words >> word;) command.push_back(word);
  return command;
}

// The port of modules/mod_bench.lua: a line there, a line back.
tests::FileDescriptor begin_command(std::uint16_t port, const std::string& line) {
  tests::FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string text = line + '\n';
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    throw std::system_error(errno, std::generic_category(), "the port of mod_bench");
  }
  return fd;
}

std::istringstream end_command(const tests::FileDescriptor& fd, const std::string& expected) {
  std::string answer;
  while (!answer.ends_with('\n')) {
    char bytes[512];
    const ssize_t size = recv(fd.get(), bytes, sizeof bytes, 0);
    if (size <= 0) throw std::runtime_error("mod_bench gave no answer");
    answer.append(bytes, static_cast<std::size_t>(size));
  }
  std::istringstream words(answer);
  std::string first;
  words >> first;
  if (first != expected) throw std::runtime_error("mod_bench: " + answer);
  return words;
}

}  // namespace

Prosody::Prosody(Queues queues, const Configuration& configuration) : Server("localhost") {
  std::filesystem::create_directory(folder().path("data"));  // without it there is no store
  std::vector<std::string> command = prosody_command();
  command.insert(command.end(),
                 {"-F", "--config", folder().write("prosody.cfg.lua", text_of(queues, configuration))});
  // mod_pubsub_mqtt opens its ports last, when the server has started.
  start(command, bench_port_.number());
  create_nodes("ready", 1);
}

std::string Prosody::text_of(Queues queues, const Configuration& configuration) const {
  std::ostringstream text;
  text << settings << (queues == Queues::large ? large_queues : "") << configuration.global
       << "data_path = \"" << folder().path("data") << "\"\n"
       << "pidfile = \"" << folder().path("prosody.pid") << "\"\n"
       << "certificates = \"" << folder().path("certs") << "\"\n"
       << "log = { info = \"" << folder().path("output") << "\" }\n"
       << "c2s_ports = { " << c2s_port() << " }\n"
       << "mqtt_ports = { " << mqtt_port() << " }\n"
       << "mqtt_tls_ports = { " << mqtt_tls_port() << " }\n"
       << "bench_ports = { " << bench_port_.number() << " }\n"
       << hosts << configuration.component;
  return text.str();
}

void Prosody::create_nodes(const std::string& prefix, int count, const std::string& host) const {
  create(host + ' ' + prefix + ' ' + std::to_string(count));
}

void Prosody::create_persisting_nodes(const std::string& prefix, int count, int max_items) const {
  create("pubsub.localhost " + prefix + ' ' + std::to_string(count) + ' ' + std::to_string(max_items));
}

void Prosody::store_nodes(const std::string& prefix, int count, int max_items,
                          const std::string& host) const {
  store("nodes " + host + ' ' + prefix + ' ' + std::to_string(count) + ' ' + std::to_string(max_items));
}

void Prosody::store_items(const std::string& prefix, int count, int items, const std::string& host) const {
  store("items " + host + ' ' + prefix + ' ' + std::to_string(count) + ' ' + std::to_string(items));
}

void Prosody::store(const std::string& what) const {
  end_command(begin_command(bench_port_.number(), "store_" + what), "stored");
}

void Prosody::create(const std::string& what) const {
  end_command(begin_command(bench_port_.number(), "create " + what), "created");
}

tests::FileDescriptor Prosody::begin_publishing(const std::string& host, const std::string& node,
                                                double seconds, Item item) const {
  return begin_command(bench_port_.number(), "publish " + host + ' ' + node + ' ' + std::to_string(seconds) +
                                                 (item == Item::fresh ? " fresh" : " prebuilt"));
}

Prosody::Published Prosody::end_publishing(const tests::FileDescriptor& loop) {
  Published published;
  end_command(loop, "published") >> published.count >> published.seconds;
  return published;
}

}  // namespace pubsub_mqtt::bench
