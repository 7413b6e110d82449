// Exactly once over the death of the process, at each of its writes: a client publishes at QoS 2 through pubsub, and
// another receives that; both come back and send again what was not acknowledged (docs/durability.md).
#include <map>
#include <random>
#include <set>
#include <string>

#include "process_fixture.h"

namespace pubsub_mqtt {
namespace {

constexpr std::string_view topic = "pubsub/utf8/node";
constexpr int messages = 4;

// What its client remembers, whatever the server does.
class PublisherMemory {
 public:
  bool is_done() const { return message_ > messages; }
  std::string payload() const { return "message " + std::to_string(message_); }

  void send(Client& client, bool dup) const {
    if (is_done()) return;
    if (is_received_) return client.send(mqtt::Pubrel{identifier()});
    client.send(mqtt::Publish{.topic = topic,
                              .payload = payload(),
                              .qos = QoS::exactly_once,
                              .dup = dup,
                              .packet_identifier = identifier()});
  }
  void take(const mqtt::Packet& packet, Client& client) {
    if (std::holds_alternative<mqtt::Pubrec>(packet)) {
      is_received_ = true;
      send(client, false);
    } else if (std::holds_alternative<mqtt::Pubcomp>(packet)) {
      is_received_ = false;
      ++message_;
      send(client, false);
    }
  }

 private:
  // Two of them, so that they are used again.
  mqtt::PacketIdentifier identifier() const { return static_cast<mqtt::PacketIdentifier>(1 + message_ % 2); }

  int message_ = 1;
  bool is_received_ = false;
};

class SubscriberMemory {
 public:
  void take(const mqtt::Packet& packet, Client& client) {
    if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
      if (unreleased_.insert(publish->packet_identifier).second) ++received[std::string(publish->payload)];
      client.send(mqtt::Pubrec{publish->packet_identifier});
    } else if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      unreleased_.erase(pubrel->packet_identifier);
      client.send(mqtt::Pubcomp{pubrel->packet_identifier});
    }
  }

  std::map<std::string, int> received;

 private:
  std::set<mqtt::PacketIdentifier> unreleased_;
};

class PublisherCrashTest : public ProcessFixture {
 protected:
  void connect(bool sends_again) {
    publisher = std::make_unique<Client>(server());
    subscriber = std::make_unique<Client>(server());
    publisher->connect_again("p");
    subscriber->connect_again("s");
    if (!sends_again) {
      subscriber->send(mqtt::Subscribe{1, {{topic, QoS::exactly_once}}});
      process->run();
    }
    talk();
    publishing.send(*publisher, sends_again);
  }
  template <typename Memory>
  static bool take(Client& client, Memory& memory) {
    const std::string bytes = client.outbox.take();
    for (const auto& packet : session::packets_in(bytes, mqtt::ProtocolLevel::mqtt_3_1_1)) {
      memory.take(packet, client);
    }
    return !bytes.empty();
  }
  // Until nobody has anything to say, or the process is dead: then nothing that it says arrives.
  void talk() {
    bool any = true;
    while (any) {
      process->run();
      if (process->is_over()) return;
      any = take(*publisher, publishing);
      any = take(*subscriber, subscribing) || any;
    }
  }

  PublisherMemory publishing;
  SubscriberMemory subscribing;
  std::unique_ptr<Client> publisher;
  std::unique_ptr<Client> subscriber;

  // Returns false where it has not died.
  bool run_with_death(int writes) {
    connect(false);
    vfs.die_after(writes);
    talk();
    if (!vfs.is_dead()) return false;
    begin();
    connect(true);
    talk();
    return true;
  }
  void check(int writes) {
    EXPECT_TRUE(publishing.is_done()) << writes << ": stuck at " << publishing.payload();
    EXPECT_EQ(service.ids.size(), static_cast<std::size_t>(messages))
        << writes << ": an item was published twice";
    EXPECT_EQ(subscribing.received.size(), static_cast<std::size_t>(messages)) << writes;
    for (const auto& [payload, times] : subscribing.received)
      EXPECT_EQ(times, 1) << writes << ": " << payload;
  }
  void forget() {
    publishing = {};
    subscribing = {};
    service.ids.clear();
    service.published.clear();
  }
};

TEST_F(PublisherCrashTest, AtEachWrite) {
  int deaths = 0;
  while (deaths < 1000 && run_with_death(deaths + 1)) {
    ++deaths;
    check(deaths);
    forget();
    begin_anew();
  }
  check(0);
  EXPECT_GT(deaths, 50);
}

// Until it is killed the disk may have room again, or for removals alone.
TEST_F(PublisherCrashTest, OnADiskThatIsFullForAWhile) {
  std::minstd_rand random(std::random_device{}());
  int stuck = 0;
  for (int i = 1; i <= 150; ++i) {
    reserve = i % 3 == 0 ? never_so_much : 65536;
    begin_anew();
    connect(false);
    const int after = 1 + static_cast<int>(random() % 60);
    const int count = 1 + static_cast<int>(random() % 20);
    SCOPED_TRACE(std::to_string(after) + " writes, and then none for " + std::to_string(count));
    vfs.fill_after(after, count);
    process->killed_at = std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % 40);
    talk();
    if (process->store.is_failing()) ++stuck;
    reserve = 65536;
    begin();
    process->run();
    connect(true);
    talk();
    check(i);
    forget();
  }
  EXPECT_GT(stuck, 5);
}

class PublishedAndNotStoredTest : public PublisherCrashTest {
 protected:
  PublishedAndNotStoredTest() {
    service.dies_with_item = true;
    connect(false);
    process->commit();
    process->ask_pubsub();
    EXPECT_EQ(service.ids.size(), 1U);
    begin();
  }
  void publish_again(bool dup) {
    Client again(server());
    again.connect_again("p");
    publishing.send(again, dup);
    process->run();
  }
};

TEST_F(PublishedAndNotStoredTest, TheItemIsFoundByItsId) {
  publish_again(true);
  EXPECT_EQ(service.ids.size(), 1U);
}

TEST_F(PublishedAndNotStoredTest, WhereItemsCannotBeReadNothingIsPublished) {
  service.storage_works = false;
  publish_again(true);
  EXPECT_EQ(service.ids.size(), 1U);
}

TEST_F(PublishedAndNotStoredTest, WithoutDupItIsAnotherMessage) {  // [MQTT-3.3.1-1]
  publish_again(false);
  EXPECT_EQ(service.ids.size(), 2U);
}

}  // namespace
}  // namespace pubsub_mqtt
