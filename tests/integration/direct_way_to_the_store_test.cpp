// Messages that go past pubsub to a node that persists: they are stored as pubsub stores them, and whatever XMPP asks
// or changes meanwhile, it is as if they had gone through pubsub (docs/architecture.md, "The direct way").
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <regex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "counting_clients.h"
#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr std::size_t max_items = 20;
const Fields persistent = {
    {"access_model", "open"}, {"persist_items", "true"}, {"max_items", std::to_string(max_items)}};
const Configuration items_in_the_store{.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    expose_publisher = true
    autocreate_on_publish = true)"};

// Lua for the admin shell, with `service` of pubsub.localhost at hand.
void run_in_pubsub(const Prosody& prosody, const std::string& lua) {
  const std::string answer =
      prosody.shell(">do local service = prosody.hosts[\"pubsub.localhost\"].modules.pubsub.get_service(); " +
                    lua + " end");
  ASSERT_EQ(answer.find("rror"), std::string::npos) << answer;
}

class DirectWayToTheStore : public testing::Test {
 protected:
  void SetUp() override { start(items_in_the_store); }

  void start(const Configuration& configuration) {
    prosody.start(configuration);
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
    admin->create("node", persistent);
  }

  std::vector<std::string> payloads() {
    std::vector<std::string> payloads;
    for (const auto& item : admin->items("node")) {
      constexpr std::string_view before = "<json xmlns='urn:xmpp:json:0'>";
      payloads.push_back(item.payload.substr(before.size(), item.payload.find('<', 1) - before.size()));
    }
    return payloads;
  }

  Prosody prosody;
  std::optional<XmppClient> admin;
};

// Whatever becomes of sessions.
class DirectWayToTheStoreWith : public DirectWayToTheStore, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Configuration configuration = items_in_the_store;
    configuration.global = std::string("mqtt_durability = \"") + GetParam() + '"';
    start(configuration);
  }
};

// Lua reads the node's items before it has heard of anything that happened meanwhile: what went past it is there.
TEST_P(DirectWayToTheStoreWith, IsTakenWhileProsodysThreadIsBusy) {
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publish(publisher, {.topic = counted_topic, .payload = "0", .qos = mqtt::QoS::at_least_once});
  const std::string end_of_work = "go on";  // a file, or half a minute
  std::atomic<bool> is_busy = true;
  std::jthread busy([&] {
    run_in_pubsub(
        prosody,
        "prosody.log(\"info\", \"busy now\"); local ends = os.time() + 30; while os.time() < ends and not "
        "io.open(\"" +
            prosody.folder().path(end_of_work) +
            "\") do end; local ok, id, item = service:get_last_item(\"node\", true); "
            "prosody.log(\"info\", \"the last is %s\", item)");
    is_busy = false;
  });
  prosody.log().wait_for("busy now");
  publish_numbers(publisher, 1000);
  EXPECT_TRUE(is_busy);
  prosody.folder().write(end_of_work, "");
  busy.join();
  prosody.log().wait_for("the last is .*>1000<");
  EXPECT_EQ(payloads().size(), max_items);
}

INSTANTIATE_TEST_SUITE_P(Durability, DirectWayToTheStoreWith, testing::Values("disk", "process", "memory"),
                         [](const auto& test) { return std::string(test.param); });

// Of an Atom entry that a publish has made: each has an identifier, and its time.
std::string without_what_is_its_own(const std::string& payload) {
  static const std::regex id("<id>urn:uuid:[0-9a-f-]{36}</id>");
  static const std::regex updated("<updated>[0-9T:-]{19}Z</updated>");
  return std::regex_replace(std::regex_replace(payload, id, "<id/>"), updated, "<updated/>");
}

// As pubsub has stored the first, so are the others: payload, publisher and time.
TEST_F(DirectWayToTheStore, StoresWhatPubsubWould) {
  const std::vector<std::pair<std::string, std::string>> messages = {
      {"json", R"({"a": "<&>'\"\t \u00e9"})"},
      {"utf8", "<&>'\"\t\r\n \xC3\xA9"},
      {"utf8", ""},
      {"xml", "<a xmlns='urn:a' xmlns:b='urn:b' b:c='&#10;&#9;'><b:d/>&#13; text <e xmlns='urn:e'/></a>"},
      {"binary", std::string("\0\1\2", 3)},
      {"any", "[1]"},
      {"any", "text"},
      {"any", std::string("\xFF", 1)},
      {"atom_title", "a title"}};
  RawMqtt publisher(prosody.mqtt_port());
  connect(publisher,
          {.client_identifier = "publisher", .user_name = "juliet@localhost", .password = account_password});
  admin->set_affiliation("node", "juliet@localhost", "publisher");
  std::vector<std::string> ids;
  for (const auto& [type, payload] : messages) {
    const std::string to = "pubsub.localhost/" + type + "/node";
    for (int i = 0; i < 2; ++i)
      publish(publisher, {.topic = to, .payload = payload, .qos = mqtt::QoS::at_least_once});
  }
  const auto items = admin->items("node");
  ASSERT_EQ(items.size(), 2 * messages.size());
  for (std::size_t i = 0; i < items.size(); i += 2) {
    EXPECT_NE(items[i].id, items[i + 1].id);
    EXPECT_EQ(without_what_is_its_own(items[i].payload), without_what_is_its_own(items[i + 1].payload)) << i;
  }
  run_in_pubsub(
      prosody,
      "local archive = require \"core.storagemanager\".get_driver(\"pubsub.localhost\", \"pubsub_data\")"
      ":open(\"pubsub_node\", \"archive\"); "
      "for id, item, at, with in archive:find(nil, {}) do "
      "assert(with == \"juliet@localhost\", \"error: by \"..tostring(with)); "
      "assert(math.type(at) == \"integer\" and math.abs(at - os.time()) < 60, \"error: at \"..at) end");
}

struct Change {
  const char* name;
  std::function<void(const Prosody&, XmppClient&)> make;
  std::function<void(const Prosody&, XmppClient&)> undo;
};

const std::array<Change, 8> changes = {{
    {"MaxItems",
     [](const Prosody&, XmppClient& admin) {
       admin.configure("node", {{"max_items", "3"}});
       EXPECT_LE(admin.items("node").size(), 3U);
     },
     [](const Prosody&, XmppClient& admin) { admin.configure("node", persistent); }},
    {"Purge", [](const Prosody&, XmppClient& admin) { admin.purge("node"); },
     [](const Prosody&, XmppClient&) {}},
    {"Deletion",
     [](const Prosody& prosody, XmppClient&) {
       run_in_pubsub(prosody, R"(service:delete("node", true); assert(service:create("node", true, )"
                              R"({ access_model = "open", max_items = 20 })))");
     },
     [](const Prosody&, XmppClient&) {}},
    {"Retraction",
     [](const Prosody& prosody, XmppClient&) {
       // What is there is there until it is retracted, and not any more then.
       run_in_pubsub(prosody, R"(local ok, id = service:get_last_item("node", true); )"
                              R"(assert(service:retract("node", true, id)); )"
                              R"(assert(not service.data.node:get(id), "error: it is there"))");
     },
     [](const Prosody&, XmppClient&) {}},
    {"Subscription", [](const Prosody&, XmppClient& admin) { admin.subscribe("node"); },
     [](const Prosody& prosody, XmppClient&) {
       run_in_pubsub(prosody,
                     R"(service:remove_subscription("node", true, next(service.nodes.node.subscribers)))");
     }},
    {"PersistItems",
     [](const Prosody&, XmppClient& admin) {
       admin.configure("node", {{"persist_items", "false"}});
     },
     [](const Prosody&, XmppClient& admin) { admin.configure("node", persistent); }},
    {"AnItemFromXmpp",
     [](const Prosody& prosody, XmppClient&) {
       // It is the last, when it is published, and stays where it is.
       run_in_pubsub(
           prosody,
           R"(local st = require "util.stanza"; local xmlns = "http://jabber.org/protocol/pubsub"; )"
           R"(local item = st.stanza("item", { xmlns = xmlns, id = "x" }):tag("a", { xmlns = "urn:a" }):up(); )"
           R"(assert(service:publish("node", true, "x", item)); )"
           R"(assert(service:retract("node", true, "x")))");
     },
     [](const Prosody&, XmppClient&) {}},
    {"AReloadOfBothModules",
     [](const Prosody& prosody, XmppClient&) {
       run_in_pubsub(prosody,
                     R"(require "core.modulemanager".reload("pubsub.localhost", "storage_pubsub_mqtt"); )"
                     R"(require "core.modulemanager".reload("pubsub.localhost", "pubsub_mqtt"))");
     },
     [](const Prosody&, XmppClient&) {}},
}};

class DirectWayToTheStoreUnderLoad : public DirectWayToTheStore,
                                     public testing::WithParamInterface<std::tuple<int, int>> {};

TEST_P(DirectWayToTheStoreUnderLoad, IsLeftAndTakenAgainWithoutATrace) {
  const Change& change = changes.at(static_cast<std::size_t>(std::get<0>(GetParam())));
  const auto qos = static_cast<mqtt::QoS>(std::get<1>(GetParam()));
  int last = 0;
  {
    CountingSubscriber subscriber(prosody, qos);
    CountingPublisher publisher(prosody, qos, subscriber);
    for (int round = 0; round < 10 && !HasFailure(); ++round) {
      change.make(prosody, *admin);
      subscriber.wait_for(publisher.last() + 200);
      change.undo(prosody, *admin);
      subscriber.wait_for(publisher.last() + 200);
    }
    publisher.stop();
    last = publisher.last();
  }
  // The newest, each once and in order.
  std::vector<std::string> expected;
  for (int i = last - static_cast<int>(max_items) + 2; i <= last; ++i) expected.push_back(std::to_string(i));
  expected.emplace_back(end_of_count);
  EXPECT_EQ(payloads(), expected);
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start(items_in_the_store);
  admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  EXPECT_EQ(payloads(), expected);
}

INSTANTIATE_TEST_SUITE_P(For, DirectWayToTheStoreUnderLoad,
                         testing::Combine(testing::Range(0, static_cast<int>(changes.size())),
                                          testing::Range(0, 3)),
                         [](const auto& test) {
                           const auto& change = changes.at(static_cast<std::size_t>(std::get<0>(test.param)));
                           return std::string(change.name) + "AtQos" +
                                  std::to_string(std::get<1>(test.param));
                         });

// What is published after the answer to a purge is there, and nothing that was before.
TEST_F(DirectWayToTheStore, HasNothingFromBeforeAPurge) {
  constexpr auto qos = mqtt::QoS::at_least_once;
  CountingSubscriber subscriber(prosody, qos);
  CountingPublisher publisher(prosody, qos, subscriber);
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    subscriber.wait_for(publisher.last() + 100);
    const int before = publisher.acknowledged();
    admin->purge("node");
    for (const auto& payload : payloads()) EXPECT_GT(std::stoi(payload), before);
  }
}

// Where a node's newest item is sent to new subscribers, it is the newest, however it came.
TEST_F(DirectWayToTheStore, TheNewestItemComesInPlaceOfARetainedMessage) {
  admin->configure("node", {{"send_last_published_item", "on_sub"}});
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  const auto at_qos_1 = [&](const char* payload, bool retain = false) {
    publish(publisher,
            {.topic = counted_topic, .payload = payload, .qos = mqtt::QoS::at_least_once, .retain = retain});
  };
  for (const char* payload : {"1", "2", "3"}) at_qos_1(payload);
  at_qos_1("4", true);
  at_qos_1("", true);  // nothing older is sent
  RawMqtt early = connected(prosody.mqtt_port(), "early");
  early.subscribe(counted_topic);
  EXPECT_TRUE(messages_so_far(early).empty());
  for (const char* payload : {"5", "6", "7"}) at_qos_1(payload);
  RawMqtt late = connected(prosody.mqtt_port(), "late");
  late.subscribe(counted_topic);
  EXPECT_EQ(next_message(late).payload, "7");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
