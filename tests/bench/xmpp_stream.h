// An XMPP client that is cheap: it logs in, and then whoever holds it looks at the bytes. Anonymous, without
// TLS.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "event_loop.h"
#include "socket.h"

namespace pubsub_mqtt::bench {

class XmppStream : public EventLoop::Watcher {
 public:
  // Returns when the client is logged in to "localhost", and available.
  XmppStream(EventLoop& loop, std::uint16_t port);

  // To a node of "pubsub.localhost". Returns when that is done.
  void subscribe(const std::string& node);

  void send(std::string_view xml);

  // From now on all bytes go to `receiver`.
  void set_receiver(std::function<void(std::string_view)> receiver) { receiver_ = std::move(receiver); }

  void handle(std::uint32_t events) final;

 private:
  void log_in();
  // Sends, and waits until `expected` has come.
  void exchange(std::string_view xml, std::string_view expected);
  void flush();

  EventLoop& loop_;
  Socket socket_;
  std::string unsent_;
  std::string received_;  // while there is no receiver
  std::string bare_jid_;
  std::function<void(std::string_view)> receiver_;
};

}  // namespace pubsub_mqtt::bench
