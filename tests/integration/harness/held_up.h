// Prosody's thread does nothing while a test prepares what it is to find.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <future>
#include <string>
#include <system_error>

#include "prosody.h"

namespace pubsub_mqtt::tests {

// Holds Prosody's thread from its construction to its destruction: a line in the admin shell that reads from
// a FIFO.
class HeldUp {
 public:
  explicit HeldUp(const Prosody& prosody) : gate_(prosody.folder().path("gate")) {
    if (mkfifo(gate_.c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), "mkfifo");
    shell_ = std::async(std::launch::async,
                        [this, &prosody] { prosody.shell(">io.open(\"" + gate_ + "\"):read(\"a\")"); });
    writer_.open(gate_);  // returns when the line is being run
  }
  ~HeldUp() {
    writer_.close();
    shell_.wait();
  }
  HeldUp(const HeldUp&) = delete;
  HeldUp& operator=(const HeldUp&) = delete;

 private:
  std::string gate_;
  std::ofstream writer_;
  std::future<void> shell_;
};

}  // namespace pubsub_mqtt::tests
