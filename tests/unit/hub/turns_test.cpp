// Who is served when: nobody waits for what costs others more than it costs him.
#include "turns.h"

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

Request any_request() { return RetainedRequest{}; }

Client client(SessionId session) {
  Client made;
  made.session = session;
  return made;
}

// Gives turns at the price of each client, and says whose they were.
std::vector<SessionId> served(Turns& turns, int count, const std::map<SessionId, std::size_t>& prices) {
  std::vector<SessionId> sessions;
  for (int i = 0; i < count; ++i) {
    Client* next = turns.begin();
    sessions.push_back(next->session);
    next->waiting.pop_front();
    turns.end(*next, prices.at(next->session));
  }
  return sessions;
}

// Clients who all ask for the same, and one who comes when they have had some turns.
class Crowd {
 public:
  Crowd(SessionId clients, int requests, const std::function<Request()>& request, std::size_t price) {
    for (SessionId session = 0; session < clients; ++session) {
      clients_.push_back(client(session));
      prices_[session] = price;
    }
    for (Client& each : clients_) {
      for (int i = 0; i < requests; ++i) turns_.add(each, request());
    }
  }

  void have_turns(int count) { served(turns_, count, prices_); }

  // Whose the next turn is when the newcomer asks.
  SessionId first_when_asks(Request request, std::size_t price) {
    prices_[newcomer] = price;
    turns_.add(newcomer_, std::move(request));
    return served(turns_, 1, prices_).at(0);
  }

  static constexpr SessionId newcomer = 1000;

 private:
  std::vector<Client> clients_;
  Client newcomer_ = client(newcomer);
  std::map<SessionId, std::size_t> prices_;
  Turns turns_;
};

// Clients publish as soon as they have seen another one subscribe, not when it has its SUBACK.
TEST(TurnsTest, APublishDoesNotOvertakeASubscribeThatCameBefore) {
  Client subscriber = client(1);
  Client publisher = client(2);
  Turns turns;
  turns.add(subscriber, SubscribeRequest{});
  turns.add(publisher, PublishRequest{});
  EXPECT_EQ(served(turns, 2, {{1, work::subscribe}, {2, work::publish(0)}}), (std::vector<SessionId>{1, 2}));
}

TEST(TurnsTest, WhoCostsLessHasMoreTurns) {
  Client dear = client(1);
  Client cheap = client(2);
  Turns turns;
  EXPECT_EQ(turns.begin(), nullptr);
  for (int i = 0; i < 4; ++i) {
    turns.add(dear, any_request());
    turns.add(cheap, any_request());
  }
  EXPECT_EQ(served(turns, 8, {{1, 30}, {2, 10}}), (std::vector<SessionId>{1, 2, 2, 2, 1, 2, 1, 1}));
  EXPECT_EQ(turns.begin(), nullptr);
}

TEST(TurnsTest, ANewcomerWaitsForNoneOfThoseWhoHaveHadTheirTurn) {
  Crowd crowd(100, 10, any_request, 1000);
  crowd.have_turns(150);
  EXPECT_EQ(crowd.first_when_asks(any_request(), 1), Crowd::newcomer);
}

Request publish_request(std::size_t bytes) {
  return PublishRequest{.ticket = {},
                        .publication = {.topic = "h/utf8/n", .payload = std::string(bytes, 'x')}};
}

TEST(TurnsTest, WhatIsCheapDoesNotWaitForTheFirstTurnsOfOthers) {
  Crowd crowd(
      90, 5, [] { return publish_request(200000); }, 20500);
  crowd.have_turns(1);
  EXPECT_EQ(crowd.first_when_asks(SubscribeRequest{}, 1000), Crowd::newcomer);
}

TEST(TurnsTest, WhatIsDearIsNotPutOffForEver) {
  Client dear = client(1);
  Turns turns;
  turns.add(dear, publish_request(200000));
  int before = 0;
  for (SessionId session = 2;; ++session, ++before) {
    Client newcomer = client(session);
    turns.add(newcomer, publish_request(1));
    if (served(turns, 1, {{1, 20500}, {session, 500}}) == std::vector<SessionId>{1}) break;
    ASSERT_LT(before, 1000);
  }
  EXPECT_GT(before, 30);
}

TEST(TurnsTest, WhoAsksForNothingSavesNothingUp) {
  Client idle = client(1);
  Client busy = client(2);
  Turns turns;
  turns.add(idle, any_request());
  served(turns, 1, {{1, 1}});
  for (int i = 0; i < 20; ++i) turns.add(busy, any_request());
  served(turns, 10, {{2, 100}});
  for (int i = 0; i < 10; ++i) turns.add(idle, any_request());
  EXPECT_EQ(served(turns, 4, {{1, 100}, {2, 100}}), (std::vector<SessionId>{1, 2, 1, 2}));
}

// Who has a hundred sessions, and who has one.
class Parties {
 public:
  Parties() {
    for (SessionId session = 0; session < sessions; ++session)
      add(crowd_.emplace_back(client(session)), "many");
    add(lone_, "one");
  }

  std::map<SessionId, int> have_turns(int count) {
    std::map<SessionId, int> turns;
    for (int i = 0; i < count; ++i) {
      Client* next = turns_.begin();
      ++turns[next->session];
      next->waiting.pop_front();
      turns_.end(*next, 100);
    }
    return turns;
  }

  static constexpr SessionId sessions = 100;
  static constexpr SessionId lone = 1000;

 private:
  void add(Client& client, std::string_view party) {
    turns_.enter(client, party);
    for (int i = 0; i < 200; ++i) turns_.add(client, any_request());
  }

  Turns turns_;
  std::list<Client> crowd_;
  Client lone_ = client(lone);
};

TEST(TurnsTest, AThousandSessionsOfOnePartyHaveNoMoreThanOne) {
  Parties parties;
  auto turns = parties.have_turns(400);
  EXPECT_EQ(turns[Parties::lone], 200);
  for (SessionId session = 0; session < Parties::sessions; ++session) EXPECT_EQ(turns[session], 2) << session;
}

TEST(TurnsTest, WhatIsCheapDoesNotWaitForWhatItsOwnPartyAsksBesides) {
  Client dear = client(1);
  Client cheap = client(2);
  Client other = client(3);
  Turns turns;
  for (Client* each : {&dear, &cheap}) turns.enter(*each, "a party");
  turns.add(dear, publish_request(200000));
  turns.add(other, publish_request(20000));
  turns.add(cheap, any_request());
  EXPECT_EQ(served(turns, 3, {{1, 20500}, {2, 5}, {3, 2500}}), (std::vector<SessionId>{2, 3, 1}));
}

// What it costs to carry the properties of a message counts like its payload.
TEST(TurnsTest, PropertiesAreWork) {
  PublishRequest request{.ticket = {}, .publication = {.topic = "h/utf8/n", .payload = "1"}};
  request.publication.envelope.properties = std::make_shared<const std::string>(50000, 'x');
  EXPECT_EQ(expected_work(std::move(request)), work::publish(50009));
}

class FairnessTest : public HubTest {
 protected:
  static constexpr SessionId first_attacker = 100;

  void send(Request request) {
    std::vector<Request> batch;
    batch.push_back(std::move(request));
    hub.accept(batch);
  }

  // Each asks in one SUBSCRIBE for as many filters as 96 kB hold: ten, again and again.
  void attack(SessionId attackers, std::size_t filters) {
    AskToSubscribe request{.packet_identifier = 1, .filters = {}};
    for (std::size_t i = 0; i < filters; ++i) {
      request.filters.push_back({.topic_filter = "+/+/" + std::to_string(i % 10)});
    }
    for (SessionId i = 0; i < attackers; ++i) open(first_attacker + i);
    for (SessionId i = 0; i < attackers; ++i) {
      request.session = first_attacker + i;
      send(request);
    }
  }

  template <typename Reply>
  int steps_until(SessionId session) {
    int steps = 0;
    while (hub.step()) {
      ++steps;
      hub.take_deliveries(deliveries);
      for (const auto& reply : take<Reply>()) {
        if (reply.ticket.session == session) return steps;
      }
    }
    ADD_FAILURE() << "no reply";
    return steps;
  }
};

TEST_F(FairnessTest, OthersAreServedWhileManyAskForMuch) {
  for (int i = 0; i < 1000; ++i) create(std::to_string(i));
  attack(250, 12000);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(hub.step());
  hub.take_deliveries(deliveries);
  ASSERT_TRUE(take<SubscribeReply>().empty());
  send(OpenSession{.session = 2, .client = "client 2"});
  send(AskToPublish{.session = 2, .topic = "pubsub/json/node", .payload = "1"});
  send(AskToSubscribe{
      .session = 2, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/node"}}});
  send(LoginRequest{});
  EXPECT_EQ(steps_until<PublishReply>(2), 1);
  EXPECT_EQ(service.logins.size(), 1U);
  EXPECT_LE(steps_until<SubscribeReply>(2), 251);  // each attacker has a turn at most
}

TEST_F(FairnessTest, TheSessionsOfAnAccountOrAddressAreServedInTurnWithTheOthers) {
  for (SessionId session = 10; session < 110; ++session) {
    const bool has_account = session < 60;
    send(OpenSession{.session = session,
                     .client = "one of many",
                     .account = has_account ? "romeo@montague.lit" : "",
                     .party = has_account ? "" : "192.0.2.1"});
    for (int i = 0; i < 10; ++i) {
      send(AskToPublish{.session = session, .topic = "pubsub/json/node", .payload = "1"});
    }
  }
  for (int i = 0; i < 10; ++i) {
    send(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = std::to_string(i)});
  }
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(hub.step());
  hub.take_deliveries(deliveries);
  std::size_t answers = 0;
  for (const auto& reply : take<PublishReply>()) answers += reply.ticket.session == 1 ? 1 : 0;
  EXPECT_EQ(answers, 10U);
}

TEST_F(FairnessTest, WhatAVanishedSessionAskedIsDropped) {
  attack(250, 12000);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(hub.step());
  for (SessionId i = 0; i < 250; ++i) {
    send(AskToUnsubscribe{.session = first_attacker + i, .packet_identifier = 2, .topic_filters = {"+/+/0"}});
    send(RetainedRequest{.session = first_attacker + i});
    send(CloseSession{.session = first_attacker + i});
  }
  // The network thread counts out what is answered.
  hub.take_deliveries(deliveries);
  EXPECT_EQ(take<SubscribeReply>().size(), 250U);
  EXPECT_EQ(take<UnsubscribeReply>().size(), 250U);
  int steps = 0;
  while (hub.step()) ++steps;
  EXPECT_LE(steps, 260);
  create("0");
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<AudienceChange>().empty());
}

TEST_F(FairnessTest, WhatAVanishedSessionPublishedIsPublished) {
  send(AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/a"}}});
  send(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  send(AskToSubscribe{.session = 1, .packet_identifier = 2, .filters = {{.topic_filter = "pubsub/json/b"}}});
  send(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "2", .will = true});
  send(CloseSession{.session = 1});
  while (hub.step()) {
  }
  EXPECT_EQ(service.published.size(), 2U);
  EXPECT_TRUE(service.subscribed.empty());
}

// In the middle of an UNSUBSCRIBE, which had removed the filter but not yet the client from every node.
TEST_F(FairnessTest, AnUnsubscribeThatIsInterruptedLeavesNothingBehind) {
  for (int i = 0; i < 2000; ++i) create("n" + std::to_string(i));
  subscribe(1, "#");
  subscribe(1, "pubsub/json/node");
  send(AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {"#"}});
  hub.step();
  hub.take_deliveries(deliveries);
  ASSERT_TRUE(take<UnsubscribeReply>().empty());
  deliveries.clear();
  send(CloseSession{.session = 1});
  while (hub.step()) {
  }
  for (int i = 0; i < 2000; ++i) ASSERT_FALSE(hub.wants_item("pubsub", "n" + std::to_string(i), "1")) << i;
  EXPECT_FALSE(hub.wants_item("pubsub", "node", "1"));
}

}  // namespace
}  // namespace pubsub_mqtt::hub
