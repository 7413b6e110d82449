// The topic aliases that the server has given to topics on one connection to a client (MQTT 5.0, 3.3.2.3.4). A topic
// gets one when it is first sent, while some are left. Then one that was used seldom is taken from its topic, sooner or
// later: topics that come often keep theirs, however many others there are. Network thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pubsub_mqtt::session {

class GivenAliases {
 public:
  // The topics of a client may take so many bytes behind its aliases: they stay for as long as it is connected.
  static constexpr std::size_t max_bytes = 65536;

  // Returns 0 where the topic has none.
  std::uint16_t find(const std::string& topic) const;
  // The same for a topic that is being sent.
  std::uint16_t use(const std::string& topic);
  // The topic, which has none, is being sent. Returns the alias that is to go with it, `maximum` at the most, or 0.
  std::uint16_t give(const std::string& topic, std::uint16_t maximum);

 private:
  struct Given {
    std::uint16_t alias = 0;
    std::uint8_t uses = 0;  // lately
  };
  // No hash table: whoever chooses the topic would choose its place in it.
  using ByTopic = std::map<std::string, Given, std::less<>>;

  std::uint16_t give_new(const std::string& topic);
  std::uint16_t take_over(const std::string& topic);

  ByTopic by_topic_;
  std::vector<ByTopic::iterator> by_alias_;  // from alias 1
  std::size_t bytes_ = 0;
  std::size_t next_ = 0;  // in by_alias_: who is asked next to give its alias up
  unsigned without_ = 0;  // topics that were sent without an alias
};

}  // namespace pubsub_mqtt::session
