// The network thread: one libuv loop that owns sockets, TLS and sessions.
//
// Everything here is called on Prosody's thread. It hands values over and returns at once, but for close_listener(),
// clients(), client(), metrics(), send_wills() and stop(), which wait for the network thread; the network thread waits
// for nobody. Requests wake Prosody's thread through requests_fd().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/net/access.h"
#include "pubsub_mqtt/net/metrics.h"
#include "pubsub_mqtt/net/tls_context.h"
#include "pubsub_mqtt/session/client_view.h"
#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::net {

using ListenerId = std::uint64_t;

// A store that is open, and the items in it. They outlive the network thread.
struct Storage {
  store::Store& store;
  store::Items& items;
};

class Network {
 public:
  explicit Network(const Limits& limits);
  // Stops, if that was not done.
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Starts the thread: after a fork, not before, and before anything below. `storage`: where items go that go past
  // pubsub, and, with `contents`, what sessions have to keep. Those that these hold begin again: what they ask for is
  // in take_requests(). False: the system gave no thread or no loop.
  bool start(std::optional<Storage> storage = std::nullopt,
             std::optional<store::Contents>&& contents = std::nullopt);

  // The store has something new. Any thread, between start() and stop().
  void wake();

  // Accepts connections on a duplicate of `fd`, a socket that listens already and stays the caller's. With
  // `tls`, connections speak TLS with its contexts. `listener` is a number of the caller's choice, used once.
  // False: no descriptor is left; errno tells.
  bool listen(ListenerId listener, int fd, std::shared_ptr<const TlsContexts> tls);

  // Those of a reload, also for the clients that are connected.
  void set_limits(const Limits& limits);

  // For connections that come from now on.
  void set_access(Access access);

  // New certificates for connections that come from now on.
  void set_tls(ListenerId listener, std::shared_ptr<const TlsContexts> tls);

  // Returns when the duplicate is closed, so that the port can be bound again. Connections stay.
  void close_listener(ListenerId listener);

  // For the administrator: see session::Sessions. These three throw what the network thread had no memory for.
  session::ClientPage clients(session::ClientQuery query);
  std::optional<session::ClientDetails> client(SessionId session, std::size_t most_filters);

  // All zero where the thread does not run.
  Metrics metrics();

  // Returns when the wills of all connected clients are in take_requests(), retained ones first. They have
  // none any more.
  void send_wills();

  // Takes the batch; leaves it empty.
  void post(std::vector<Delivery>& deliveries);
  // Whether more deliveries wait than the network thread needs to be busy: whoever can post later should, since what
  // waits has no other limit.
  bool is_behind() const;

  // Readable (level-triggered) when requests wait: an eventfd, owned by this.
  int requests_fd() const;
  // Makes it readable, or not, by hand: for a caller that stops before all is done.
  void set_requests_fd(bool readable);
  // Moves what waits into `into`, which must be empty.
  void take_requests(std::vector<Request>& into);
  // The same for lines of the log. They wake Prosody's thread as requests do; those for a debugger's eyes wait up to
  // 50 ms for each other, and of a flood of lines most are left out, and counted.
  void take_log(std::vector<LogLine>& into);

  // Closes all listeners and connections, then joins the thread. What clients asked before is in
  // take_requests().
  void stop();

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pubsub_mqtt::net
