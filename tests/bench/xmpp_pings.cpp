#include "xmpp_pings.h"

#include <stdexcept>

#include "monotonic_time.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint64_t interval = 10'000'000;  // nanoseconds

std::string identifier(std::size_t number) { return "id='ping" + std::to_string(number) + "'"; }

}  // namespace

XmppPings::XmppPings(EventLoop& loop, std::uint16_t port) : stream_(loop, port), due_(monotonic_time()) {
  stream_.set_receiver([this](std::string_view bytes) { receive(bytes); });
}

void XmppPings::send_when_due() {
  const std::uint64_t now = monotonic_time();
  if (now < due_) return;
  due_ = now + interval;
  const std::string stanza = "<iq type='get' to='localhost' " + identifier(answered_ + sent_at_.size()) +
                             "><ping xmlns='urn:xmpp:ping'/></iq>";
  sent_at_.push_back(now);
  stream_.send(stanza);
}

// The answers are empty elements.
void XmppPings::receive(std::string_view bytes) {
  text_.append(bytes);
  for (std::size_t end = text_.find("/>"); end != text_.npos; end = text_.find("/>")) {
    check(std::string_view(text_).substr(0, end));
    text_.erase(0, end + 2);
  }
}

// Prosody answers in order.
void XmppPings::check(std::string_view stanza) {
  if (sent_at_.empty() || stanza.find(identifier(answered_)) == stanza.npos ||
      stanza.find("type='result'") == stanza.npos) {
    throw std::runtime_error("not the answer to a ping: " + std::string(stanza));
  }
  latencies_.add(monotonic_time() - sent_at_.front());
  sent_at_.pop_front();
  ++answered_;
}

}  // namespace pubsub_mqtt::bench
