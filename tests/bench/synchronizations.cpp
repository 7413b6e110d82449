#include "synchronizations.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "file_descriptor.h"
#include "monotonic_time.h"

namespace pubsub_mqtt::bench {

Latencies synchronizations(const std::string& folder) {
  const std::string path = folder + "/synchronized";
  const tests::FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
                                 path.c_str());
  unlink(path.c_str());
  const std::string block(4096, 'x');
  Latencies latencies;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t start = monotonic_time();
    if (write(fd.get(), block.data(), block.size()) < 0 || fdatasync(fd.get()) != 0) {
      throw std::system_error(errno, std::generic_category(), path);
    }
    latencies.add(monotonic_time() - start);
  }
  return latencies;
}

}  // namespace pubsub_mqtt::bench
