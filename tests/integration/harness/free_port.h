// A TCP port that no other test of this machine uses while this object lives, and that nothing listens on.
#pragma once

#include <cstdint>

#include "file_descriptor.h"

namespace pubsub_mqtt::tests {

class FreePort {
 public:
  FreePort();

  std::uint16_t number() const { return number_; }

 private:
  std::uint16_t number_ = 0;
  // A Unix socket in the abstract namespace, named for the port: other tests see that the port is taken, and
  // the kernel forgets it when the test ends.
  FileDescriptor claim_;
};

}  // namespace pubsub_mqtt::tests
