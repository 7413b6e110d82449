#include "lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace pubsub_mqtt::store {

void Lock::release() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

// A lock on the database itself would be lost, or take SQLite's with it, when either is closed (POSIX).
Lock::Taken Lock::take(const std::string& path) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open((path + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) return Taken::failed;
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return Taken::yes;
  return errno == EWOULDBLOCK ? Taken::by_another : Taken::failed;
}

bool Lock::reserve(std::size_t bytes) {
  return fd_ < 0 || ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes)) == 0;
}

void Lock::free_reserve() {
  while (::ftruncate(fd_, 0) != 0 && errno == EINTR) continue;
}

}  // namespace pubsub_mqtt::store
