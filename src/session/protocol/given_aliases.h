// The topic aliases that the server has given to topics on one connection to a client (MQTT 5.0, 3.3.2.3.4): a topic
// gets one when it is sent for the second time, while some are left. Network thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace pubsub_mqtt::session {

class GivenAliases {
 public:
  // Returns 0 where the topic has none.
  std::uint16_t find(const std::string& topic) const;
  // The topic, which has none, is being sent. Returns the alias that is to go with it, `maximum` at the most, or 0.
  std::uint16_t give(const std::string& topic, std::uint16_t maximum);

 private:
  void forget_sent_once();

  // 0: it was sent once. No hash table: whoever chooses the topic would choose its place in it.
  std::map<std::string, std::uint16_t, std::less<>> by_topic_;
  std::uint16_t last_ = 0;
};

}  // namespace pubsub_mqtt::session
