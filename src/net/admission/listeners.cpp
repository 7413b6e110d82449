#include "admission/listeners.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "admission/address_ranges.h"

namespace pubsub_mqtt::net {
namespace {

// Prosody listens with 128; a thousand devices that come back after a power cut need more.
constexpr int backlog = 1024;

// Clients that are let in before those that are in already are looked at.
constexpr int accepted_at_once = 100;

// In a PollSet's name for a socket: it is a listener's, not a connection's.
constexpr std::uint64_t listener_bit = 1ULL << 63U;

FileDescriptor spare_descriptor() { return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Closes it so that the kernel need not remember it, whatever the client does.
void reset(const FileDescriptor& socket) {
  const linger none{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

// Descriptors from here on are left to Prosody, which cannot serve XMPP or write a file without.
int first_reserved_descriptor() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1000000) return 1000000;
  const auto all = static_cast<int>(limit.rlim_cur);
  return all - std::max(64, all / 10);
}

}  // namespace

Listeners::Listeners(const Limits& limits, const std::shared_ptr<const Access>& access, PollSet& poll_set,
                     std::vector<LogLine>& log, OnClient on_client)
    : access_(access),
      poll_set_(poll_set),
      log_(log),
      on_client_(std::move(on_client)),
      admission_(limits, log),
      spare_(spare_descriptor()),
      last_descriptor_(first_reserved_descriptor()) {}

void Listeners::listen(ListenerId id, FileDescriptor socket, std::shared_ptr<const TlsContexts> tls) {
  const int fd = socket.get();
  const auto added =
      listeners_.emplace(id, Listener{.socket = std::move(socket), .tls = std::move(tls)}).first;
  // What is sent has been gathered already. Connections inherit it.
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && ::listen(fd, backlog) == 0 &&
      poll_set_.watch(fd, listener_bit | id, 0, EPOLLIN)) {
    return;
  }
  const int error = errno;
  listeners_.erase(added);
  log_.emplace_back(LogLine{.level = LogLevel::error,
                            .text = std::string("cannot accept MQTT connections: ") + std::strerror(error)});
}

void Listeners::set_tls(ListenerId id, std::shared_ptr<const TlsContexts> tls) {
  const auto found = listeners_.find(id);
  if (found != listeners_.end()) found->second.tls = std::move(tls);
}

// Prosody's socket is open still: ours must leave the set, not only be closed.
void Listeners::close(ListenerId id) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  poll_set_.watch(found->second.socket.get(), 0, EPOLLIN, 0);
  listeners_.erase(found);
}

void Listeners::close_all() {
  while (!listeners_.empty()) close(listeners_.begin()->first);
}

bool Listeners::is_listener(std::uint64_t name) { return (name & listener_bit) != 0; }

void Listeners::accept(std::uint64_t name, Time now) {
  const auto found = listeners_.find(name & ~listener_bit);
  if (found == listeners_.end()) return;
  const Listener& listener = found->second;
  for (int i = 0; i < accepted_at_once; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileDescriptor socket(accept4(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() >= 0) {
      admit(listener, std::move(socket), RemoteAddress(address), now);
    } else if (errno == EMFILE || errno == ENFILE) {
      return refuse_one(listener);
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return;
    }
  }
}

void Listeners::admit(const Listener& listener, FileDescriptor socket, const RemoteAddress& from, Time now) {
  if (socket.get() >= last_descriptor_) {
    reset(socket);
    return warn_of_descriptors();
  }
  const bool is_proxy = contains(access_->proxies, from) || contains(access_->trusted_proxies, from);
  auto place = is_proxy ? admission_.admit_proxy(now) : admission_.admit(from, now);
  if (!place) return reset(socket);
  on_client_({.socket = std::move(socket), .from = from, .place = *std::move(place), .tls = listener.tls});
}

// Without a descriptor for it, a client would knock for ever.
void Listeners::refuse_one(const Listener& listener) {
  spare_.reset();
  FileDescriptor(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  spare_ = spare_descriptor();
  warn_of_descriptors();
}

void Listeners::warn_of_descriptors() {
  admission_.had_no_descriptor();
  if (std::exchange(warned_of_descriptors_, true)) return;
  log_.emplace_back(LogLine{
      .level = LogLevel::warn,
      .text = "MQTT connections are refused: Prosody needs the file descriptors that are left. Raise the "
              "limit on open files (ulimit -n, LimitNOFILE)"});
}

}  // namespace pubsub_mqtt::net
