// What a member of a group leaves to the others, where memory runs out at each allocation of that, one after the other:
// each message is with one of them, in this process and in the next one.
#include <gmock/gmock.h>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"
#include "durable_queue_fixture.h"

namespace pubsub_mqtt::session {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;
using tests::FailIn;
using tests::FailingAllocation;

constexpr std::size_t most_allocations = 500;

// `run` is given each n until it returns that there is no n-th allocation.
template <typename Run>
void at_each_allocation(Run&& run) {
  std::size_t n = 0;
  bool has_failed = true;
  while (has_failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    has_failed = run(n);
  }
  EXPECT_GT(n, 5U);
  EXPECT_LT(n, most_allocations);
}

// As the network thread does it.
void receive(Client& client, std::string_view bytes) {
  try {
    client.connection->receive(bytes, Time(0));
  } catch (const std::exception&) {
    client.lose();
  }
}

// `bytes` come from the client, and the turn ends. Returns whether memory ran out.
bool receive_without_memory(std::size_t n, Client& client, std::string_view bytes) {
  const FailingAllocation failing(n, FailIn::this_thread);
  receive(client, bytes);
  try {
    client.server.sessions.post_changes();
  } catch (const std::exception&) {  // it goes on
  }
  return failing.has_failed();
}

std::string connect_bytes(std::string_view name, bool clean_session) {
  return bytes_of(mqtt::Connect{.clean_session = clean_session, .client_identifier = name});
}

// Of sessions that are stored; and whether the process ends after it.
class StoredPassingOnTest : public GroupOnDiskTest,
                            public testing::WithParamInterface<std::tuple<QoS, bool>> {
 protected:
  static QoS qos() { return std::get<QoS>(GetParam()); }
  static bool process_ends() { return std::get<bool>(GetParam()); }

  void begin_anew() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    processes.clear();
    begin();
    server().limits.max_inflight = 2;
  }
  void go_on() {
    if (process_ends()) begin_again();
  }

  struct Received {
    std::vector<std::string> a;
    std::vector<std::string> b;

    std::vector<std::string> all() const {
      auto both = a;
      both.insert(both.end(), b.begin(), b.end());
      return both;
    }
  };
  // Both come back, as members or not any more, until they have so many messages, and nothing follows.
  Received read(std::size_t count, bool a_may_share, bool a_listens = false) {
    for (const auto& view : server().views()) {
      const bool is_a = server().sessions.find(view.session)->key().client_identifier == "a";
      change(view.session, !is_a || a_may_share, is_a && a_listens);
    }
    Client b(server());
    b.connect_again("b");
    change(b.session(), true, false);
    Client a(server());
    a.connect_again("a");
    // It waits for the end of an earlier session.
    EXPECT_TRUE(process->await([&] {
      a.note_session();
      return a.session() != 0;
    }));
    change(a.session(), a_may_share, a_listens);
    Reader reader_a(*process, a);
    Reader reader_b(*process, b);
    int turns = 0;
    EXPECT_TRUE(process->await([&] {
      server().sessions.expire(Time(1000));
      reader_a.take();
      reader_b.take();
      const bool is_all = reader_a.payloads.size() + reader_b.payloads.size() >= count;
      return is_all && outgoing(a).size() == 0 && outgoing(b).size() == 0 && ++turns == 3;
    }));
    return {.a = reader_a.payloads, .b = reader_b.payloads};
  }
  void change(SessionId session, bool may_share, bool listens) {
    AudienceChange change{.node = node, .session = session, .selection = {}};
    change.shared.by_form[static_cast<std::size_t>(topic::Type::utf8)] = may_share;
    if (listens) change.selection.natural = qos();
    server().sessions.handle(change);
  }
};

// The first ones are in flight, the others wait for their place.
TEST_P(StoredPassingOnTest, AtItsEnd) {
  at_each_allocation([&](std::size_t n) {
    begin_anew();
    auto a = join("a", qos());
    publish(1, 4, qos());
    a->lose();
    join("b", qos());
    Client clean(server());
    const bool has_failed = receive_without_memory(n, clean, connect_bytes("a", true));
    if (clean.connection != nullptr) clean.lose();
    go_on();
    if (qos() == QoS::at_least_once) {
      EXPECT_THAT(read(4, true).all(), UnorderedElementsAre("1", "2", "3", "4"));
    } else {
      // What is in flight ends with the session [MQTT5-4.8.2-5], or goes on with it.
      auto all = read(2, true).all();
      if (all.size() > 2) {
        EXPECT_THAT(all, UnorderedElementsAre("1", "2", "3", "4"));
      } else {
        EXPECT_THAT(all, UnorderedElementsAre("3", "4"));
      }
    }
    return has_failed;
  });
}

// It has the right to the node by itself, and not as a member any more.
TEST_P(StoredPassingOnTest, WhereItMayNotHaveWhatIsRead) {
  at_each_allocation([&](std::size_t n) {
    begin_anew();
    auto a = join("a", qos());
    change(a->session(), true, true);
    a->lose();
    publish(1, 4, qos());
    join("b", qos());
    Client again(server());
    again.connect_again("a");
    change(again.session(), false, true);
    server().sessions.post_changes();
    bool has_failed = false;
    {
      const FailingAllocation failing(n, FailIn::this_thread);
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (!failing.has_failed() && outgoing(again).is_paged() &&
             std::chrono::steady_clock::now() < until) {
        try {
          server().sessions.keep_promises();
        } catch (const std::bad_alloc&) {
        }
      }
      has_failed = failing.has_failed();
    }
    again.lose();
    go_on();
    const auto received = read(8, false, true);
    EXPECT_THAT(received.a, ElementsAre("1", "2", "3", "4"));
    EXPECT_THAT(received.b, UnorderedElementsAre("1", "2", "3", "4"));
    return has_failed;
  });
}

INSTANTIATE_TEST_SUITE_P(, StoredPassingOnTest,
                         testing::Combine(testing::Values(QoS::at_least_once, QoS::exactly_once),
                                          testing::Bool()),
                         [](const auto& param) {
                           const bool is_1 = std::get<QoS>(param.param) == QoS::at_least_once;
                           return std::string(is_1 ? "AtQos1" : "AtQos2") +
                                  (std::get<bool>(param.param) ? "AndTheProcessEnds" : "");
                         });

// Of sessions that are not stored; and whether the other member is away.
class PassingOnTest : public testing::TestWithParam<bool> {
 protected:
  static bool other_is_away() { return GetParam(); }

  // Of one that has messages: some in flight, unless they come when it is away.
  struct Group {
    explicit Group(bool first_is_away) {
      server.limits.max_inflight = 2;
      server.sessions.handle(NodeOpened{.node = node, .host = "h", .name = "n"});
      join(a, "a");
      if (first_is_away) a.lose();
      for (const auto& payload : numbers(1, 4)) publish(payload);
      a.lose();
      join(b, "b");
      if (other_is_away()) b.lose();
    }
    void join(Client& member, std::string_view name) {
      member.connect_again(name);
      may(member, true);
      member.send(mqtt::Subscribe{1, {{"$share/g/" + std::string(topic), QoS::at_least_once}}});
      server.answer(server.requested<SubscribeRequest>().back());
    }
    void may(const Client& member, bool share) {
      AudienceChange change{.node = node, .session = member.session(), .selection = {}};
      change.shared.by_form[static_cast<std::size_t>(topic::Type::utf8)] = share;
      server.sessions.handle(change);
    }
    void publish(const std::string& payload) {
      ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}};
      item.envelope = {.qos = QoS::at_least_once};
      item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = payload;
      server.sessions.handle(std::move(item));
    }
    // What the sessions of both have for their clients.
    std::vector<std::string> kept() {
      std::vector<std::string> all = kept(b);
      const auto others = kept(a);
      all.insert(all.end(), others.begin(), others.end());
      return all;
    }
    std::vector<std::string> kept(const Client& member) {
      std::vector<std::string> all;
      const Session* session = server.sessions.find(member.session());
      if (session == nullptr) return all;
      session->record().outgoing.for_each_message(
          [&](const Message& message, const Selected&) { all.push_back(message.payload()); });
      return all;
    }

    Server server;
    Client a{server};
    Client b{server};
  };
};

TEST_P(PassingOnTest, AtItsEnd) {
  at_each_allocation([&](std::size_t n) {
    Group group(false);
    Client clean(group.server);
    const bool has_failed = receive_without_memory(n, clean, connect_bytes("a", true));
    EXPECT_THAT(group.kept(), UnorderedElementsAre("1", "2", "3", "4"));
    group.server.sessions.expire(Time(0));
    EXPECT_THAT(group.kept(), UnorderedElementsAre("1", "2", "3", "4"));
    receive(*std::make_unique<Client>(group.server), connect_bytes("a", true));
    EXPECT_THAT(group.kept(group.b), UnorderedElementsAre("1", "2", "3", "4"));
    return has_failed;
  });
}

TEST_P(PassingOnTest, WhereItMayNotHaveWhatIsQueued) {
  at_each_allocation([&](std::size_t n) {
    Group group(true);
    group.may(group.a, false);
    Client again(group.server);
    const bool has_failed = receive_without_memory(n, again, connect_bytes("a", false));
    EXPECT_THAT(group.kept(), UnorderedElementsAre("1", "2", "3", "4"));
    if (again.connection != nullptr) again.lose();
    receive(*std::make_unique<Client>(group.server), connect_bytes("a", false));
    EXPECT_THAT(group.kept(group.b), UnorderedElementsAre("1", "2", "3", "4"));
    return has_failed;
  });
}

INSTANTIATE_TEST_SUITE_P(, PassingOnTest, testing::Bool(), [](const auto& param) {
  return param.param ? "ToOneThatIsAway" : "ToOneThatIsHere";
});

}  // namespace
}  // namespace pubsub_mqtt::session
