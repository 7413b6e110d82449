#include "pubsub_mqtt/net/network.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "loop/event_loop.h"

namespace pubsub_mqtt::net {
namespace {

// Tens of milliseconds of work for the network thread, and a few megabytes.
constexpr std::size_t enough_deliveries = 20000;

// Prosody's signals are Prosody's thread's; a broken pipe is an error code here.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

class Network::Thread {
 public:
  explicit Thread(const Limits& of_clients)
      : limits(of_clients),
        requests_fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        loop(limits, commands, deliveries, requests, log, requests_fd) {}
  ~Thread() { ::close(requests_fd); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void post(Command command) {
    if (commands.post(std::move(command)) && thread.joinable()) loop.wake();
  }

  Limits limits;  // the network thread's own, once it runs
  Mailbox<Command> commands;
  Mailbox<Delivery> deliveries;
  Mailbox<Request> requests;
  Mailbox<LogLine> log;
  int requests_fd;
  EventLoop loop;
  std::thread thread;
};

Network::Network(const Limits& limits) : thread_(std::make_unique<Thread>(limits)) {}

Network::~Network() { stop(); }

bool Network::start(store::Store* store, store::Contents&& contents) {
  if (thread_->requests_fd < 0 || !thread_->loop.init()) return false;
  if (store != nullptr) thread_->loop.keep(*store, std::move(contents));
  const BlockedSignals blocked;
  try {
    thread_->thread = std::thread([loop = &thread_->loop] { loop->run(); });
  } catch (const std::system_error&) {
    return false;
  }
  thread_->loop.wake();
  return true;
}

void Network::wake() { thread_->loop.wake(); }

bool Network::listen(ListenerId listener, int fd, std::shared_ptr<const TlsContexts> tls) {
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) return false;
  thread_->post(Listen{.listener = listener, .socket = FileDescriptor(duplicate), .tls = std::move(tls)});
  return true;
}

void Network::set_limits(const Limits& limits) { thread_->post(SetLimits{limits}); }

void Network::set_access(Access access) {
  thread_->post(SetAccess{std::make_shared<const Access>(std::move(access))});
}

void Network::set_tls(ListenerId listener, std::shared_ptr<const TlsContexts> tls) {
  thread_->post(SetTls{.listener = listener, .tls = std::move(tls)});
}

void Network::close_listener(ListenerId listener) {
  if (!thread_->thread.joinable()) return;
  CloseListener command{.listener = listener, .closed = {}};
  auto closed = command.closed.get_future();
  thread_->post(std::move(command));
  closed.wait();
}

std::vector<session::ClientView> Network::clients() {
  if (!thread_->thread.joinable()) return {};
  ListClients command;
  auto clients = command.clients.get_future();
  thread_->post(std::move(command));
  return clients.get();
}

Metrics Network::metrics() {
  if (!thread_->thread.joinable()) return {};
  TakeMetrics command;
  auto metrics = command.metrics.get_future();
  thread_->post(std::move(command));
  return metrics.get();
}

void Network::send_wills() {
  if (!thread_->thread.joinable()) return;
  SendWills command;
  auto sent = command.sent.get_future();
  thread_->post(std::move(command));
  sent.wait();
}

void Network::post(std::vector<Delivery>& deliveries) {
  if (thread_->deliveries.post(deliveries) && thread_->thread.joinable()) thread_->loop.wake();
}

bool Network::is_behind() const { return thread_->deliveries.size() > enough_deliveries; }

int Network::requests_fd() const { return thread_->requests_fd; }

void Network::set_requests_fd(bool readable) {
  if (readable) {
    eventfd_write(thread_->requests_fd, 1);
  } else {
    eventfd_t value = 0;
    eventfd_read(thread_->requests_fd, &value);
  }
}

void Network::take_requests(std::vector<Request>& into) { thread_->requests.take(into); }

void Network::take_log(std::vector<LogLine>& into) { thread_->log.take(into); }

void Network::stop() {
  if (!thread_->thread.joinable()) return;
  thread_->post(Stop{});
  thread_->thread.join();
}

}  // namespace pubsub_mqtt::net
