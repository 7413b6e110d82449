// A Prosody of the test's own: a folder, a configuration, free ports, a process, and nothing left of them
// afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "certificates.h"
#include "child_process.h"
#include "free_port.h"
#include "line_log.h"

namespace pubsub_mqtt::tests {

// Lua text for prosody.cfg.lua, each part added to what the harness writes there.
struct Configuration {
  std::string global = {};
  std::string virtual_host =
      {};  // of "localhost", with the accounts "admin" (an admin), "juliet" and "romeo"
  // of "pubsub.localhost"
  std::string component = R"(
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true
    autocreate_on_subscribe = true)";
  std::string more_hosts = {};
};

// The password of every account.
inline constexpr const char* account_password = "secret";

// Where the module under test is: as tests/run says, or of this build.
std::string modules_folder();

class Prosody {
 public:
  Prosody();

  // Stops Prosody where it runs. Then a test fails for an exit status other than 0, a sanitizer's report, and
  // a Lua traceback in the log; where it has failed, it shows the log.
  ~Prosody();
  Prosody(const Prosody&) = delete;
  Prosody& operator=(const Prosody&) = delete;

  enum class Mode { foreground, daemon };

  // Returns when Prosody serves.
  void start(const Configuration& configuration = {}, Mode mode = Mode::foreground);

  // Runs prosodyctl with the configuration of the last start; returns its exit status; see ChildProcess::wait().
  std::optional<int> prosodyctl(std::vector<std::string> arguments) const;
  // What the last one has said.
  std::string said_by_prosodyctl() const;

  // New configuration, SIGHUP; returns when Prosody has done with it.
  void reload(const Configuration& configuration);

  struct Stopped {
    int status;
    std::chrono::steady_clock::duration duration;
  };
  Stopped stop();
  // It stops by itself: a signal while it closes its libraries would kill it.
  Stopped wait_for_end();

  // A line of the admin shell, and its answer.
  std::string shell(const std::string& line) const;
  // Prosody 0.12, which does some of what 13 does in another way, or not at all.
  bool is_0_12() const;
  void send_signal(int signal_number) const { process_->send_signal(signal_number); }

  LineLog& log() { return *log_; }

  // Returns when log() holds all that Prosody has logged until now.
  void wait_for_log();
  pid_t pid() const { return process_->pid(); }
  std::size_t resident_bytes() const;

  std::uint16_t mqtt_port() const { return mqtt_port_.number(); }
  std::uint16_t mqtt_tls_port() const { return mqtt_tls_port_.number(); }
  std::uint16_t c2s_port() const { return c2s_port_.number(); }

  const TemporaryFolder& folder() const { return folder_; }

  // Writes a certificate and a key to where Prosody looks for those of `host`, signed by the authority in
  // ca_file(). Done for "localhost" and "pubsub.localhost".
  void make_certificate(const std::string& host);
  const Identity& authority() const { return authority_; }
  std::string ca_file() const { return folder_.path("ca.pem"); }

  // Where the module is looked for; the build's own, unless a test needs another.
  void set_plugin_path(const std::string& path) { plugin_path_ = path; }

 private:
  void write_configuration(const Configuration& configuration) const;
  void write_accounts() const;
  void check_for_reports();

  TemporaryFolder folder_;
  FreePort mqtt_port_;
  FreePort mqtt_tls_port_;
  FreePort c2s_port_;
  Identity authority_;
  std::string plugin_path_;
  std::unique_ptr<LineLog> log_;
  std::unique_ptr<ChildProcess> process_;
  int log_marks_ = 0;
};

}  // namespace pubsub_mqtt::tests
