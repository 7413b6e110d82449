// The topic aliases that a client of MQTT 5.0 has set on its connection (5.0, 3.3.2.3.4). No memory before the first
// one. Network thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/violation.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::session {

class ClientAliases {
 public:
  // The topics of a client may take so many bytes behind its aliases: they stay for as long as it is connected. Beside
  // them, each alias that is set takes some 80 bytes.
  static constexpr std::size_t max_bytes = 65536;

  // Gives the packet the topic that its alias stands for, which lasts until the alias is set again, or has the alias
  // stand for its topic from now on. `maximum` is what CONNACK said.
  Violation resolve(mqtt::Publish& packet, std::size_t maximum);

  // Of one connection they mean nothing on another [MQTT5-3.3.2-7].
  void clear() noexcept { topics_.reset(); }

 private:
  struct Topics {
    std::map<std::uint16_t, std::string> by_alias;
    std::size_t bytes = 0;
  };

  Violation set(std::uint16_t alias, std::string_view topic);

  std::unique_ptr<Topics> topics_;
};

}  // namespace pubsub_mqtt::session
