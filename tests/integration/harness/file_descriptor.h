// A file descriptor that is closed with its owner.
#pragma once

#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

namespace pubsub_mqtt::tests {

class FileDescriptor {
 public:
  FileDescriptor() = default;

  // Takes what a system call returned; -1 throws with errno, `call` names the culprit.
  FileDescriptor(int fd, const std::string& call) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), call);
  }
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }

  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace pubsub_mqtt::tests
