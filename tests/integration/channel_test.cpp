// What clients ask for below $pubsub/, as they and their users do (docs/mapping.md, "History and lists over MQTT").
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mosquitto_command.h"
#include "mqtt_client.h"
#include "raw_mqtt_5.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using namespace mqtt_5;
using enum mqtt::QoS;
using Words = std::vector<std::string>;

constexpr const char* text_item = "<data xmlns='https://prosody.im/protocol/mqtt'>";

// A client of MQTT 5.0 that asks and reads the answer.
class Requester {
 public:
  Requester(const Prosody& prosody, const std::string& account = {}, const Client& options = {})
      : client_(prosody.mqtt_port()) {
    mqtt::Connect connect{.level = mqtt::ProtocolLevel::mqtt_5,
                          .clean_session = options.clean_start,
                          .client_identifier = options.identifier,
                          .properties = mqtt::Properties(options.properties)};
    const std::string user_name = account + "@localhost";
    if (!account.empty()) {
      connect.user_name = user_name;
      connect.password = account_password;
    }
    client_.send(connect);
    EXPECT_EQ(client_.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
  }

  mqtt::Reason subscribe() { return mqtt_5::subscribe(client_, {.topic_filter = "$pubsub/reply/#"}); }

  void send(const std::string& request, const std::string& payload = {},
            const std::string& correlation_data = "7") {
    const auto encoded =
        properties({{Id::response_topic, "$pubsub/reply/test"}, {Id::correlation_data, correlation_data}});
    client_.send(mqtt::Publish{.topic = "$pubsub/" + request,
                               .payload = payload,
                               .qos = at_least_once,
                               .packet_identifier = 9,
                               .properties = mqtt::Properties(encoded)});
  }

  rapidjson::Document receive_answer(const std::string& correlation_data = "7") {
    const Received received = receive(client_);
    EXPECT_EQ(received.topic, "$pubsub/reply/test");
    EXPECT_EQ(received.qos, at_most_once);
    EXPECT_FALSE(received.retain);
    const mqtt::Properties said(received.properties);
    EXPECT_EQ(said.bytes(Id::correlation_data), correlation_data);
    EXPECT_EQ(said.bytes(Id::content_type), "application/json");
    EXPECT_EQ(client_.read_packet<mqtt::Puback>().reason, mqtt::Reason::success);
    rapidjson::Document answer;
    answer.Parse(received.payload.data(), received.payload.size());
    EXPECT_TRUE(answer.IsObject()) << received.payload;
    text = received.payload;
    return answer;
  }

  rapidjson::Document ask(const std::string& request, const std::string& payload = {}) {
    send(request, payload);
    return receive_answer();
  }

  // Its error, or "".
  std::string error(const std::string& request, const std::string& payload = {}) {
    const auto answer = ask(request, payload);
    if (!answer.HasMember("error")) return {};
    EXPECT_TRUE(answer["text"].IsString());
    return answer["error"].GetString();
  }

  // Of each row of a list, in all pages.
  Words pages(const std::string& request, const char* list, const char* name, int limit) {
    Words words;
    std::string after;
    do {
      const auto answer = ask(request, "{\"limit\":" + std::to_string(limit) + after + "}");
      EXPECT_LE(answer[list].Size(), static_cast<unsigned>(limit));
      for (const auto& row : answer[list].GetArray()) words.emplace_back(row[name].GetString());
      after.clear();
      if (answer.HasMember("next")) after = ",\"after\":\"" + std::string(answer["next"].GetString()) + "\"";
    } while (!after.empty());
    return words;
  }

  RawMqtt& client() { return client_; }

  std::string text;  // the last answer

 private:
  RawMqtt client_;
};

Requester subscribed(const Prosody& prosody, const std::string& account = {}, const Client& options = {}) {
  Requester requester(prosody, account, options);
  EXPECT_EQ(requester.subscribe(), mqtt::Reason::granted_qos_0);
  return requester;
}

class Channel : public testing::Test {
 protected:
  void start(const Configuration& configuration = {}) {
    prosody.start(configuration);
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  }

  // As somebody types it; the line that comes.
  std::string mosquitto_rr(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"mosquitto_rr", "-V", "5", "-p", std::to_string(prosody.mqtt_port())});
    MosquittoCommand command(std::move(arguments));
    const std::string answer = command.output().wait_for("^\\{");
    EXPECT_EQ(command.wait(), 0);
    return answer;
  }

  Prosody prosody;
  std::optional<XmppClient> admin;
};

TEST_F(Channel, ShowsTheHistoryOfANodeToMosquittoRr) {
  start();
  admin->create("node");
  admin->publish("node", "1", "<json xmlns='urn:xmpp:json:0'>21</json>");
  admin->publish("node", "2", "<json xmlns='urn:xmpp:json:0'>{\"a\":22}</json>");
  const std::string line = mosquitto_rr({"-t", "$pubsub/items/pubsub.localhost/json/node", "-e",
                                         "$pubsub/reply/x", "-m", "{\"limit\":10}", "-q", "1"});
  rapidjson::Document answer;
  answer.Parse(line.c_str());
  ASSERT_TRUE(answer.IsObject()) << line;
  const auto& items = answer["items"];
  ASSERT_EQ(items.Size(), 2U);
  EXPECT_STREQ(items[0]["id"].GetString(), "2");
  EXPECT_STREQ(items[0]["text"].GetString(), "{\"a\":22}");
  EXPECT_STREQ(items[0]["type"].GetString(), "json");
  EXPECT_TRUE(items[0]["publisher"].IsNull()) << "expose_publisher is not set";
  EXPECT_EQ(std::string(items[0]["published"].GetString()).size(),
            std::string("2026-11-27T10:00:00Z").size());
  EXPECT_STREQ(items[1]["id"].GetString(), "1");
  EXPECT_FALSE(answer.HasMember("next"));
}

TEST_F(Channel, PagesHaveAllItemsTheNewestFirst) {
  for (const char* storage : {"internal", "memory", "sql", "pubsub_mqtt"}) {
    SCOPED_TRACE(storage);
    Prosody server;
    server.start(
        {.global =
             "sql = { driver = \"SQLite3\", database = \"items.sqlite\" }\nstorage = { pubsub_data = \"" +
             std::string(storage) + "\" }"});
    XmppClient owner("admin@localhost", account_password, server.c2s_port());
    owner.create("node", {{"max_items", "200"}});
    Words expected;
    for (int i = 0; i < 150; ++i) {
      owner.publish("node", "item " + std::to_string(i), text_item + std::to_string(i) + "</data>");
      expected.insert(expected.begin(), std::to_string(i));
    }
    Requester client = subscribed(server);
    for (const int limit : {7, 150, 1000})
      EXPECT_EQ(client.pages("items/pubsub.localhost/utf8/node", "items", "text", limit), expected) << limit;
    EXPECT_EQ(client.error("items/pubsub.localhost/utf8/node", R"({"after":"no such item"})"),
              "item-not-found");
  }
}

TEST_F(Channel, ItemsAreInTheFormOfTheTypeThatWasAsked) {
  start({.component =
             "modules_enabled = { \"pubsub_mqtt\" }\nautocreate_on_publish = true\nexpose_publisher = true"});
  admin->create("node", {{"max_items", "10"}});
  admin->publish("node", "text", text_item + std::string("a\"\\\n\xC3\xA4</data>"));
  admin->publish("node", "picture", "<data xmlns='urn:xmpp:bob' type='image/png' cid='x'>/wD+</data>");
  admin->publish("node", "element", "<a xmlns='b'/>");
  Requester client = subscribed(prosody, "admin");
  const auto any = client.ask("items/pubsub.localhost/any/node");
  const auto& items = any["items"];
  ASSERT_EQ(items.Size(), 3U) << client.text;
  EXPECT_STREQ(items[0]["type"].GetString(), "xml");
  EXPECT_STREQ(items[0]["text"].GetString(), "<a xmlns='b'/>");
  EXPECT_STREQ(items[1]["type"].GetString(), "binary");
  EXPECT_STREQ(items[1]["media"].GetString(), "image/png");
  EXPECT_STREQ(items[1]["base64"].GetString(), "/wD+");
  EXPECT_FALSE(items[1].HasMember("text"));
  EXPECT_STREQ(items[2]["text"].GetString(), "a\"\\\n\xC3\xA4");
  EXPECT_STREQ(items[2]["publisher"].GetString(), "admin@localhost");
  EXPECT_EQ(client.ask("items/pubsub.localhost/utf8/node")["items"].Size(), 1U);
  EXPECT_EQ(client.ask("items/pubsub.localhost/json/node")["items"].Size(), 0U);
  EXPECT_EQ(client.error("items/pubsub.localhost/other/node"), "item-not-found");
}

TEST_F(Channel, ANodeThatDoesNotPersistHasNoItems) {
  start();
  admin->create("node", {{"persist_items", "false"}});
  admin->publish("node", "1", text_item + std::string("1</data>"));
  Requester client = subscribed(prosody);
  EXPECT_EQ(client.ask("items/pubsub.localhost/utf8/node")["items"].Size(), 0U);
}

TEST_F(Channel, WhatMqttHasPublishedIsThereAtOnce) {
  start();
  Requester client = subscribed(prosody);
  RawMqtt publisher = mqtt_5::connected(prosody.mqtt_port(), {.identifier = "publisher"});
  for (const char* value : {"1", "2", "3"}) {
    publish(publisher, {.topic = "pubsub.localhost/utf8/node", .payload = value, .qos = at_least_once});
    EXPECT_STREQ(
        client.ask("items/pubsub.localhost/utf8/node", R"({"limit":1})")["items"][0]["text"].GetString(),
        value);
  }
}

TEST_F(Channel, ShowsAnAccountTheNodesThatItMayReadAndWhatItMayDo) {
  start();
  admin->create("closed", {{"access_model", "whitelist"}, {"title", "Of admin"}});
  admin->create("open", {{"access_model", "open"}, {"title", "A title"}, {"description", "Words"}});
  admin->create("shared", {{"access_model", "whitelist"}, {"persist_items", "false"}});
  admin->set_affiliation("shared", "juliet@localhost", "publisher");
  Requester owner = subscribed(prosody, "admin");
  Requester juliet = subscribed(prosody, "juliet");
  Requester nobody = subscribed(prosody);
  const char* request = "nodes/pubsub.localhost";
  EXPECT_EQ(owner.pages(request, "nodes", "node", 2), (Words{"closed", "open", "shared"}));
  EXPECT_EQ(juliet.pages(request, "nodes", "node", 1), (Words{"open", "shared"}));
  EXPECT_EQ(nobody.pages(request, "nodes", "node", 1), (Words{"open"}));

  const auto answer = juliet.ask(request);
  const auto& open = answer["nodes"][0];
  EXPECT_STREQ(open["title"].GetString(), "A title");
  EXPECT_STREQ(open["description"].GetString(), "Words");
  EXPECT_STREQ(open["owners"][0].GetString(), "admin@localhost");
  EXPECT_TRUE(open["may"]["read"].GetBool());
  EXPECT_FALSE(open["may"]["publish"].GetBool());
  EXPECT_FALSE(open["may"]["configure"].GetBool());
  EXPECT_TRUE(open["persists"].GetBool());
  EXPECT_EQ(open["max_items"].GetInt(), 20);
  const auto& shared = answer["nodes"][1];
  EXPECT_TRUE(shared["may"]["publish"].GetBool());
  EXPECT_FALSE(shared["persists"].GetBool());
  EXPECT_TRUE(owner.ask(request)["nodes"][0]["may"]["configure"].GetBool());
  const auto anonymous = nobody.ask(request);
  EXPECT_EQ(anonymous["nodes"][0]["owners"].Size(), 0U) << "accounts are not shown to whoever has none";
  EXPECT_TRUE(anonymous["nodes"][0]["may"]["publish"].GetBool());

  EXPECT_EQ(juliet.ask(request, R"({"contains":"hare"})")["nodes"].Size(), 1U);
  EXPECT_EQ(juliet.ask(request, R"({"contains":"losed"})")["nodes"].Size(), 0U);
  EXPECT_EQ(juliet.ask(request, R"({"node":"open"})")["nodes"].Size(), 1U);
  EXPECT_EQ(juliet.error(request, R"({"node":"closed"})"), "forbidden");
  EXPECT_EQ(juliet.error(request, R"({"node":"none"})"), "item-not-found");
  EXPECT_EQ(juliet.error("items/pubsub.localhost/json/closed"), "forbidden");
  EXPECT_EQ(juliet.error("items/pubsub.localhost/json/none"), "item-not-found");
  EXPECT_EQ(nobody.error("items/pubsub.localhost/json/shared"), "forbidden");
  EXPECT_EQ(owner.error("items/pubsub.localhost/json/closed"), "");
  admin->set_affiliation("shared", "juliet@localhost", "none");
  EXPECT_EQ(juliet.error("items/pubsub.localhost/json/shared"), "forbidden");
}

TEST_F(Channel, ShowsHostsAndWhoAsks) {
  start({.global = "mqtt_mountpoint = \"pubsub.localhost/any/home\""});
  Requester juliet = subscribed(prosody, "juliet");
  const auto answer = juliet.ask("nodes");
  EXPECT_STREQ(answer["account"].GetString(), "juliet@localhost");
  EXPECT_FALSE(answer["administrator"].GetBool());
  ASSERT_EQ(answer["hosts"].Size(), 1U);
  EXPECT_STREQ(answer["hosts"][0]["host"].GetString(), "pubsub.localhost");
  EXPECT_STREQ(answer["hosts"][0]["name"].GetString(), "Prosody PubSub Service");
  EXPECT_STREQ(answer["hosts"][0]["mounted"].GetString(), "home");
  Requester nobody = subscribed(prosody);
  EXPECT_TRUE(nobody.ask("nodes")["account"].IsNull());
  Requester owner = subscribed(prosody, "admin");
  EXPECT_TRUE(owner.ask("nodes")["administrator"].GetBool());
}

TEST_F(Channel, AnswersGoToWhoHasAskedAndSubscribesToThem) {
  start();
  Requester asker(prosody);
  Requester other = subscribed(prosody);
  EXPECT_EQ(mqtt_5::subscribe(other.client(), {.topic_filter = "#"}), mqtt::Reason::granted_qos_0);
  asker.send("nodes");
  EXPECT_EQ(asker.client().read_packet<mqtt::Puback>().reason, mqtt::Reason::no_matching_subscribers);
  // Without waiting for SUBACK.
  asker.client().send(
      mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = "$pubsub/reply/#"}}});
  asker.send("nodes");
  asker.client().read_packet<mqtt::Suback>();
  asker.receive_answer();
  EXPECT_TRUE(messages_so_far(other.client()).empty());
}

TEST_F(Channel, WhatIsNoRequestIsRefusedInWords) {
  start();
  Requester client = subscribed(prosody);
  client.client().send(mqtt::Publish{.topic = "$pubsub/nodes", .qos = at_least_once, .packet_identifier = 1});
  const auto puback = client.client().read_packet<mqtt::Puback>();
  EXPECT_EQ(puback.reason, mqtt::Reason::implementation_specific_error);
  EXPECT_NE(puback.properties.bytes(Id::reason_string)->find("Response Topic below $pubsub/reply/"),
            std::string_view::npos);
  client.send("reply/test");
  EXPECT_EQ(client.client().read_packet<mqtt::Puback>().reason, mqtt::Reason::implementation_specific_error);
  EXPECT_EQ(mqtt_5::subscribe(client.client(), {.topic_filter = "$pubsub/#"}),
            mqtt::Reason::topic_filter_invalid);
  EXPECT_EQ(mqtt_5::subscribe(client.client(), {.topic_filter = "$share/g/$pubsub/reply/#"}),
            mqtt::Reason::topic_filter_invalid);
  RawMqtt older = connected(prosody.mqtt_port(), "older");
  EXPECT_EQ(older.subscribe("$pubsub/reply/#"), mqtt::Reason::unspecified_error);
}

TEST_F(Channel, HostileRequestsAreAnsweredAndHarmless) {
  start();
  Requester client = subscribed(prosody);
  const std::string request = "nodes/pubsub.localhost";
  const std::string deep = std::string(8000, '[') + std::string(8000, ']');
  for (const std::string& payload :
       {std::string("[]"), std::string("1"), std::string("{"), std::string("\xFF"),
        std::string(R"({"limit":0})"), std::string(R"({"limit":-1})"), std::string(R"({"limit":"ten"})"),
        std::string(R"({"limit":1.5})"), std::string(R"({"limit":1e400})"), std::string(R"({"after":7})"),
        std::string(R"({"node":{}})"), std::string(R"({"contains":[]})"), deep,
        std::string(4000000, ' ') + "{}", "{\"a\":\"" + std::string(20000, 'x') + "\"}"}) {
    EXPECT_EQ(client.error(request, payload), "bad-request") << payload.substr(0, 40);
  }
  EXPECT_EQ(client.error(request, R"({"limit":100000000000,"other":[1,{"a":null}],"after":null})"), "");
  EXPECT_EQ(client.error(request, "{\"a\":" + deep.substr(8, 15984) + "}"), "") << "nobody looks at it";
  EXPECT_EQ(client.error(request, R"({"node":"\u0000"})"), "item-not-found");
  EXPECT_EQ(client.error(request, R"({"node":"#"})"), "item-not-found");
  EXPECT_EQ(client.error(request, R"({"__array":7,"__hash":"x"})"), "bad-request");
  EXPECT_EQ(client.error("nodes/nowhere"), "item-not-found");
  EXPECT_EQ(client.error("nodes/"), "feature-not-implemented");
  EXPECT_EQ(client.error("nodes/localhost"), "item-not-found") << "no pubsub component";
  EXPECT_EQ(client.error("items/nowhere/json/node"), "item-not-found");
  EXPECT_EQ(client.error("items/pubsub.localhost/json"), "feature-not-implemented");
  EXPECT_EQ(client.error("items/pubsub.localhost/json/%s%d..//"), "item-not-found");
  EXPECT_EQ(client.error("other"), "feature-not-implemented");
  EXPECT_EQ(client.error("clients"), "forbidden");
  EXPECT_EQ(client.error("clients/close", R"({"client":"x"})"), "forbidden");
}

TEST_F(Channel, AnswersFitIntoTheClientsPackets) {
  start();
  admin->create("node", {{"max_items", "10"}});
  for (const char* id : {"1", "2"})
    admin->publish("node", id, text_item + std::string(1000, 'x') + "</data>");
  Requester client = subscribed(prosody, "", {.properties = properties({{Id::maximum_packet_size, 800U}})});
  const auto answer = client.ask("items/pubsub.localhost/utf8/node");
  ASSERT_EQ(answer["items"].Size(), 2U);
  EXPECT_EQ(answer["items"][0]["bytes"].GetInt(), 1000);
  EXPECT_FALSE(answer["items"][0].HasMember("text"));
  EXPECT_EQ(client.pages("items/pubsub.localhost/utf8/node", "items", "id", 10), (Words{"2", "1"}));
  Requester small = subscribed(prosody, "", {.properties = properties({{Id::maximum_packet_size, 220U}})});
  EXPECT_EQ(small.error("items/pubsub.localhost/utf8/node"), "resource-constraint");
  // An answer ends before it has more than 256 KiB.
  for (const char* id : {"3", "4"})
    admin->publish("node", id, text_item + std::string(200000, 'x') + "</data>");
  Requester other = subscribed(prosody);
  EXPECT_EQ(other.ask("items/pubsub.localhost/utf8/node")["items"].Size(), 1U);
  EXPECT_EQ(other.pages("items/pubsub.localhost/utf8/node", "items", "id", 10), (Words{"4", "3", "2", "1"}));
}

TEST_F(Channel, WhatFitsIntoNoAnswerHidesNothingBehindIt) {
  start();
  admin->create("a", {{"title", std::string(3000, '\\')}, {"description", "words"}});
  admin->create("b", {{"title", "b"}});
  admin->publish("b", std::string(3000, '\\'), text_item + std::string("1</data>"));
  admin->publish("b", "2", text_item + std::string(3000, '\\') + "</data>");
  Requester client = subscribed(prosody, "", {.properties = properties({{Id::maximum_packet_size, 5000U}})});
  const auto nodes = client.ask("nodes/pubsub.localhost");
  ASSERT_EQ(nodes["nodes"].Size(), 2U);
  EXPECT_STREQ(nodes["nodes"][0]["title"].GetString(), "");
  EXPECT_STREQ(nodes["nodes"][1]["title"].GetString(), "b");
  const auto items = client.ask("items/pubsub.localhost/utf8/b");
  ASSERT_EQ(items["items"].Size(), 1U);
  EXPECT_FALSE(items["items"][0].HasMember("text"));
  EXPECT_EQ(items["items"][0]["bytes"].GetInt(), 3000);
}

// One byte more or less: what has just no place any more is shortened, and the row is there.
TEST_F(Channel, NoLengthOfARowLosesIt) {
  start();
  admin->create("node", {{"max_items", "250"}});
  const int shortest = 120, longest = 240;
  for (int length = shortest; length <= longest; ++length) {
    const std::string text(static_cast<std::size_t>(length), 'x');
    admin->publish("node", std::to_string(1000 + length), text_item + text + "</data>");
  }
  Requester client = subscribed(prosody, "", {.properties = properties({{Id::maximum_packet_size, 480U}})});
  std::string after;
  for (int length = longest; length >= shortest; --length) {
    const auto answer = client.ask("items/pubsub.localhost/utf8/node", "{\"limit\":1" + after + "}");
    ASSERT_EQ(answer["items"].Size(), 1U) << client.text;
    EXPECT_EQ(answer["items"][0]["bytes"].GetInt(), length);
    after = ",\"after\":\"" + std::string(answer["items"][0]["id"].GetString()) + "\"";
  }
  EXPECT_NE(client.text.find("text"), std::string::npos) << "the shortest one comes whole";
}

TEST_F(Channel, ANodeWhoseNameNoTopicCanHaveIsNotThere) {
  start();
  for (const char* node : {"plus+", "urn:xmpp:avatar#data"}) admin->create(node);
  Requester owner = subscribed(prosody, "admin");
  EXPECT_EQ(owner.ask("nodes/pubsub.localhost")["nodes"].Size(), 0U);
  EXPECT_EQ(owner.error("nodes/pubsub.localhost", R"({"node":"plus+"})"), "item-not-found");
  EXPECT_EQ(owner.error("nodes/pubsub.localhost", R"({"node":"urn:xmpp:avatar#data"})"), "item-not-found");
}

// A subscription to # brings what is published there over XMPP.
TEST_F(Channel, ANodeOfMoreLevelsThanClientsMayNameIsFoundByItsName) {
  start({.global = "mqtt_max_topic_levels = 4"});
  admin->create("a/b/c/d");
  admin->publish("a/b/c/d", "1", text_item + std::string("text</data>"));
  Requester owner = subscribed(prosody, "admin");
  EXPECT_EQ(owner.pages("nodes/pubsub.localhost", "nodes", "node", 10), Words{"a/b/c/d"});
  EXPECT_EQ(owner.ask("nodes/pubsub.localhost", R"({"node":"a/b/c/d"})")["nodes"].Size(), 1U);
  EXPECT_EQ(owner.ask("items/pubsub.localhost/any/a/b/c/d")["items"].Size(), 1U);
}

TEST_F(Channel, ASessionThatIsKeptHasItsSubscriptionAfterARestart) {
  start();
  const auto lasting = properties({{Id::session_expiry_interval, 1000U}});
  {
    Requester client = subscribed(prosody, "juliet", {.identifier = "page", .properties = lasting});
    client.ask("nodes");
    const auto encoded = properties({{Id::response_topic, "$pubsub/reply/test"}});
    client.client().send(mqtt::Publish{.topic = "$pubsub/nodes",
                                       .qos = exactly_once,
                                       .packet_identifier = 5,
                                       .properties = mqtt::Properties(encoded)});
    EXPECT_EQ(receive(client.client()).qos, at_most_once);
    EXPECT_EQ(client.client().read_packet<mqtt::Pubrec>().reason, mqtt::Reason::success);
    client.client().send(mqtt::Pubrel{5});
    EXPECT_EQ(client.client().read_packet<mqtt::Pubcomp>().reason, mqtt::Reason::success);
  }
  admin.reset();
  prosody.stop();
  prosody.start();
  Requester client(prosody, "juliet", {.identifier = "page", .clean_start = false, .properties = lasting});
  client.ask("nodes");
}

TEST_F(Channel, AdministratorsSeeClients) {
  start();
  Requester owner = subscribed(prosody, "admin", {.identifier = "page"});
  RawMqtt meter = connected(prosody.mqtt_port(), "meter");
  meter.subscribe("pubsub.localhost/json/node");
  const auto answer = owner.ask("clients", R"({"contains":"met"})");
  ASSERT_EQ(answer["clients"].Size(), 1U) << owner.text;
  const auto& client = answer["clients"][0];
  EXPECT_STREQ(client["client"].GetString(), "meter");
  EXPECT_TRUE(client["account"].IsNull());
  EXPECT_STREQ(client["transport"].GetString(), "tcp");
  EXPECT_STREQ(client["version"].GetString(), "3.1.1");
  EXPECT_TRUE(client["connected"].GetBool());
  EXPECT_TRUE(client["away_since"].IsNull());
  EXPECT_EQ(client["filters"].GetInt(), 1);
  Words all = owner.pages("clients", "clients", "client", 1);
  std::ranges::sort(all);
  EXPECT_EQ(all, (Words{"meter", "page"}));
  EXPECT_EQ(owner.ask("clients", R"({"after":"999999999999:7"})")["clients"].Size(), 0U);
  for (const char* after : {"", "x", "1:", "-1:1", "99999999999999999999:1"}) {
    EXPECT_EQ(owner.error("clients", R"({"after":")" + std::string(after) + "\"}"), "bad-request") << after;
  }
}

TEST_F(Channel, AdministratorsCloseClients) {
  start();
  Requester owner = subscribed(prosody, "admin", {.identifier = "page"});
  RawMqtt meter = connected(prosody.mqtt_port(), "meter");
  EXPECT_TRUE(owner.ask("clients/close", R"({"client":"meter"})")["closed"].GetBool());
  meter.wait_for_close();
  EXPECT_EQ(owner.error("clients/close", R"({"client":"meter"})"), "item-not-found");
  EXPECT_EQ(owner.error("clients/close"), "bad-request");
  EXPECT_EQ(owner.error("clients/close", R"({"number":0})"), "bad-request");
  EXPECT_EQ(owner.error("clients/close", R"({"number":4000000000})"), "item-not-found");
  RawMqtt one = connected(prosody.mqtt_port(), "twin");
  Requester other = subscribed(prosody, "juliet", {.identifier = "twin"});
  EXPECT_EQ(owner.error("clients/close", R"({"client":"twin"})"), "conflict");
  const auto answer = owner.ask("clients", R"({"contains":"juliet"})");
  const int number = answer["clients"][0]["number"].GetInt();
  EXPECT_TRUE(owner.ask("clients/close", "{\"number\":" + std::to_string(number) + "}")["closed"].GetBool());
  EXPECT_EQ(reason_of_disconnect(other.client()), mqtt::Reason::administrative_action);
  one.ping();
  // Himself.
  owner.send("clients/close", R"({"client":"page"})");
  EXPECT_EQ(reason_of_disconnect(owner.client()), mqtt::Reason::administrative_action);
}

TEST_F(Channel, AdministratorsSeeRetainedMessages) {
  start();
  admin->create("closed", {{"access_model", "whitelist"}});
  admin->publish("closed", "current", text_item + std::string("secret</data>"));
  RawMqtt publisher = mqtt_5::connected(prosody.mqtt_port(), {.identifier = "publisher"});
  publish(publisher, {.topic = "pubsub.localhost/binary/picture",
                      .payload = std::string_view("\xFF", 1),
                      .qos = at_least_once,
                      .retain = true});
  Requester owner = subscribed(prosody, "admin");
  EXPECT_EQ(owner.pages("retained", "retained", "topic", 1),
            (Words{"pubsub.localhost/utf8/closed", "pubsub.localhost/binary/picture"}));
  const auto answer = owner.ask("retained");
  EXPECT_STREQ(answer["retained"][0]["text"].GetString(), "secret");
  EXPECT_EQ(answer["retained"][0]["bytes"].GetInt(), 6);
  EXPECT_STREQ(answer["retained"][1]["base64"].GetString(), "/w==");
  EXPECT_EQ(answer["retained"][1]["qos"].GetInt(), 1);
  EXPECT_EQ(owner.error("retained", R"({"filter":"pubsub.localhost/utf8/clo+"})"), "bad-request");
  EXPECT_EQ(owner.ask("retained", R"({"filter":"pubsub.localhost/utf8/+"})")["retained"].Size(), 1U);
  EXPECT_EQ(owner.error("retained", R"({"filter":"$pubsub/reply/#"})"), "bad-request");
  EXPECT_EQ(owner.error("retained", R"({"after":"x"})"), "bad-request");
  Requester juliet = subscribed(prosody, "juliet");
  EXPECT_EQ(juliet.error("retained"), "forbidden");
}

// It asks for more than it reads, and others have their answers at once.
TEST_F(Channel, WhoAsksForMuchHoldsUpItselfAlone) {
  start();
  for (int i = 0; i < 5; ++i) admin->create("node " + std::to_string(i));
  Requester greedy = subscribed(prosody, "juliet");
  const auto encoded = properties({{Id::response_topic, "$pubsub/reply/test"}});
  for (int i = 0; i < 1000; ++i) {
    greedy.client().send(
        mqtt::Publish{.topic = "$pubsub/nodes/pubsub.localhost", .properties = mqtt::Properties(encoded)});
  }
  Requester other = subscribed(prosody, "romeo");
  EXPECT_EQ(other.ask("nodes/pubsub.localhost")["nodes"].Size(), 5U);
  // A part of its own answers is dropped where it does not read them; it is alive.
  greedy.client().send(mqtt::Pingreq{});
  while (!std::holds_alternative<mqtt::Pingresp>(greedy.client().read())) {
  }
}

TEST_F(Channel, RequestsOutliveAReloadOfTheModule) {
  start();
  Requester client = subscribed(prosody);
  client.ask("nodes");
  prosody.shell("module:reload('pubsub_mqtt', '*')");
  client.ask("nodes");
  prosody.shell("module:reload('pubsub_mqtt', 'pubsub.localhost')");
  EXPECT_EQ(client.ask("nodes")["hosts"].Size(), 1U);
}

TEST_F(Channel, WhoLeavesIsNotWaitedFor) {
  start();
  for (int i = 0; i < 100; ++i) {
    Requester client = subscribed(prosody);
    client.send("nodes/pubsub.localhost");
  }
  Requester client = subscribed(prosody);
  client.ask("nodes");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
