// Who has asked for a node, and what that costs: with its half on the network thread (audience_test.cpp) at most 16
// bytes for each client and node.
#include "members.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "../base/allocated_bytes.h"
#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

std::optional<mqtt::QoS> any_qos(std::mt19937& random) {
  const auto value = random() % 4;
  return value == 3 ? std::nullopt : std::optional(static_cast<mqtt::QoS>(value));
}

TEST(MembersTest, KeepsWhatItIsTold) {
  std::mt19937 random(1);
  std::map<ClientNumber, Member> expected;
  Members members;
  for (int i = 0; i < 20000; ++i) {
    const auto client = static_cast<ClientNumber>(random() % 500);
    if (random() % 3 == 0) {
      members.erase(client);
      expected.erase(client);
      continue;
    }
    Member member{.asked = {.own = {.by_form = {}, .natural = any_qos(random)},
                            .shared = {.natural = random() % 2 == 0}},
                  .may_receive = random() % 2 == 0};
    for (auto& qos : member.asked.own.by_form) qos = any_qos(random);
    for (auto& is_shared : member.asked.shared.by_form) is_shared = random() % 2 == 0;
    members.set(client, member);
    expected[client] = member;
  }
  std::vector<ClientNumber> clients;
  for (const auto& [client, member] : expected) {
    clients.push_back(client);
    const auto found = members.find(client);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->asked, member.asked);
    EXPECT_EQ(found->may_receive, member.may_receive);
    EXPECT_EQ(found->posted().empty(), !member.may_receive || member.asked.empty());
  }
  EXPECT_EQ(members.clients(), clients);
  EXPECT_FALSE(members.find(1000).has_value());
}

TEST_F(HubTest, AWildcardOfManyClientsCostsLittleForEachNode) {
  constexpr int nodes = 10000;
  constexpr SessionId clients = 500;
  for (int i = 0; i < nodes; ++i) create("n" + std::to_string(i));
  for (SessionId session = 2; session < 2 + clients; ++session) open(session);
  const auto subscribe_and_forget = [&](SessionId session) {
    subscribe(session, "pubsub/#");
    deliveries.clear();
    deliveries.shrink_to_fit();
    service.judged.clear();
    service.judged.shrink_to_fit();
  };
  subscribe_and_forget(1);  // what the hub keeps for any number of members
  const auto before = allocated_bytes();
  for (SessionId session = 2; session < 2 + clients; ++session) subscribe_and_forget(session);
  const auto each = static_cast<double>(allocated_bytes() - before) / nodes / clients;
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 9.0);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
