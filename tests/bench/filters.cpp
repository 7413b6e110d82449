#include "filters.h"

#include <algorithm>
#include <string>

#include "prosody.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t filters_a_packet = 100;

}  // namespace

void subscribe_to_others(EventLoop& loop, const IdleClients& clients, std::size_t count) {
  const auto all_subscribed = [&] {
    return std::all_of(clients.begin(), clients.end(),
                       [](const auto& client) { return client->subscribed(); });
  };
  std::size_t number = 0;
  while (number < count) {
    for (const auto& client : clients) {
      std::vector<std::string> topic_filters;
      while (topic_filters.size() <
                 std::min(filters_a_packet, (count + clients.size() - 1) / clients.size()) &&
             number < count) {
        topic_filters.push_back(topic_of("other" + std::to_string(number++)));
      }
      if (!topic_filters.empty()) client->subscribe(topic_filters, mqtt::QoS::at_most_once);
    }
    loop.run_until(all_subscribed, "SUBACK");
  }
}

}  // namespace pubsub_mqtt::bench
