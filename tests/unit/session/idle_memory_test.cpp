// What a client costs that is connected and says nothing: most of many devices do so most of the time.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../base/allocated_bytes.h"
#include "client.h"

namespace pubsub_mqtt::session {
namespace {

TEST(IdleMemoryTest, AClientThatSaysNothingCostsItsNamesAndLittleMore) {
  constexpr std::size_t clients = 1000;
  Server server;
  TestOutbox outbox;
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(clients);
  std::vector<std::string> packets;
  for (std::size_t i = 0; i < clients; ++i) {
    const std::string identifier = "client-" + std::to_string(1000 + i);
    packets.push_back(bytes_of(mqtt::Connect{.client_identifier = identifier}));
  }
  server.requests.reserve(10);
  server.log.reserve(10);
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
  ASSERT_EQ(server.sessions.size(), clients);
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 520U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
