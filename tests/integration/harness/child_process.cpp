#include "child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <system_error>

extern "C" {  // glibc 2.36 forgot it
#include <sys/pidfd.h>
}

namespace pubsub_mqtt::tests {
namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// An added variable replaces its namesake.
std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  std::vector<std::string> result = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    const std::string name = variable.substr(0, variable.find('=') + 1);
    bool replaced = false;
    for (const std::string& other : added) replaced = replaced || other.starts_with(name);
    if (!replaced) result.push_back(variable);
  }
  return result;
}

// Runs in the child, between fork and exec: only what signal-safety(7) allows.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(output >= 0 ? output : nothing, STDOUT_FILENO);
  dup2(output >= 0 ? output : nothing, STDERR_FILENO);
  execvpe(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const Command& command) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = merged_environment(command.environment);
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  pid_ = fork();
  if (pid_ == 0) become(argument_pointers.data(), environment_pointers.data(), command.output);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  ended_ = FileDescriptor(pidfd_open(pid_, 0), "pidfd_open");
}

ChildProcess::ChildProcess(pid_t orphan) : pid_(orphan), ended_(pidfd_open(orphan, 0), "pidfd_open") {}

ChildProcess::~ChildProcess() {
  if (status_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void ChildProcess::send_signal(int signal_number) const {
  if (!status_) kill(pid_, signal_number);
}

void ChildProcess::interrupt() const {
  if (status_) return;
  kill(pid_, SIGSTOP);
  siginfo_t ignored;
  waitid(P_PID, static_cast<id_t>(pid_), &ignored, WSTOPPED | WEXITED | WNOWAIT);
  kill(pid_, SIGCONT);
}

std::optional<int> ChildProcess::wait(Clock::time_point until) {
  if (status_) return status_;
  pollfd descriptor{ended_.get(), POLLIN, 0};
  if (poll(&descriptor, 1, milliseconds_until(until)) != 1) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

void reap_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

}  // namespace pubsub_mqtt::tests
