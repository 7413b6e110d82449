// The real mosquitto_pub and mosquitto_sub, as typed in a terminal. (A pipe is none: `stdbuf -oL` has
// mosquitto_sub write its lines as they come.)
#pragma once

#include <string>
#include <vector>

#include "child_process.h"
#include "line_log.h"

namespace pubsub_mqtt::tests {

class MosquittoCommand {
 public:
  explicit MosquittoCommand(std::vector<std::string> arguments);

  LineLog& output() { return output_; }
  // The exit status. Throws TimedOut.
  int wait();

 private:
  struct Pipe {
    Pipe();
    FileDescriptor reading;
    FileDescriptor writing;
  };
  MosquittoCommand(std::vector<std::string> arguments, Pipe pipe);

  ChildProcess process_;
  LineLog output_;
};

}  // namespace pubsub_mqtt::tests
