// Prosody's admin shell (mod_admin_shell) over its Unix socket, as `prosodyctl shell` speaks to it.
#pragma once

#include <string>

namespace pubsub_mqtt::tests {

// Runs one line, as typed at the shell's prompt, and returns all that the shell answered. Throws TimedOut,
// and std::runtime_error where the connection breaks first.
std::string run_in_admin_shell(const std::string& socket_path, const std::string& line);

}  // namespace pubsub_mqtt::tests
