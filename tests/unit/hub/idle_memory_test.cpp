// What a client costs that is connected and asks for nothing: most of many devices do so most of the time.
#include "../base/allocated_bytes.h"
#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using IdleMemoryTest = HubTest;

TEST_F(IdleMemoryTest, AClientThatAsksForNothingCostsItsNameAndLittleMore) {
  constexpr SessionId clients = 1000;
  std::vector<Request> batch;
  const auto before = allocated_bytes();
  for (SessionId session = 2; session < 2 + clients; ++session) {
    batch.emplace_back(OpenSession{.session = session, .client = "127.0.0.1:50000 \"client-0001\""});
    hub.accept(batch);
  }
  batch.shrink_to_fit();
  const auto each = (allocated_bytes() - before) / clients;
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 300U);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
