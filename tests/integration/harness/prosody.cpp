#include "prosody.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>

#include "admin_shell.h"
#include "sanitized.h"

namespace pubsub_mqtt::tests {
namespace {

std::vector<std::string> prosody_command() {
  const char* configured = std::getenv("PROSODY");
  std::istringstream words(configured != nullptr ? configured : "prosody");
  std::vector<std::string> command;
  for (std::string word; words >> word;) command.push_back(word);
  return command;
}

// The module may have a sanitizer, the Lua that loads it has none: so the runtime comes first. Reports go
// to files in the folder, since a daemon has no standard error. Lua's state is closed at exit, so what leaks
// then is lost for good.
std::vector<std::string> sanitizer_environment(const std::string& report_path) {
  if (!sanitized) return {};
  std::vector<std::string> environment{"LD_PRELOAD=" + std::string(std::getenv(sanitizer_variable)) +
                                       ":" PUBSUB_MQTT_KEEP_LIBRARIES_LOADED};
  for (const char* name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const char* own = std::getenv(name);
    environment.push_back(std::string(name) + "=" + (own != nullptr ? own : "") + ":log_path=" + report_path +
                          ":print_stacktrace=1");
  }
  return environment;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::string modules_folder() {
  const char* configured = std::getenv("PUBSUB_MQTT_MODULES");
  return configured != nullptr ? configured : PUBSUB_MQTT_MODULES;
}

Prosody::Prosody()
    : authority_(make_identity({.name = "pubsub_mqtt tests", .authority = true})),
      plugin_path_(modules_folder()) {
  std::filesystem::create_directory(folder_.path("certs"));
  std::filesystem::create_directories(folder_.path("data/localhost/accounts"));
  folder_.write("ca.pem", pem(authority_.certificate));
  make_certificate("localhost");
  make_certificate("pubsub.localhost");
  write_accounts();
}

Prosody::~Prosody() {
  if (process_) {
    try {
      EXPECT_EQ(stop().status, 0) << "Prosody's exit status";
    } catch (const TimedOut& what) {
      ADD_FAILURE() << what.what();
    }
  }
  check_for_reports();
  if (log_ && (testing::Test::HasFailure() || std::uncaught_exceptions() > 0)) {
    const std::vector<std::string> lines = log_->lines();
    constexpr std::size_t shown = 150;
    std::cerr << "--- Prosody's log" << (lines.size() > shown ? ", the last lines" : "") << '\n';
    for (std::size_t i = lines.size() > shown ? lines.size() - shown : 0; i < lines.size(); ++i) {
      std::cerr << lines[i] << '\n';
    }
    std::cerr << "---\n";
  }
}

void Prosody::start(const Configuration& configuration, Mode mode) {
  write_configuration(configuration);

  // Prosody logs to a FIFO that is its standard output, too: one stream, in order, with an end.
  const std::string path = folder_.path("log");
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), "mkfifo");
  }
  FileDescriptor source(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open " + path);
  FileDescriptor output(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open " + path);
  log_ = std::make_unique<LineLog>(std::move(source));

  std::vector<std::string> arguments = prosody_command();
  arguments.insert(arguments.end(),
                   {mode == Mode::daemon ? "-D" : "-F", "--config", folder_.path("prosody.cfg.lua")});
  if (mode == Mode::daemon) reap_orphans();
  process_ = std::make_unique<ChildProcess>(ChildProcess::Command{
      .arguments = arguments,
      .environment = sanitizer_environment(folder_.path("sanitizer")),
      .output = output.get(),
  });
  output.reset();

  if (mode == Mode::daemon) {
    const std::string line = log_->wait_for("Successfully daemonized to PID");
    EXPECT_EQ(process_->wait(), 0) << "the process that started the daemon";
    process_ = std::make_unique<ChildProcess>(pid_t{std::stoi(line.substr(line.rfind(' ')))});
  }
  log_->wait_for("Prosody serves");
}

std::optional<int> Prosody::prosodyctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"prosodyctl", "--config", folder_.path("prosody.cfg.lua")});
  const std::string path = folder_.path("prosodyctl.output");
  const FileDescriptor output(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
                              "open " + path);
  ChildProcess process({.arguments = std::move(arguments),
                        .environment = sanitizer_environment(folder_.path("sanitizer")),
                        .output = output.get()});
  return process.wait();
}

std::string Prosody::said_by_prosodyctl() const { return content_of(folder_.path("prosodyctl.output")); }

void Prosody::reload(const Configuration& configuration) {
  write_configuration(configuration);
  const std::size_t mark = log_->size();
  process_->send_signal(SIGHUP);
  shell("server:uptime()");  // an event: see stop()
  log_->wait_for("Reloading configuration file", mark);
  wait_for_log();  // the reload is done in one go, so the shell answers after it
}

Prosody::Stopped Prosody::stop() {
  process_->send_signal(SIGTERM);
  return wait_for_end();
}

Prosody::Stopped Prosody::wait_for_end() {
  const auto start = Clock::now();
  // Prosody looks for signals before it waits for events: one that comes in between leaves it waiting, for a
  // day.
  if (!process_->wait(start + std::chrono::seconds(2))) process_->interrupt();
  const std::optional<int> status = process_->wait();
  const auto duration = Clock::now() - start;
  process_.reset();  // kills it, if it has not ended
  if (!status) throw TimedOut("Prosody did not stop");
  log_->wait_for_end();
  return {*status, duration};
}

std::string Prosody::shell(const std::string& line) const {
  return run_in_admin_shell(folder_.path("data/prosody.sock"), line);
}

bool Prosody::is_0_12() const { return shell(">prosody.version").find("0.12.") != std::string::npos; }

void Prosody::wait_for_log() {
  const std::string mark = "log mark " + std::to_string(++log_marks_);
  shell(">prosody.log(\"info\", \"" + mark + "\")");
  log_->wait_for("general\tinfo\t" + mark);
}

std::size_t Prosody::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid()) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void Prosody::make_certificate(const std::string& host) {
  const Identity identity = make_identity({.name = host, .issuer = &authority_});
  folder_.write("certs/" + host + ".crt", pem(identity.certificate));
  folder_.write("certs/" + host + ".key", pem(identity.key));
}

void Prosody::write_configuration(const Configuration& configuration) const {
  std::ostringstream text;
  text << "run_as_root = true\n"
       << "data_path = " << quoted(folder_.path("data")) << '\n'
       << "pidfile = " << quoted(folder_.path("data/prosody.pid")) << '\n'
       << "certificates = " << quoted(folder_.path("certs")) << '\n'
       << "plugin_paths = { " << quoted(plugin_path_) << ", " << quoted(PUBSUB_MQTT_HARNESS_MODULES) << " }\n"
       << "log = { { to = \"file\", filename = " << quoted(folder_.path("log"))
       << ", levels = { min = \"debug\" }, timestamps = \"%H:%M:%S\" } }\n"
       << "modules_enabled = { \"roster\", \"saslauth\", \"disco\", \"ping\", \"admin_shell\", "
          "\"harness_ready\" }\n"
       << "modules_disabled = { \"s2s\", \"s2s_auth_certs\" }\n"
       << "authentication = \"internal_plain\"\n"
       << "c2s_require_encryption = false\n"
       << "allow_unencrypted_plain_auth = true\n"
       << "c2s_ports = { " << c2s_port() << " }\n"
       << "c2s_interfaces = { \"127.0.0.1\" }\n"
       << "c2s_direct_tls_ports = {}\n"
       << "mqtt_ports = { " << mqtt_port() << " }\n"
       << "mqtt_tls_ports = { " << mqtt_tls_port() << " }\n"
       << "mqtt_tls_interfaces = { \"127.0.0.1\" }\n"
       << "admins = { \"admin@localhost\" }\n"
       << configuration.global << "\nVirtualHost \"localhost\"\n"
       << configuration.virtual_host << "\nComponent \"pubsub.localhost\" \"pubsub\"\n"
       << configuration.component << '\n'
       << configuration.more_hosts << '\n';
  folder_.write("prosody.cfg.lua", text.str());
}

void Prosody::write_accounts() const {
  for (const char* name : {"admin", "juliet", "romeo"}) {
    folder_.write(std::string("data/localhost/accounts/") + name + ".dat",
                  std::string("return { password = ") + quoted(account_password) + " };\n");
  }
}

void Prosody::check_for_reports() {
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path(""))) {
    if (entry.path().filename().string().starts_with("sanitizer.")) ADD_FAILURE() << content_of(entry.path());
  }
  EXPECT_EQ(log_ ? log_->count("traceback") : 0, 0U) << "a Lua error in Prosody's log";
}

}  // namespace pubsub_mqtt::tests
