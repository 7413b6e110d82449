// Subscribes to a node over XMPP, and counts the payloads that come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "latencies.h"
#include "xmpp_stream.h"

namespace pubsub_mqtt::bench {

class XmppSubscriber {
 public:
  XmppSubscriber(EventLoop& loop, std::uint16_t port, const std::string& node);

  // Begins to count anew. With stamps, each message is checked to be the next, and its latency taken.
  enum class Stamps { checked, ignored };
  void start(Stamps stamps);

  std::uint32_t received() const { return received_; }
  const Latencies& latencies() const { return latencies_; }
  // What was wrong first; empty: nothing.
  const std::string& failure() const { return failure_; }

 private:
  void receive(std::string_view bytes);
  void count(std::string_view stamp, std::uint64_t now);

  XmppStream stream_;
  std::string text_;  // not looked at yet
  Stamps stamps_ = Stamps::ignored;
  std::uint32_t received_ = 0;
  Latencies latencies_;
  std::string failure_;
};

}  // namespace pubsub_mqtt::bench
