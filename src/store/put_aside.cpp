#include "put_aside.h"

#include <chrono>
#include <cstdio>

namespace pubsub_mqtt::store {

// The write-ahead log holds what the database does not, and would be taken for that of the new one.
std::string put_aside(const std::string& path) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string aside =
      path + ".damaged-" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  for (const char* suffix : {"-wal", "-shm", ""}) {
    std::rename((path + suffix).c_str(), (aside + suffix).c_str());
  }
  return aside;
}

}  // namespace pubsub_mqtt::store
