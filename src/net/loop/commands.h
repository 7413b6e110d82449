// What Prosody's thread asks of the network thread, other than deliveries. Plain values.
#pragma once

#include <future>
#include <memory>
#include <variant>
#include <vector>

#include "loop/file_descriptor.h"
#include "pubsub_mqtt/net/access.h"
#include "pubsub_mqtt/net/network.h"
#include "pubsub_mqtt/net/tls_context.h"
#include "pubsub_mqtt/session/client_view.h"

namespace pubsub_mqtt::net {

struct Listen {
  ListenerId listener = 0;
  FileDescriptor socket;
  std::shared_ptr<const TlsContexts> tls;
};
// Those of a reload.
struct SetLimits {
  Limits limits;
};
struct SetAccess {
  std::shared_ptr<const Access> access;
};
struct SetTls {
  ListenerId listener = 0;
  std::shared_ptr<const TlsContexts> tls;
};
struct CloseListener {
  ListenerId listener = 0;
  std::promise<void> closed;
};
struct ListClients {
  std::promise<std::vector<session::ClientView>> clients;
};
struct TakeMetrics {
  std::promise<Metrics> metrics;
};
struct SendWills {
  std::promise<void> sent;
};
struct Stop {};
using Command = std::variant<Listen, SetLimits, SetAccess, SetTls, CloseListener, ListClients, TakeMetrics,
                             SendWills, Stop>;

}  // namespace pubsub_mqtt::net
