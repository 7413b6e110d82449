// A message of a shared subscription that one member leaves to another, on a full disk, and then the process dies: its
// publisher was told that it is kept (docs/durability.md).
#include <set>

#include "process_fixture.h"

namespace pubsub_mqtt {
namespace {

constexpr std::string_view node_of_group = "pubsub/utf8/node";
constexpr std::string_view group_filter = "$share/g/pubsub/utf8/node";

class PassedOnTest : public ProcessFixture {
 protected:
  PassedOnTest() {
    reserve = never_so_much;
    begin_anew();
  }

  Client& connect(std::string_view identifier, bool clean_session = false) {
    clients.push_back(std::make_unique<Client>(server()));
    clients.back()->send(mqtt::Connect{.clean_session = clean_session, .client_identifier = identifier});
    process->run();
    return *clients.back();
  }
  // With a session that is subscribed.
  void leave(std::string_view identifier, std::string_view subscribed_to) {
    Client& client = connect(identifier);
    client.send(mqtt::Subscribe{1, {{subscribed_to, QoS::at_least_once}}});
    process->run();
    client.lose();
    process->run();
  }
  // Through pubsub, acknowledged.
  void publish(std::string_view payload) {
    Client& publisher = connect("p", true);
    publisher.outbox.take();
    publisher.send(mqtt::Publish{
        .topic = node_of_group, .payload = payload, .qos = QoS::at_least_once, .packet_identifier = 1});
    process->run();
    EXPECT_EQ(publisher.outbox.take(), session::bytes_of(mqtt::Puback{1}));
    publisher.send(mqtt::Disconnect{});
    process->run();
  }
  // What the client gets and acknowledges.
  std::multiset<std::string> read(std::string_view identifier) {
    Client& client = connect(identifier);
    std::multiset<std::string> payloads;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < until) {
      process->run();
      const std::string bytes = client.outbox.take();
      for (const auto& packet : session::packets_in(bytes, mqtt::ProtocolLevel::mqtt_3_1_1)) {
        const auto* publish = std::get_if<mqtt::Publish>(&packet);
        if (publish == nullptr) continue;
        payloads.emplace(publish->payload);
        client.send(mqtt::Puback{publish->packet_identifier});
      }
    }
    client.lose();
    process->run();
    return payloads;
  }
  // Its client begins anew, as far as that is possible.
  void end_session(std::string_view identifier) {
    clients.push_back(std::make_unique<Client>(server()));
    clients.back()->send(mqtt::Connect{.client_identifier = identifier});
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (std::chrono::steady_clock::now() < until) {  // what waited is read a page at a time
      server().sessions.post_changes();
      server().sessions.keep_promises();
      process->ask_pubsub();
    }
    write_removals();
  }

  std::vector<std::unique_ptr<Client>> clients;
};

// The row is the member's alone, or that of another session, too, which has had it.
TEST_F(PassedOnTest, IsThereAfterwards) {
  for (const bool is_shared_row : {false, true}) {
    leave("a", group_filter);
    if (is_shared_row) leave("other", node_of_group);
    for (const char* payload : {"1", "2", "3"}) publish(payload);
    if (is_shared_row) {
      EXPECT_EQ(read("other").size(), 3U);
    }
    leave("b", group_filter);
    fill_disk();
    end_session("a");
    begin();
    process->run();
    auto payloads = read("a");
    payloads.merge(read("b"));
    EXPECT_EQ(payloads, (std::multiset<std::string>{"1", "2", "3"})) << is_shared_row;
    begin_anew();
  }
}

// Whose session ends with its connection, and was to be passed on at the end of that.
TEST_F(PassedOnTest, IsThereAfterwardsWhereTheSessionEndsWithTheConnection) {
  leave("a", group_filter);
  for (const char* payload : {"1", "2", "3"}) publish(payload);
  clients.push_back(std::make_unique<Client>(server()));
  clients.back()->send(
      mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5, .clean_session = false, .client_identifier = "a"});
  process->run();
  leave("b", group_filter);
  begin();
  process->run();
  server().sessions.meet_deadlines(process_begins + std::chrono::seconds(60));
  EXPECT_EQ(read("b"), (std::multiset<std::string>{"1", "2", "3"}));
}

// While its member was connected, so that it is in memory, in flight and behind that.
TEST_F(PassedOnTest, IsThereAfterwardsWhereItWasInMemory) {
  server().limits.max_inflight = 1;
  leave("a", group_filter);
  Client& member = connect("a");
  for (const char* payload : {"1", "2", "3"}) publish(payload);
  leave("b", group_filter);
  fill_disk();
  member.lose();
  end_session("a");
  begin();
  process->run();
  auto payloads = read("a");
  payloads.merge(read("b"));
  EXPECT_EQ(payloads, (std::multiset<std::string>{"1", "2", "3"}));
}

}  // namespace
}  // namespace pubsub_mqtt
