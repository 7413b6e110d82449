// Clients that act as accounts: logins, rights of each account, the administrator's view.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using Sessions = std::vector<SessionId>;

// Session 1 has no login; 2 and 3 are juliet's, 4 is romeo's.
class AccountsTest : public HubTest {
 protected:
  AccountsTest() {
    open(2, "juliet");
    open(3, "juliet");
    open(4, "romeo");
  }

  void all_subscribe(const std::string& filter) {
    for (SessionId session = 1; session <= 4; ++session) subscribe(session, filter);
    forget();
  }

  void forget() {
    hub.take_deliveries(deliveries);
    deliveries.clear();
    service.judged.clear();
  }

  // Which sessions lost the node, in any order.
  Sessions withdrawn() {
    Sessions sessions;
    for (const auto& change : take<AudienceChange>()) {
      EXPECT_TRUE(change.selection.empty());
      sessions.push_back(change.session);
    }
    std::sort(sessions.begin(), sessions.end());
    return sessions;
  }

  std::vector<std::string> judged() {
    std::sort(service.judged.begin(), service.judged.end());
    return std::exchange(service.judged, {});
  }

  void item_from_xmpp(const std::string& node) {
    hub.item_published("pubsub", node, "1",
                       element("<json xmlns='urn:xmpp:json:0'>1</json>").document_element());
  }

  // Everything that was told is a withdrawal but the last, which is the item.
  void expect_the_item_behind_the_withdrawals(std::size_t withdrawals) {
    hub.take_deliveries(deliveries);
    ASSERT_EQ(deliveries.size(), withdrawals + 1);
    EXPECT_TRUE(std::holds_alternative<ItemPublished>(deliveries.back()));
  }

  using Judged = std::vector<std::string>;
  const Judged each_account_once{"node ", "node juliet", "node romeo"};
};

TEST_F(AccountsTest, RightsAreThoseOfTheAccount) {
  service.outcasts = {"juliet"};
  EXPECT_EQ(subscribe(1, "pubsub/json/node"), mqtt::Reason::granted_qos_0);
  EXPECT_EQ(subscribe(2, "pubsub/json/node"), mqtt::Reason::unspecified_error);
  EXPECT_EQ(subscribe(4, "pubsub/json/node"), mqtt::Reason::granted_qos_0);
  take<AudienceChange>();
  EXPECT_EQ(subscribe(3, "#"), mqtt::Reason::granted_qos_0);
  EXPECT_TRUE(take<AudienceChange>().empty());
}

TEST_F(AccountsTest, RightsOfANodeAreAskedOnceAnAccount) {
  all_subscribe("pubsub/json/node");
  hub.node_changed("pubsub", "node");
  EXPECT_EQ(judged(), each_account_once);
  hub.host_changed("pubsub");
  auto of_node = judged();
  std::erase_if(of_node, [](const std::string& each) { return !each.starts_with("node "); });
  EXPECT_EQ(of_node, each_account_once);
}

TEST_F(AccountsTest, RightsOfANewNodeAreAskedOnceAnAccount) {
  all_subscribe("#");
  all_subscribe("pubsub/json/new");
  create("new");
  EXPECT_EQ(judged(), (Judged{"new ", "new juliet", "new romeo"}));
  hub.take_deliveries(deliveries);
  EXPECT_EQ(take<AudienceChange>().size(), 4U);
}

TEST_F(AccountsTest, AnAccountIsJudgedOnceANode) {
  all_subscribe("pubsub/json/node");
  all_subscribe("pubsub/json/other");
  hub.affiliation_changed("pubsub", "node", "juliet");
  EXPECT_EQ(judged(), Judged{"node juliet"});
  hub.account_changed("juliet");
  EXPECT_EQ(judged(), (Judged{"node juliet", "other juliet"}));
  hub.account_changed("nobody");
  hub.affiliation_changed("pubsub", "node", "nobody");
  hub.affiliation_changed("pubsub", "no such node", "juliet");
  EXPECT_EQ(judged(), Judged{});
}

TEST_F(AccountsTest, AnAffiliationWithdrawsItsAccountFromItsNode) {
  all_subscribe("pubsub/json/node");
  all_subscribe("pubsub/json/other");
  all_subscribe("#");
  service.outcasts = {"juliet"};
  hub.affiliation_changed("pubsub", "node", "juliet");
  item_from_xmpp("node");
  expect_the_item_behind_the_withdrawals(2);
  EXPECT_EQ(withdrawn(), (Sessions{2, 3}));
  // It is given back.
  service.outcasts.clear();
  hub.affiliation_changed("pubsub", "node", "juliet");
  hub.take_deliveries(deliveries);
  for (const auto& change : take<AudienceChange>()) EXPECT_FALSE(change.selection.empty());
}

TEST_F(AccountsTest, AnAccountIsWithdrawnFromEveryNode) {
  all_subscribe("pubsub/json/node");
  all_subscribe("pubsub/json/other");
  service.outcasts = {"romeo"};
  hub.account_changed("romeo");
  item_from_xmpp("node");
  expect_the_item_behind_the_withdrawals(2);
  EXPECT_EQ(withdrawn(), (Sessions{4, 4}));
}

TEST_F(AccountsTest, ANodeThatChangesIsWithdrawnFromThoseWhoMayNotHaveIt) {
  all_subscribe("pubsub/json/node");
  service.outcasts = {"", "juliet"};
  hub.node_changed("pubsub", "node");
  item_from_xmpp("node");
  expect_the_item_behind_the_withdrawals(3);
  EXPECT_EQ(withdrawn(), (Sessions{1, 2, 3}));
}

TEST_F(AccountsTest, AClosedAccountIsJudgedAndItsConnectionsAreClosed) {
  all_subscribe("pubsub/json/node");
  service.outcasts = {"juliet"};
  hub.close_account("juliet", true);
  hub.take_deliveries(deliveries);
  const auto closed = take<CloseAccount>();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].account, "juliet");
  EXPECT_TRUE(closed[0].was_deleted);
  EXPECT_EQ(withdrawn(), (Sessions{2, 3}));
  hub.close_account("romeo", false);
  hub.take_deliveries(deliveries);
  EXPECT_FALSE(last_of<CloseAccount>().was_deleted);
}

TEST_F(AccountsTest, AHostThatHasGoneIsPassedOn) {
  hub.close_accounts_of("capulet.lit");
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<CloseHost>().host, "capulet.lit");
}

TEST_F(AccountsTest, RetainedMessagesAreNotReadWithoutTheRight) {
  retain("pubsub/json/node", "1");
  service.last_items["other"] = "<json xmlns='urn:xmpp:json:0'>2</json>";
  service.listeners = {"juliet"};
  for (const SessionId session : {2UL, 4UL}) {
    subscribe(session, "pubsub/json/node");
    subscribe(session, "pubsub/json/other");
    ask(RetainedRequest{.session = session});
  }
  for (const auto& batch : take<RetainedMessages>()) EXPECT_EQ(batch.session, 4U);
  EXPECT_FALSE(take<AudienceChange>().empty());
}

TEST_F(AccountsTest, TheServiceIsToldWhoPublishes) {
  ask(AskToPublish{.session = 2, .topic = "pubsub/json/node", .payload = "1"});
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  ask(AskToPublish{.session = 4, .topic = "pubsub/json/node", .payload = "1", .will = true});
  ask(AskToPublish{.session = 4, .topic = "pubsub/json/node", .payload = "", .retain = true});
  EXPECT_EQ(service.publishers, (std::vector<std::string>{"juliet", "", "romeo", "romeo"}));
}

TEST_F(AccountsTest, AnAtomEntryDoesNotNameThePublisher) {
  ask(AskToPublish{.session = 2, .topic = "pubsub/atom_title/node", .payload = "news"});
  ask(AskToPublish{.session = 1, .topic = "pubsub/atom_title/node", .payload = "news"});
  ASSERT_EQ(service.published.size(), 2U);
  EXPECT_NE(service.published[0].find("<name>pubsub</name>"), std::string::npos) << service.published[0];
  EXPECT_NE(service.published[1].find("<name>anonymous</name>"), std::string::npos) << service.published[1];
}

LoginRequest login(const std::string& client) { return {.client = {.name = client}}; }

TEST_F(AccountsTest, OneLoginAStepBeforeWhatIsQueued) {
  std::vector<Request> batch;
  for (int i = 0; i < 3; ++i) {
    batch.emplace_back(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  }
  batch.emplace_back(login("a"));
  batch.emplace_back(login("b"));
  hub.accept(batch);
  EXPECT_TRUE(service.logins.empty());
  service.outcome = Outcome::failed;
  hub.step();
  EXPECT_EQ(service.logins, std::vector<std::string>{"a"});
  EXPECT_LE(service.publishers.size(), 1U);
  hub.step();
  EXPECT_EQ(service.logins, (std::vector<std::string>{"a", "b"}));
  EXPECT_LE(service.publishers.size(), 2U);
}

TEST_F(AccountsTest, ALoginIsWorkOfItsOwn) {
  std::vector<Request> batch;
  batch.emplace_back(login("a"));
  hub.accept(batch);
  EXPECT_TRUE(hub.step());
  EXPECT_EQ(service.logins.size(), 1U);
  EXPECT_FALSE(hub.step());
}

TEST_F(AccountsTest, WhatWasFoundOutIsPassedOn) {
  hub.logged_in({.connection = 7, .reason = mqtt::Reason::success, .account = "juliet@capulet.lit"});
  hub.take_deliveries(deliveries);
  const auto reply = last_of<LoginReply>();
  EXPECT_EQ(reply.connection, 7U);
  EXPECT_EQ(reply.reason, mqtt::Reason::success);
  EXPECT_EQ(reply.account, "juliet@capulet.lit");
}

TEST_F(AccountsTest, AFloodOfLoginsIsRefused) {
  std::vector<Request> batch;
  for (ConnectionId connection = 1; connection <= 10001; ++connection) {
    batch.emplace_back(login("a"));
    std::get<LoginRequest>(batch.back()).client.connection = connection;
  }
  hub.accept(batch);
  hub.take_deliveries(deliveries);
  const auto replies = take<LoginReply>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].connection, 10001U);
  EXPECT_EQ(replies[0].reason, mqtt::Reason::server_unavailable);
}

AuthRequest begins(const std::string& client, ConnectionId connection = 1) {
  return {.client = {.connection = connection, .name = client}, .method = "SCRAM-SHA-1"};
}

TEST_F(AccountsTest, ExchangesAreAskedForInTheirOrderOneAStep) {
  std::vector<Request> batch;
  batch.emplace_back(begins("a", 1));
  batch.emplace_back(begins("b", 2));
  batch.emplace_back(login("c"));
  batch.emplace_back(AuthResponse{.connection = 1, .data = Secret("proof")});
  batch.emplace_back(EndAuth{.connection = 2});
  hub.accept(batch);
  const std::vector<std::string> in_order{"a begins", "b begins", "c", "1 says proof", "2 leaves"};
  for (std::size_t steps = 1; steps <= in_order.size(); ++steps) {
    EXPECT_TRUE(hub.step());
    EXPECT_EQ(service.logins.size(), steps);
  }
  EXPECT_EQ(service.logins, in_order);
  EXPECT_FALSE(hub.step());
}

TEST_F(AccountsTest, WhatAnExchangeFoundOutIsPassedOn) {
  hub.authenticated({.connection = 7,
                     .reason = mqtt::Reason::continue_authentication,
                     .data = "r=1,s=2,i=3",
                     .account = "juliet@capulet.lit"});
  hub.take_deliveries(deliveries);
  const auto reply = last_of<AuthReply>();
  EXPECT_EQ(reply.connection, 7U);
  EXPECT_EQ(reply.reason, mqtt::Reason::continue_authentication);
  EXPECT_EQ(reply.data, "r=1,s=2,i=3");
  EXPECT_EQ(reply.account, "juliet@capulet.lit");
}

// Those that were let in go on.
TEST_F(AccountsTest, AFloodOfExchangesIsRefused) {
  std::vector<Request> batch;
  for (ConnectionId connection = 1; connection <= 10001; ++connection) {
    batch.emplace_back(begins("a", connection));
  }
  batch.emplace_back(AuthResponse{.connection = 1, .data = Secret("proof")});
  hub.accept(batch);
  hub.take_deliveries(deliveries);
  const auto replies = take<AuthReply>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].connection, 10001U);
  EXPECT_EQ(replies[0].reason, mqtt::Reason::server_unavailable);
  while (hub.step()) {
  }
  EXPECT_EQ(service.logins.back(), "1 says proof");
}

TEST_F(AccountsTest, TheAdministratorSeesSubscriptionsAndClosesConnections) {
  subscribe(2, "pubsub/json/node");
  subscribe(2, "#");
  EXPECT_EQ(hub.subscriptions(1), 0U);
  EXPECT_EQ(hub.subscriptions(2), 2U);
  EXPECT_EQ(hub.subscriptions(1000), 0U) << "a client that has asked for nothing";
  ask(CloseSession{.session = 2});
  EXPECT_EQ(hub.subscriptions(2), 0U);

  hub.close_connection(2);
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<CloseConnection>().session, 2U);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
