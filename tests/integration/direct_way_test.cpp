// Messages that go from MQTT to MQTT past pubsub, and back to it whenever somebody may be looking there
// (docs/architecture.md, "The direct way").
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>

#include "counting_clients.h"
#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* direct_topic = counted_topic;
const Fields not_persistent = {{"access_model", "open"}, {"persist_items", "false"}};

// Lua for the admin shell, with `service`, `host` and `events` of pubsub.localhost at hand.
std::string in_pubsub(const std::string& lua) {
  return ">do local host = prosody.hosts[\"pubsub.localhost\"]; local service = "
         "host.modules.pubsub.get_service(); "
         "local events = service.events; " +
         lua + " end";
}

class DirectWay : public RunningProsody {
 protected:
  void SetUp() override {
    // What pubsub sees of thousands of messages, it stores: not on a disk.
    prosody.start({.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "memory"
    autocreate_on_publish = true)"});
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
    admin->create("node", not_persistent);
  }

  std::optional<XmppClient> admin;
};

TEST_F(DirectWay, GoesOnWhileProsodysThreadIsBusy) {
  RawMqtt subscriber = connected(prosody.mqtt_port(), "subscriber");
  ASSERT_NE(subscriber.subscribe(direct_topic), mqtt::Reason::unspecified_error);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publish(publisher, {.topic = direct_topic, .payload = "0", .qos = mqtt::QoS::at_least_once});
  const std::string end_of_work = "go on";  // a file, or half a minute
  std::atomic<bool> is_busy = true;
  std::jthread shell([&] {
    prosody.shell(
        in_pubsub("prosody.log(\"info\", \"busy now\"); local ends = os.time() + 30; while os.time() < ends "
                  "and not io.open(\"" +
                  prosody.folder().path(end_of_work) + "\") do end"));
    is_busy = false;
  });
  prosody.log().wait_for("busy now");
  publish_numbers(publisher, 1000);
  EXPECT_TRUE(is_busy);
  prosody.folder().write(end_of_work, "");
  for (int i = 0; i <= 1000; ++i) EXPECT_EQ(next_message(subscriber).payload, std::to_string(i));
  shell.join();
}

struct Flip {
  const char* name;
  // Somebody comes to look at what is published, or may do so; and goes.
  std::function<void(const Prosody&, XmppClient&)> there;
  std::function<void(const Prosody&, XmppClient&)> back;
};

void shell(const Prosody& prosody, const std::string& lua) {
  const std::string answer = prosody.shell(in_pubsub(lua));
  ASSERT_EQ(answer.find("rror"), std::string::npos) << answer;
}

const std::array<Flip, 10> flips = {{
    {"ASubscription", [](const Prosody&, XmppClient& admin) { admin.subscribe("node"); },
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(service:remove_subscription("node", true, next(service.nodes.node.subscribers)))");
     }},
    {"AConfiguration",
     [](const Prosody&, XmppClient& admin) {
       admin.configure("node", {{"persist_items", "true"}, {"max_items", "1"}});
     },
     [](const Prosody&, XmppClient& admin) { admin.configure("node", not_persistent); }},
    {"AnAffiliation",
     [](const Prosody&, XmppClient& admin) { admin.set_affiliation("node", "romeo@localhost", "publisher"); },
     [](const Prosody&, XmppClient& admin) { admin.set_affiliation("node", "romeo@localhost", "none"); }},
    {"ADeletion",
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(service:delete("node", true); )"
                      R"(service:create("node", true, { access_model = "open", persist_items = false }))");
     },
     [](const Prosody&, XmppClient&) {}},
    {"AHandler",
     [](const Prosody& prosody, XmppClient&) {
       shell(
           prosody,
           R"(prosody.test_handler = function () end; events.add_handler("item-published", prosody.test_handler))");
     },
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(events.remove_handler("item-published", prosody.test_handler))");
     }},
    {"AHandlerOfTheNode",
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(prosody.test_handler = function () end; )"
                      R"(events.add_handler("item-published/node", prosody.test_handler))");
     },
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(events.remove_handler("item-published/node", prosody.test_handler))");
     }},
    {"AWrapper",
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(prosody.test_wrapper = function (fire, name, data) return fire(name, data) end; )"
                      R"(events.wrappers.add_handler(false, prosody.test_wrapper))");
     },
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(events.wrappers.remove_handler(false, prosody.test_wrapper))");
     }},
    {"AReloadOfPubsub",
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(require "core.modulemanager".reload("pubsub.localhost", "pubsub"))");
     },
     [](const Prosody&, XmppClient&) {}},
    {"AReloadOfThisModule",
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody, R"(require "core.modulemanager".reload("pubsub.localhost", "pubsub_mqtt"))");
     },
     [](const Prosody&, XmppClient&) {}},
    {"ARole",
     [](const Prosody& prosody, XmppClient&) {
       shell(prosody,
             R"(prosody.events.fire_event("user-role-changed", { username = "romeo", host = "localhost" }))");
     },
     [](const Prosody&, XmppClient&) {}},
}};

class DirectWayUnderLoad : public DirectWay, public testing::WithParamInterface<std::tuple<int, int>> {};

// Whatever way each message takes: none is lost, doubled or overtaken.
TEST_P(DirectWayUnderLoad, IsLeftAndTakenAgainWithoutATrace) {
  const Flip& flip = flips.at(static_cast<std::size_t>(std::get<0>(GetParam())));
  const auto qos = static_cast<mqtt::QoS>(std::get<1>(GetParam()));
  CountingSubscriber subscriber(prosody, qos);
  CountingPublisher publisher(prosody, qos, subscriber);
  for (int round = 0; round < 10 && !HasFailure(); ++round) {
    flip.there(prosody, *admin);
    subscriber.wait_for(publisher.last() + 200);
    flip.back(prosody, *admin);
    subscriber.wait_for(publisher.last() + 200);
  }
}

INSTANTIATE_TEST_SUITE_P(For, DirectWayUnderLoad,
                         testing::Combine(testing::Range(0, static_cast<int>(flips.size())),
                                          testing::Range(0, 3)),
                         [](const auto& test) {
                           return std::string(
                                      flips.at(static_cast<std::size_t>(std::get<0>(test.param))).name) +
                                  "AtQos" + std::to_string(std::get<1>(test.param));
                         });

// Of the next item.
int next_number(XmppClient& client) {
  constexpr std::string_view before = "<json xmlns='urn:xmpp:json:0'>";
  return std::stoi(client.next_event().payload.substr(before.size()));
}

// What is published after the answer to a change is seen by whom the change brought.
TEST_F(DirectWay, AnXmppSubscriberGetsWhatIsPublishedAfterItsSubscription) {
  constexpr auto qos = mqtt::QoS::at_least_once;
  CountingSubscriber subscriber(prosody, qos);
  CountingPublisher publisher(prosody, qos, subscriber);
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  int last_seen = 0;
  for (int round = 0; round < 10 && !HasFailure(); ++round) {
    juliet.subscribe("node");
    const int subscribed = publisher.last();
    int number = next_number(juliet);
    while (number <= last_seen) number = next_number(juliet);  // of the round before
    EXPECT_LE(number, subscribed + 1);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(next_number(juliet), ++number);
    shell(prosody, R"(service:remove_subscription("node", true, "juliet@localhost"))");
    last_seen = publisher.last();
    subscriber.wait_for(last_seen + 200);
  }
}

// A handler of pubsub's events, another module's say, likewise.
TEST_F(DirectWay, AHandlerSeesWhatIsPublishedAfterItWasAdded) {
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publish(publisher, {.topic = direct_topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
  for (int round = 0; round < 20; ++round) {
    shell(prosody, R"(prosody.test_seen = 0; )"
                   R"(prosody.test_handler = function () prosody.test_seen = prosody.test_seen + 1 end; )"
                   R"(events.add_handler("item-published", prosody.test_handler))");
    publish(publisher, {.topic = direct_topic, .payload = "2", .qos = mqtt::QoS::at_least_once});
    shell(prosody, R"(events.remove_handler("item-published", prosody.test_handler); )"
                   R"(assert(prosody.test_seen == 1, "error: not seen"))");
    publish(publisher, {.topic = direct_topic, .payload = "3", .qos = mqtt::QoS::at_least_once});
  }
}

// Publishes one message, which is accepted.
void expect_accepted(const Prosody& prosody, const std::string& to) {
  RawMqtt publisher = connected(prosody.mqtt_port(), "one more publisher");
  publish(publisher, {.topic = to, .payload = "1", .qos = mqtt::QoS::at_least_once});
}

// Whoever was there before this module sees what he saw.
TEST_F(DirectWay, AWrapperOfTheBroadcastThatWasThereBeforeSeesWhatIsPublished) {
  shell(prosody,
        "prosody.test_seen = 0; local original = service.broadcast; "
        "function service.broadcast(...) prosody.test_seen = prosody.test_seen + 1; "
        "return original(...) end");
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  for (int i = 0; i < 3; ++i)
    publish(publisher, {.topic = direct_topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
  shell(prosody, R"(assert(prosody.test_seen == 3, "error: seen " .. prosody.test_seen))");
}

TEST_F(DirectWay, AHandlerMayDeleteTheNodeOfTheItem) {
  shell(prosody, R"(prosody.test_handler = function () service:delete("node", true) end; )"
                 R"(events.add_handler("item-published", prosody.test_handler))");
  expect_accepted(prosody, direct_topic);
}

// Whoever keeps the event from others.
TEST_F(DirectWay, ASubscriptionCountsWhoeverHandlesItsEvent) {
  shell(prosody, R"(events.add_handler("subscription-added", function () return true end, 10))");
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  for (int i = 0; i < 2; ++i)
    publish(publisher, {.topic = direct_topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  juliet.subscribe("node");
  publish(publisher, {.topic = direct_topic, .payload = "2", .qos = mqtt::QoS::at_least_once});
  EXPECT_EQ(next_number(juliet), 2);
}

TEST(DirectWayOfTwoHosts, OneReloadedLeavesTheOther) {
  Prosody prosody;
  prosody.start({.more_hosts = R"(Component "news.localhost" "pubsub"
    modules_enabled = { "pubsub_mqtt" })"});
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", not_persistent);
  prosody.shell(R"(module:reload("pubsub_mqtt", "news.localhost"))");
  expect_accepted(prosody, direct_topic);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
