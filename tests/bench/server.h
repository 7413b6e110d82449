// A server under test: a process of the bench's own, in a folder of its own, with free ports.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "certificates.h"
#include "child_process.h"
#include "free_port.h"

namespace pubsub_mqtt::bench {

class Server {
 public:
  virtual ~Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t mqtt_port() const { return mqtt_port_.number(); }
  std::uint16_t mqtt_tls_port() const { return mqtt_tls_port_.number(); }

  // Of the server's process, in bytes: now, and the most there was since it started.
  std::size_t resident_bytes() const;
  std::size_t peak_resident_bytes() const;
  // The processor's time that it has used, in steps of 10 ms.
  double processor_seconds() const;
  // That it has given to the file system to write: proc(5), write_bytes.
  std::size_t written_bytes() const;

  // A file of its own folder.
  std::string path(const std::string& name) const { return folder_.path(name); }

  // Asks it to end, and waits for that. Then start_again(), which returns when it accepts connections again.
  void stop();
  void start_again();

 protected:
  // With a certificate and a key for `host` in the folder "certs".
  explicit Server(const std::string& host);

  const tests::TemporaryFolder& folder() const { return folder_; }

  // Returns when it accepts connections on `port`. Throws std::runtime_error with what it wrote where it does
  // not.
  void start(const std::vector<std::string>& command, std::uint16_t port);

 private:
  std::string process_file(const std::string& name) const;
  std::size_t number_of(const std::string& file, const std::string& field) const;

  tests::TemporaryFolder folder_;
  tests::FreePort mqtt_port_;
  tests::FreePort mqtt_tls_port_;
  std::vector<std::string> command_;
  std::uint16_t accepts_on_ = 0;
  std::unique_ptr<tests::ChildProcess> process_;
};

}  // namespace pubsub_mqtt::bench
