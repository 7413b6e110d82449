// What a client costs that is connected and says nothing: most of many devices do so most of the time.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../base/allocated_bytes.h"
#include "client.h"

namespace pubsub_mqtt::session {
namespace {

// What each of many such clients takes, names included.
std::size_t bytes_of_each(mqtt::ProtocolLevel level) {
  constexpr std::size_t clients = 1000;
  Server server;
  TestOutbox outbox;
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(clients);
  std::vector<std::string> packets;
  for (std::size_t i = 0; i < clients; ++i) {
    const std::string identifier = "client-" + std::to_string(1000 + i);
    packets.push_back(bytes_of(mqtt::Connect{.level = level, .client_identifier = identifier}));
  }
  server.requests.reserve(10);
  server.log.reserve(10);
  outbox.written.reserve(1000);
  const auto before = allocated_bytes();
  for (std::size_t i = 0; i < clients; ++i) {
    connections.push_back(std::make_unique<Connection>(i + 1, loopback(), Time{0}, server.sessions, outbox));
    std::string_view input = packets[i];
    connections.back()->receive(input, Time{0});
    server.requests.clear();
    server.log.clear();
    outbox.written.clear();
  }
  const auto each = (allocated_bytes() - before) / clients;
  EXPECT_EQ(server.sessions.size(), clients);
  return each;
}

TEST(IdleMemoryTest, AClientThatSaysNothingCostsItsNamesAndLittleMore) {
  const auto each = bytes_of_each(mqtt::ProtocolLevel::mqtt_3_1_1);
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 520U);
}

TEST(IdleMemoryTest, AClientOfMqtt5CostsWhatItTakesBesides) {
  const auto each = bytes_of_each(mqtt::ProtocolLevel::mqtt_5);
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 560U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
