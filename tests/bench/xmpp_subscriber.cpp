#include "xmpp_subscriber.h"

#include <algorithm>

#include "monotonic_time.h"
#include "payload.h"

namespace pubsub_mqtt::bench {

XmppSubscriber::XmppSubscriber(EventLoop& loop, std::uint16_t port, const std::string& node)
    : stream_(loop, port) {
  stream_.subscribe(node);
  stream_.set_receiver([this](std::string_view bytes) { receive(bytes); });
}

void XmppSubscriber::start(Stamps stamps) {
  stamps_ = stamps;
  received_ = 0;
  latencies_ = {};
  failure_.clear();
}

// Each item has one payload, and each payload has the mark.
void XmppSubscriber::receive(std::string_view bytes) {
  constexpr std::size_t stamped = payload_mark.size() + stamp_size;
  const std::uint64_t now = monotonic_time();
  text_.append(bytes);
  std::size_t done = 0;
  while (true) {
    const std::size_t mark = text_.find(payload_mark, done);
    if (mark == text_.npos || text_.size() - mark < stamped) break;
    count(std::string_view(text_).substr(mark + payload_mark.size(), stamp_size), now);
    done = mark + stamped;
  }
  const std::size_t kept = std::min(text_.size() - done, stamped - 1);
  text_.erase(0, text_.size() - kept);
}

void XmppSubscriber::count(std::string_view stamp, std::uint64_t now) {
  if (stamps_ == Stamps::checked) {
    const auto [sequence, time] = read_stamp(stamp.data());
    latencies_.add(now - time);
    if (sequence != received_ && failure_.empty()) {
      failure_ = "item " + std::to_string(sequence) + " came over XMPP where " + std::to_string(received_) +
                 " was due";
    }
  }
  ++received_;
}

}  // namespace pubsub_mqtt::bench
