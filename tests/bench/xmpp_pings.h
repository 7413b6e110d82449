// Pings Prosody over XMPP (XEP-0199) a hundred times a second, whether or not it has answered.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "latencies.h"
#include "xmpp_stream.h"

namespace pubsub_mqtt::bench {

class XmppPings {
 public:
  XmppPings(EventLoop& loop, std::uint16_t port);

  // To be called at every turn.
  void send_when_due();

  bool all_answered() const { return sent_at_.empty(); }
  const Latencies& latencies() const { return latencies_; }

 private:
  void receive(std::string_view bytes);
  void check(std::string_view stanza);

  XmppStream stream_;
  std::string text_;  // of a stanza that is not whole yet
  std::uint64_t due_;
  std::uint32_t answered_ = 0;
  std::deque<std::uint64_t> sent_at_;  // of the pings that are not answered yet
  Latencies latencies_;
};

}  // namespace pubsub_mqtt::bench
