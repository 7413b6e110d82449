// What accounts create and own, and rights that are withdrawn while messages flow (docs/mapping.md,
// "Rights").
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <tuple>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

MqttClient client_of(const Prosody& prosody, const std::string& user_name) {
  return MqttClient({.port = prosody.mqtt_port(), .user_name = user_name, .password = account_password});
}

class AccountNodes : public testing::Test {
 protected:
  void start(const std::string& global, const std::string& component) {
    prosody.start({.global = global, .component = "modules_enabled = { \"pubsub_mqtt\" }\n" + component});
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  }
  bool exists(const std::string& node) {
    try {
      admin->items(node);
      return true;
    } catch (const StanzaError&) {
      return false;
    }
  }
  void publish(const std::string& user_name, const std::string& node) {
    MqttClient client = client_of(prosody, user_name);
    client.publish("pubsub.localhost/json/" + node, "1", 1);
    client.messages_so_far();
  }

  Prosody prosody;
  std::optional<XmppClient> admin;
};

TEST_F(AccountNodes, ByDefaultOnlyAdministratorsCreateThem) {
  start("", "autocreate_on_publish = true");
  publish("juliet@localhost", "hers");
  prosody.log().wait_for("juliet@localhost.*PUBLISH.*mqtt_users_create_nodes");
  EXPECT_FALSE(exists("hers"));
  publish("admin@localhost", "theirs");
  EXPECT_TRUE(exists("theirs"));
}

TEST_F(AccountNodes, MqttUsersCreateNodesMakesThemOwners) {
  start("mqtt_users_create_nodes = true", "");
  publish("juliet@localhost", "hers");
  MqttClient romeo = client_of(prosody, "romeo@localhost");
  EXPECT_EQ(romeo.subscribe("pubsub.localhost/json/his"), 0);
  ASSERT_TRUE(exists("hers"));
  ASSERT_TRUE(exists("his"));
  // The owner configures it over XMPP, and nobody else does.
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  juliet.configure("hers", {{"access_model", "whitelist"}});
  EXPECT_THROW(juliet.configure("his", {{"access_model", "whitelist"}}), StanzaError);
  EXPECT_EQ(romeo.subscribe("pubsub.localhost/json/hers"), 0x80);
  publish("romeo@localhost", "hers");
  EXPECT_EQ(juliet.items("hers").size(), 1U);
}

TEST_F(AccountNodes, ThoseWithoutLoginDoNotBecomeOwners) {
  start("mqtt_users_create_nodes = true", "");
  MqttClient nobody(prosody.mqtt_port());
  nobody.publish("pubsub.localhost/json/new", "1", 1);
  nobody.messages_so_far();
  EXPECT_FALSE(exists("new"));
}

TEST_F(AccountNodes, MqttNodeDefaultsConfigureThem) {
  start("mqtt_users_create_nodes = true\nmqtt_node_defaults = { access_model = \"whitelist\" }", "");
  publish("juliet@localhost", "hers");
  MqttClient romeo = client_of(prosody, "romeo@localhost");
  EXPECT_EQ(romeo.subscribe("pubsub.localhost/json/hers"), 0x80);
  MqttClient juliet = client_of(prosody, "juliet@localhost");
  EXPECT_EQ(juliet.subscribe("pubsub.localhost/json/hers"), 0);
}

TEST_F(AccountNodes, ItemsNameTheirPublisherWhereThatIsExposed) {
  start("mqtt_users_create_nodes = true", "expose_publisher = true");
  publish("juliet@localhost", "hers");
  const pugi::xml_document answer =
      admin->request("get", "pubsub.localhost",
                     "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='hers'/></pubsub>");
  EXPECT_STREQ(answer.select_node("//item/@publisher").attribute().value(), "juliet@localhost");
}

TEST_F(AccountNodes, AnAtomEntryNamesItsPublisherWhereThatIsExposed) {
  for (const bool exposes : {true, false}) {
    start("mqtt_users_create_nodes = true", exposes ? "expose_publisher = true" : "");
    MqttClient juliet = client_of(prosody, "juliet@localhost");
    juliet.publish("pubsub.localhost/atom_title/hers", "news", 1);
    juliet.messages_so_far();
    EXPECT_NE(admin->items("hers").front().payload.find(exposes ? "<name>juliet@localhost</name>"
                                                                : "<name>pubsub.localhost</name>"),
              std::string::npos);
    juliet.disconnect();
    admin->remove("hers");
    admin.reset();
    prosody.stop();
  }
}

// A publisher at full speed on its own thread.
class FullSpeedPublisher {
 public:
  explicit FullSpeedPublisher(const Prosody& prosody)
      : client_(connected(prosody.mqtt_port(), "publisher")), thread_([this] { run(); }) {}
  ~FullSpeedPublisher() {
    stopping_ = true;
    thread_.join();
  }
  FullSpeedPublisher(const FullSpeedPublisher&) = delete;
  FullSpeedPublisher& operator=(const FullSpeedPublisher&) = delete;

 private:
  void run() {
    for (mqtt::PacketIdentifier id = 1; !stopping_; id = id == 60000 ? 1 : id + 1) {
      const std::string payload = std::to_string(++last_);
      client_.send(mqtt::Publish{.topic = "pubsub.localhost/json/node",
                                 .payload = payload,
                                 .qos = mqtt::QoS::at_least_once,
                                 .packet_identifier = id});
      if (id % 50 == 0) {
        for (int i = 0; i < 50; ++i) client_.read_packet<mqtt::Puback>();
      }
    }
  }

  RawMqtt client_;
  std::atomic<bool> stopping_ = false;
  int last_ = 0;
  std::thread thread_;
};

// By a filter, and whether messages go past pubsub (docs/architecture.md, "The direct way") or through it.
class Withdrawal : public testing::TestWithParam<std::tuple<const char*, bool>> {};

// After the withdrawal was answered, nothing arrives that pubsub accepted later.
TEST_P(Withdrawal, StopsTheStreamForTheOneAndNoOther) {
  Prosody prosody;
  prosody.start();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  const auto& [filter, is_direct] = GetParam();
  admin.create("node", {{"access_model", "open"}, {"persist_items", "false"}});
  if (!is_direct) {
    prosody.shell(R"(>prosody.hosts["pubsub.localhost"].modules.pubsub.service.events.add_handler()"
                  R"("item-published", function () end))");
  }
  MqttClient juliet = client_of(prosody, "juliet@localhost");
  MqttClient romeo = client_of(prosody, "romeo@localhost");
  ASSERT_EQ(juliet.subscribe(filter), 0);
  ASSERT_EQ(romeo.subscribe(filter), 0);
  const FullSpeedPublisher publisher(prosody);
  for (int round = 0; round < 3; ++round) {
    juliet.next_message();
    romeo.next_message();
    try {
      admin.set_affiliation("node", "juliet@localhost", "outcast");
    } catch (const StanzaError&) {  // it has changed all the same
    }
    juliet.messages_so_far();  // those accepted before
    for (int i = 0; i < 100; ++i) romeo.next_message();
    EXPECT_TRUE(juliet.messages_so_far().empty());
    admin.set_affiliation("node", "juliet@localhost", "member");
  }
}

INSTANTIATE_TEST_SUITE_P(By, Withdrawal,
                         testing::Combine(testing::Values("pubsub.localhost/json/node",
                                                          "pubsub.localhost/+/#", "#"),
                                          testing::Bool()),
                         [](const auto& withdrawal) {
                           const std::size_t filter = withdrawal.index / 2;
                           return std::string(filter == 0   ? "AName"
                                              : filter == 1 ? "AWildcard"
                                                            : "EveryWildcard") +
                                  (std::get<1>(withdrawal.param) ? "Directly" : "ThroughPubsub");
                         });

TEST(Withdrawals, CountEvenWherePubsubRaisesInThem) {
  Prosody prosody;
  prosody.start();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  MqttClient client = client_of(prosody, "juliet@localhost");
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  const std::string answer = prosody.shell(
      R"(>do local s = prosody.hosts["pubsub.localhost"].modules.pubsub.service; local store = s.config.nodestore; )"
      R"(s.config.nodestore = { set = function () error("no disk") end }; )"
      R"(local ok, err = pcall(s.set_affiliation, s, "node", true, "juliet@localhost", "outcast"); )"
      R"(s.config.nodestore = store; assert(not ok and err:find("no disk")) end)");
  ASSERT_EQ(answer.find("assertion failed"), std::string::npos) << answer;
  admin.publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_TRUE(client.messages_so_far().empty());
}

// A role can be worth an affiliation to a service, and no method of the service tells when it goes.
class RoleChange : public testing::TestWithParam<const char*> {};

TEST_P(RoleChange, IsFollowedAtOnce) {
  Prosody prosody;
  prosody.start();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  MqttClient client = client_of(prosody, "juliet@localhost");
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  prosody.shell(
      R"(>prosody.hosts["pubsub.localhost"].modules.pubsub.service.affiliations["juliet@localhost"] = "outcast")");
  prosody.shell(std::string(">prosody.events.fire_event(\"") + GetParam() +
                R"(", { username = "juliet", host = "localhost" }))");
  admin.publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_TRUE(client.messages_so_far().empty());
}

INSTANTIATE_TEST_SUITE_P(Of, RoleChange,
                         testing::Values("user-roles-changed", "user-role-changed", "user-role-added",
                                         "user-role-removed"),
                         [](const auto& event) {
                           std::string name = event.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Some of what rights depend on is read by modules when they are loaded.
TEST(AdministratorsRights, AreThoseThatPubsubGivesSinceItWasReloaded) {
  Prosody prosody;
  prosody.start();
  const std::string service = ">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service():";
  prosody.shell(service + "create('node', true, { access_model = 'whitelist' })");
  MqttClient client = client_of(prosody, "admin@localhost");
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  Configuration configuration;
  configuration.component += "\n    default_admin_affiliation = \"outcast\"";
  prosody.reload(configuration);
  prosody.shell(R"(module:reload("pubsub", "pubsub.localhost"))");
  prosody.shell(service +
                "publish('node', true, '1', require 'util.stanza'.stanza('item', "
                "{ xmlns = 'http://jabber.org/protocol/pubsub', id = '1' })"
                ":tag('json', { xmlns = 'urn:xmpp:json:0' }):text('1'))");
  EXPECT_TRUE(client.messages_so_far().empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
