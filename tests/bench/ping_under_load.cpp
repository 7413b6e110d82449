#include "ping_under_load.h"

#include "monotonic_time.h"
#include "xmpp_pings.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::chrono::milliseconds turn_time{1};

}  // namespace

Sample ping_under_load(const Prosody& prosody, EventLoop& loop, double duration,
                       const std::function<void(double)>& load) {
  XmppPings pings(loop, prosody.c2s_port());
  const std::uint64_t start = monotonic_time();
  for (double elapsed = 0; elapsed < duration; elapsed = seconds(monotonic_time() - start)) {
    load(elapsed);
    pings.send_when_due();
    loop.turn(turn_time);
  }
  loop.run_until([&] { return pings.all_answered(); }, "the answer to a ping");
  return {.value = static_cast<double>(pings.latencies().percentile(0.99)) / 1e6,
          .latencies = pings.latencies(),
          .resident_bytes = prosody.peak_resident_bytes()};
}

Sample ping_at_rest(const Prosody& prosody, double duration) {
  EventLoop loop;
  return ping_under_load(prosody, loop, duration, [](double) {});
}

}  // namespace pubsub_mqtt::bench
