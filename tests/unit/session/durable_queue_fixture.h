// Queues of sessions in a real store: clients that leave, come back and read what has waited, and members of a group.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "durable_fixture.h"

namespace pubsub_mqtt::session {

// A client that acknowledges what it gets, and has so much.
class Reader {
 public:
  Reader(Process& process, Client& client) : process_(process), client_(client) {}

  // Until it has so many.
  bool read(std::size_t count) {
    return process_.await([&] {
      take();
      return payloads.size() >= count;
    });
  }
  void take() {
    const std::string bytes = client_.outbox.take();
    for (const auto& packet : packets_in(bytes, mqtt::ProtocolLevel::mqtt_3_1_1)) {
      if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
        payloads.emplace_back(publish->payload);
        if (publish->qos == QoS::at_least_once) client_.send(mqtt::Puback{publish->packet_identifier});
        if (publish->qos == QoS::exactly_once) client_.send(mqtt::Pubrec{publish->packet_identifier});
      } else if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
        client_.send(mqtt::Pubcomp{pubrel->packet_identifier});
      }
    }
  }

  std::vector<std::string> payloads;

 private:
  Process& process_;
  Client& client_;
};

inline std::vector<std::string> numbers(std::size_t first, std::size_t last) {
  std::vector<std::string> all;
  for (std::size_t i = first; i <= last; ++i) all.push_back(std::to_string(i));
  return all;
}

class QueueOnDiskTest : public DurableTest {
 protected:
  // Subscribed, and gone.
  void leave(std::string_view name, QoS qos = QoS::at_least_once) {
    Client client(server());
    connect(client, name);
    process->listen(client, qos);
    client.lose();
  }
  void publish(std::size_t first, std::size_t last, QoS qos = QoS::at_least_once) {
    for (std::size_t i = first; i <= last; ++i) {
      process->publish(std::to_string(i), qos);
      if (i % 100 == 0) process->commit_and_tell();
    }
    process->commit_and_tell();
  }
  // The session, with a connection again.
  std::unique_ptr<Client> come_back(std::string_view name, QoS qos = QoS::at_least_once) {
    auto client = std::make_unique<Client>(server());
    client->connect_again(name);
    process->listen(*client, qos);
    return client;
  }
  const Outgoing& outgoing(const Client& client) {
    return server().sessions.find(client.session())->record().outgoing;
  }
  static constexpr std::size_t many = 3000;
};

class GroupOnDiskTest : public QueueOnDiskTest {
 protected:
  void share(const Client& member) {
    AudienceChange change{.node = node, .session = member.session(), .selection = {}};
    change.shared.by_form[static_cast<std::size_t>(topic::Type::utf8)] = true;
    server().sessions.handle(change);
  }
  std::unique_ptr<Client> join(std::string_view name, QoS qos) {
    auto member = std::make_unique<Client>(server());
    connect(*member, name);
    member->send(mqtt::Subscribe{1, {{"$share/g/" + std::string(topic), qos}}});
    server().answer(server().requested<SubscribeRequest>().back());
    share(*member);
    process->commit_and_tell();
    return member;
  }
  // Two members that are away.
  void join(QoS qos) {
    for (const char* name : {"a", "b"}) join(name, qos);
  }
  // They have messages; then one begins anew, of which nobody has heard yet.
  void leave_to_the_other(std::size_t messages) {
    join(QoS::at_least_once);
    publish(1, messages);
    Client clean(server());
    clean.send(mqtt::Connect{.client_identifier = "a"});
    process->commit();
  }
  // The other has all of them, each once.
  void check(std::size_t messages) {
    Client member(server());
    member.connect_again("b");
    share(member);
    server().sessions.expire(Time(1000));
    Reader reader(*process, member);
    ASSERT_TRUE(reader.read(messages));
    auto expected = numbers(1, messages);
    std::ranges::sort(expected);
    std::ranges::sort(reader.payloads);
    EXPECT_EQ(reader.payloads, expected);
    EXPECT_TRUE(process->await([&] { return server().sessions.stored_bytes() == 0; }));
  }
};

}  // namespace pubsub_mqtt::session
