#include "mosquitto_command.h"

#include <fcntl.h>

#include <array>

namespace pubsub_mqtt::tests {

MosquittoCommand::Pipe::Pipe() {
  std::array<int, 2> ends{};
  const int result = pipe2(ends.data(), O_CLOEXEC);
  reading = FileDescriptor(result == 0 ? ends[0] : -1, "pipe2");
  writing = FileDescriptor(ends[1], "pipe2");
}

MosquittoCommand::MosquittoCommand(std::vector<std::string> arguments)
    : MosquittoCommand(std::move(arguments), Pipe()) {}

MosquittoCommand::MosquittoCommand(std::vector<std::string> arguments, Pipe pipe)
    : process_(ChildProcess::Command{.arguments = std::move(arguments), .output = pipe.writing.get()}),
      output_(std::move(pipe.reading)) {}

int MosquittoCommand::wait() {
  const std::optional<int> status = process_.wait();
  if (!status) throw TimedOut("a mosquitto command to end");
  return *status;
}

}  // namespace pubsub_mqtt::tests
