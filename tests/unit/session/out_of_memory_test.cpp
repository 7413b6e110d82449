// Memory runs out at each allocation of a connection's life, one after the other: that connection ends, and nothing
// else does. What the network thread does about a failure is done here, too: the connection is destroyed.
#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"
#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using tests::Fail;
using tests::FailIn;
using tests::FailingAllocation;

constexpr auto as_json = static_cast<std::size_t>(topic::Type::json);
constexpr std::size_t most_allocations = 500;

class OutOfMemoryTest : public testing::TestWithParam<bool> {
 protected:
  OutOfMemoryTest() {
    bystander.connect("bystander");
    server.sessions.handle(NodeOpened{.node = 7, .host = "h", .name = "n"});
    server.sessions.handle(NodeOpened{.node = 8, .host = "h", .name = "m"});
    subscribe(bystander.session(), 7);
  }

  void subscribe(SessionId session, NodeId node) {
    AudienceChange change{.node = node, .session = session, .selection = {}};
    change.selection.by_form[as_json] = QoS::exactly_once;
    server.sessions.handle(change);
  }

  static ItemPublished item(NodeId node, std::string payload, QoS qos) {
    ItemPublished published{
        .node = node, .natural_type = topic::Type::json, .payloads = {}, .envelope = {.qos = qos}};
    published.payloads[as_json] = std::move(payload);
    return published;
  }

  // As the network thread's guard: what fails for a connection ends the connection.
  template <typename Work>
  void guard(Client& client, Work&& work) {
    if (client.connection == nullptr || client.outbox.closed) return;
    try {
      work();
    } catch (const std::exception&) {
      client.lose();
    }
  }

  void send(Client& client, const std::string& bytes) {
    guard(client, [&] {
      std::string_view input = bytes;
      client.connection->receive(input, Time{0});
    });
  }

  // A delivery is given up where there is no memory for it at all, as the network thread does.
  void tell(Delivery&& delivery) {
    try {
      server.sessions.handle(std::move(delivery));
    } catch (const std::exception&) {
    }
  }

  Server server;
  Client bystander{server};
};

TEST_P(OutOfMemoryTest, OnlyOneConnectionEnds) {
  const bool clean = GetParam();
  const std::string connect =
      bytes_of(mqtt::Connect{.clean_session = clean,
                             .client_identifier = "a client identifier of some length",
                             .will = mqtt::Publish{.topic = "h/json/w", .payload = "a will of some length"}});
  const std::string publish = bytes_of(
      mqtt::Publish{.topic = "h/json/o", .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 1});
  const std::string subscribe_packet = bytes_of(mqtt::Subscribe{
      .packet_identifier = 2, .subscriptions = {{.topic_filter = "a filter of some length/json/n"}}});
  const std::string pubrec = bytes_of(mqtt::Pubrec{.packet_identifier = 1});
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    std::vector<Request>().swap(server.requests);
    std::vector<LogLine>().swap(server.log);
    {
      Client client(server);
      FailingAllocation failing(n, FailIn::this_thread);
      send(client, connect);
      failing.pause();
      client.note_session();
      subscribe(client.session(), 8);
      Delivery published = item(8, "2", QoS::exactly_once);
      failing.go_on();
      tell(std::move(published));
      send(client, pubrec);
      send(client, subscribe_packet);
      send(client, publish);
      failing.pause();
      const auto requests = server.requested<PublishRequest>();
      failing.go_on();
      for (const auto& request : requests) {
        failing.pause();
        Delivery reply = PublishReply{.ticket = request.ticket, .topic = request.publication.topic};
        failing.go_on();
        if (!request.ticket.will) tell(std::move(reply));
      }
      client.lose();
      failing.pause();
      failed = failing.has_failed();
    }
    // What memory did not suffice for is done when there is some again.
    server.sessions.expire(Time{0});
    std::size_t wills = 0;
    for (const auto& request : server.requested<PublishRequest>()) wills += request.ticket.will ? 1 : 0;
    EXPECT_LE(wills, 1U);
    if (server.logged("\": connected,")) {
      EXPECT_EQ(wills, 1U);
    }
    if (clean) {
      EXPECT_EQ(server.sessions.size(), 1U);
    }
    EXPECT_LE(server.sessions.size(), 2U);
    // The others are served as before.
    EXPECT_FALSE(bystander.outbox.closed);
    bystander.outbox.take();
    server.sessions.handle(item(7, "3", QoS::at_most_once));
    bystander.send(mqtt::Pingreq{});
    EXPECT_EQ(bystander.outbox.take(),
              bytes_of(mqtt::Publish{.topic = "h/json/n", .payload = "3"}) + bytes_of(mqtt::Pingresp{}));
  }
  EXPECT_GT(n, 20U);
  EXPECT_LT(n, most_allocations);
}

// The client is back before the end of its connection, for which memory did not suffice, has been carried out.
TEST_P(OutOfMemoryTest, WhoIsBackAtOnceLosesNoWill) {
  const std::string identifier = "a client identifier of some length";
  Client client(server);
  client.send(mqtt::Connect{.clean_session = GetParam(),
                            .client_identifier = identifier,
                            .will = mqtt::Publish{.topic = "h/json/w", .payload = "the old will"}});
  std::vector<Request>().swap(server.requests);  // no room in it
  {
    const FailingAllocation failing(1, FailIn::this_thread, Fail::from_then_on);
    client.lose();
  }
  ASSERT_TRUE(server.requests.empty());
  Client again(server);
  again.send(mqtt::Connect{.clean_session = false,
                           .client_identifier = identifier,
                           .will = mqtt::Publish{.topic = "h/json/w", .payload = "the new will"}});
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = !GetParam()}));
  const auto requests = server.requested<PublishRequest>();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].publication.payload, "the old will");
}

INSTANTIATE_TEST_SUITE_P(, OutOfMemoryTest, testing::Bool(), [](const auto& param) {
  return param.param ? "OfACleanSession" : "OfAStoredSession";
});

}  // namespace
}  // namespace pubsub_mqtt::session
