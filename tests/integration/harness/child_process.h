// A child process that does not outlive the test, however the test ends.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "file_descriptor.h"
#include "patience.h"

namespace pubsub_mqtt::tests {

class ChildProcess {
 public:
  struct Command {
    std::vector<std::string> arguments = {};    // the first is looked up in PATH
    std::vector<std::string> environment = {};  // NAME=value, in addition to the test's own
    int output = -1;                            // becomes standard output and standard error
  };

  explicit ChildProcess(const Command& command);

  // Takes care of a process that a child has left behind, a daemon. The test must be its reaper: see
  // reap_orphans().
  explicit ChildProcess(pid_t orphan);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void send_signal(int signal_number) const;

  // Ends a wait of the process for events, with EINTR: it is stopped and continued (signal(7)).
  void interrupt() const;

  // The exit status; 128 and the signal's number for a process that died of one; nothing if it did not end in
  // time.
  std::optional<int> wait(Clock::time_point until = deadline());

 private:
  pid_t pid_ = -1;
  FileDescriptor ended_;  // a pidfd
  std::optional<int> status_;
};

// From now on processes whose parent has gone become children of the test.
void reap_orphans();

}  // namespace pubsub_mqtt::tests
