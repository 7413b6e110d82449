// What others notice of a load: how long a new client waits from its CONNECT to its PINGRESP, and how long an XMPP
// ping takes (see XmppPings). New clients come one after the other.
#pragma once

#include <cstdint>
#include <memory>

#include "latencies.h"
#include "mqtt_client.h"
#include "xmpp_pings.h"

namespace pubsub_mqtt::bench {

class Service {
 public:
  Service(EventLoop& loop, std::uint16_t mqtt_port, std::uint16_t c2s_port);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // To be called at every turn.
  void look();
  // No ping, and no client, waits for an answer.
  bool all_answered() const;

  const Latencies& newcomers() const { return newcomers_; }
  const Latencies& pings() const { return pings_.latencies(); }

 private:
  class Newcomer;

  EventLoop& loop_;
  std::uint16_t mqtt_port_;
  XmppPings pings_;
  std::unique_ptr<Newcomer> newcomer_;
  std::uint64_t came_at_ = 0;
  Latencies newcomers_;
};

}  // namespace pubsub_mqtt::bench
