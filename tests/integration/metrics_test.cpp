// What Prosody's metrics say of MQTT, as mod_http_openmetrics shows them, and that docs/metrics.md says the same.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <string_view>

#include "metrics_fixture.h"
#include "raw_session.h"
#include "websocket.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

using Types = std::map<std::string, std::string>;

// Name -> type, as the table of docs/metrics.md has them.
Types documented() {
  std::ifstream file(PUBSUB_MQTT_SOURCE "/docs/metrics.md");
  const std::regex row(R"(\| `([a-z_]+)` \| (gauge|counter) \|.*)");
  Types types;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) types[match[1]] = match[2];
  }
  return types;
}

// The same, as they are shown.
Types shown(const std::string& metrics) {
  const std::regex row("# TYPE prosody_mod_pubsub_mqtt__([a-z_]+) ([a-z]+)");
  Types types;
  for (std::sregex_iterator match(metrics.begin(), metrics.end(), row), end; match != end; ++match) {
    types[(*match)[1]] = (*match)[2];
  }
  return types;
}

using Labels = std::map<std::string, std::set<std::string>>;

std::set<std::string> words(const std::string& text) {
  const std::regex word("[a-z_]+");
  return {std::sregex_token_iterator(text.begin(), text.end(), word), std::sregex_token_iterator()};
}

// Name -> labels, of those that the table of docs/metrics.md says to have any.
Labels documented_labels() {
  std::ifstream file(PUBSUB_MQTT_SOURCE "/docs/metrics.md");
  const std::regex row(R"(\| `([a-z_]+)` \| (?:gauge|counter) \| (`[^|]*`) \|.*)");
  Labels labels;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) labels[match[1]] = words(match[2]);
  }
  return labels;
}

// The same, as they are shown.
Labels shown_labels(const std::string& metrics) {
  const std::regex sample("\nprosody_mod_pubsub_mqtt__([a-z_]+?)(?:_total|_created)?\\{([^}]*)\\}");
  const std::regex label("([a-z_]+)=\"");
  Labels labels;
  for (std::sregex_iterator match(metrics.begin(), metrics.end(), sample), end; match != end; ++match) {
    const std::string named = (*match)[2];
    for (std::sregex_iterator each(named.begin(), named.end(), label); each != end; ++each) {
      labels[(*match)[1]].insert((*each)[1]);
    }
  }
  return labels;
}

RawMqtt with_tls(const Prosody& prosody) {
  return RawMqtt(std::make_unique<TlsStream>(
      prosody.mqtt_tls_port(),
      TlsStream::Options{.server_name = "pubsub.localhost", .ca_file = prosody.ca_file()}));
}

mqtt::Connect as_juliet(mqtt::ProtocolLevel level, std::string_view password = account_password) {
  return {
      .level = level, .client_identifier = "juliet's", .user_name = "juliet@localhost", .password = password};
}

TEST_F(Metrics, AreThoseThatTheDocumentationHas) {
  EXPECT_FALSE(documented().empty());
  EXPECT_EQ(shown(scrape()), documented());
}

TEST_F(Metrics, HaveTheLabelsThatTheDocumentationHas) {
  RawMqtt stranger(prosody.mqtt_port());
  connect(stranger, as_juliet(mqtt::ProtocolLevel::mqtt_3_1_1, "wrong"));
  EXPECT_FALSE(documented_labels().empty());
  EXPECT_EQ(shown_labels(scrape()), documented_labels());
}

std::string dashboard() {
  std::ifstream file(PUBSUB_MQTT_SOURCE "/docs/grafana-dashboard.json");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(MetricsDashboard, AsksForLabelsThatThereAre) {
  const std::string text = dashboard();
  const std::regex query(
      R"(sum by \(([a-z_, ]+)\) \((?:rate\()?prosody_mod_pubsub_mqtt__([a-z_]+?)(?:_total)?\{.*\n.*"legendFormat": (.*))");
  const Labels labels = documented_labels();
  std::set<std::string> asked;
  for (std::sregex_iterator match(text.begin(), text.end(), query), end; match != end; ++match) {
    const std::string metric = (*match)[2];
    const std::string legend = (*match)[3];
    asked.insert(metric);
    for (const auto& label : words((*match)[1])) {
      EXPECT_TRUE(labels.at(metric).contains(label)) << metric << ' ' << label;
      EXPECT_NE(legend.find("{{" + label + "}}"), std::string::npos) << metric << ' ' << legend;
    }
  }
  EXPECT_EQ(asked,
            (std::set<std::string>{"clients", "sessions", "logins", "tls_handshakes", "messages_received",
                                   "messages_sent", "messages_published", "messages_dropped", "refused"}));
}

TEST(MetricsDashboard, HasThemAllAndNoOthers) {
  const std::string text = dashboard();
  const std::regex name("prosody_mod_pubsub_mqtt__([a-z_]+)");
  Types types = documented();
  std::set<std::string> used;
  for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match) {
    used.insert((*match)[1]);
  }
  for (const auto& [metric, type] : types) {
    EXPECT_EQ(used.erase(type == "counter" ? metric + "_total" : metric), 1U) << metric;
  }
  EXPECT_EQ(used, std::set<std::string>());
}

TEST_F(Metrics, CountClientsByTransportAndVersion) {
  RawMqtt plain = connected(prosody.mqtt_port(), "plain");
  RawMqtt old(prosody.mqtt_port());
  old.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_3_1, .client_identifier = "old"});
  old.read_packet<mqtt::Connack>();
  RawMqtt encrypted = with_tls(prosody);
  EXPECT_EQ(connect(encrypted, {.level = mqtt::ProtocolLevel::mqtt_5, .client_identifier = "new"}).reason,
            mqtt::Reason::success);
  RawMqtt page(
      std::make_unique<WebSocket>(std::make_unique<TcpStream>(prosody.mqtt_port()), WebSocketRequest{}));
  EXPECT_EQ(connect(page, as_juliet(mqtt::ProtocolLevel::mqtt_5)).reason, mqtt::Reason::success);
  TcpStream silent(prosody.mqtt_port());
  RawMqtt confused(prosody.mqtt_tls_port());  // without TLS
  confused.send(mqtt::Connect{.client_identifier = "confused"});
  confused.wait_for_close();

  take();
  EXPECT_EQ(value("clients{transport=\"tcp\",version=\"3.1.1\"}"), 1);
  EXPECT_EQ(value("clients{transport=\"tcp\",version=\"3.1\"}"), 1);
  EXPECT_EQ(value("clients{transport=\"tcp\",version=\"5.0\"}"), 0);
  EXPECT_EQ(value("clients{transport=\"tls\",version=\"5.0\"}"), 1);
  EXPECT_EQ(value("clients{transport=\"websocket\",version=\"5.0\"}"), 1);
  EXPECT_EQ(value("clients{transport=\"websocket_tls\",version=\"5.0\"}"), 0);
  EXPECT_EQ(value("sessions{state=\"connected\"}"), 4);
  EXPECT_EQ(value("connects_total"), 4);
  EXPECT_EQ(value("tls_handshakes_total{result=\"full\"}"), 1);
  EXPECT_EQ(value("tls_handshakes_total{result=\"failed\"}"), 1);
  EXPECT_EQ(value("tls_handshakes_total{result=\"resumed\"}"), 0);
  EXPECT_GT(value("tls_handshake_seconds_total"), 0);
  EXPECT_EQ(value("logins_total{result=\"success\"}"), 1);

  disconnect(plain);
  take();
  EXPECT_EQ(value("clients{transport=\"tcp\",version=\"3.1.1\"}"), 0);
}

TEST_F(Metrics, CountMessagesOfEachQos) {
  RawMqtt subscriber = connected(prosody.mqtt_port(), "subscriber");
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/utf8/#", at_least_once), mqtt::Reason::granted_qos_1);
  take();
  const auto packets = value("packets_received_total");
  const auto bytes = value("received_bytes_total");
  for (const auto qos :
       {at_most_once, at_most_once, at_most_once, at_least_once, at_least_once, exactly_once}) {
    publish(publisher, {.topic = "pubsub.localhost/utf8/node", .payload = "12345", .qos = qos});
  }
  EXPECT_EQ(messages_so_far(subscriber).size(), 6U);

  take();
  EXPECT_EQ(value("messages_received_total{qos=\"0\"}"), 3);
  EXPECT_EQ(value("messages_received_total{qos=\"1\"}"), 2);
  EXPECT_EQ(value("messages_received_total{qos=\"2\"}"), 1);
  EXPECT_EQ(value("messages_received_bytes_total{qos=\"1\"}"), 10);
  EXPECT_EQ(value("messages_sent_total{qos=\"0\"}"), 3);
  EXPECT_EQ(value("messages_sent_total{qos=\"1\"}"), 3);
  EXPECT_EQ(value("messages_sent_bytes_total{qos=\"1\"}"), 15);
  EXPECT_EQ(value("messages_published_total{way=\"pubsub\"}"), 6);
  EXPECT_EQ(value("messages_published_total{way=\"direct\"}"), 0);
  EXPECT_EQ(value("subscriptions"), 1);
  // 6 PUBLISHes with a PUBREL, 3 PUBACKs, and an UNSUBSCRIBE for each QoS 0 and of the subscriber
  EXPECT_EQ(value("packets_received_total") - packets, 6 + 1 + 3 + 3 + 1);
  EXPECT_GT(value("received_bytes_total") - bytes, 6 * 30);
  EXPECT_GT(value("packets_sent_total"), 6);
  EXPECT_GT(value("sent_bytes_total"), 6 * 30);
  EXPECT_GT(value("main_thread_seconds_total"), 0);
}

TEST_F(Metrics, TellTheDirectWayFromPubsub) {
  prosody.reload(configuration("mqtt_node_defaults = { persist_items = false }"));
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  for (int i = 0; i < 10; ++i) publish(publisher, {.topic = topic, .payload = "1", .qos = at_least_once});
  take();
  EXPECT_EQ(value("messages_published_total{way=\"pubsub\"}"), 1);
  EXPECT_EQ(value("messages_published_total{way=\"direct\"}"), 9);
}

TEST_F(Metrics, CountWhatWaits) {
  RawMqtt away = with_session(prosody.mqtt_port(), "away");
  ASSERT_EQ(away.subscribe("pubsub.localhost/utf8/#", at_least_once), mqtt::Reason::granted_qos_1);
  disconnect(away);
  RawMqtt slow = connected(prosody.mqtt_port(), "slow");
  ASSERT_EQ(slow.subscribe(topic, at_least_once), mqtt::Reason::granted_qos_1);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publish(publisher, {.topic = topic, .payload = "1", .qos = at_least_once});
  publish(publisher, {.topic = topic, .payload = "kept", .qos = at_least_once, .retain = true});

  take();
  EXPECT_EQ(value("sessions{state=\"away\"}"), 1);
  EXPECT_EQ(value("sessions{state=\"connected\"}"), 2);
  EXPECT_EQ(value("queued_messages"), 2);
  EXPECT_EQ(value("queued_bytes"), 2 * std::string_view(topic).size() + 5);
  EXPECT_EQ(value("in_flight_messages"), 2);
  EXPECT_EQ(value("retained_messages"), 1);
  EXPECT_EQ(value("retained_bytes"), 4);
  EXPECT_GT(value("store_commits_total"), 0);
  EXPECT_GT(value("store_commit_seconds_total"), 0);
  EXPECT_EQ(value("store_commits_failed_total"), 0);

  publish(publisher, {.topic = topic, .payload = "", .qos = at_least_once, .retain = true});
  take();
  EXPECT_EQ(value("retained_messages"), 0);
  EXPECT_EQ(value("retained_bytes"), 0);
}

TEST_F(Metrics, CountWhatWasRefusedAndDropped) {
  prosody.reload(configuration("mqtt_max_queued_messages = 1"));
  RawMqtt stranger(prosody.mqtt_port());
  EXPECT_NE(connect(stranger, as_juliet(mqtt::ProtocolLevel::mqtt_3_1_1, "wrong")).reason,
            mqtt::Reason::success);
  RawMqtt away = with_session(prosody.mqtt_port(), "away");
  ASSERT_EQ(away.subscribe(topic, at_least_once), mqtt::Reason::granted_qos_1);
  disconnect(away);
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  EXPECT_EQ(client.subscribe("no/such/host"), mqtt::Reason::unspecified_error);
  publish(client, {.topic = "pubsub.localhost/json/node", .payload = "no JSON", .qos = at_least_once});
  publish(client, {.topic = "no/such/host", .payload = "1", .qos = at_least_once});
  for (int i = 0; i < 3; ++i) publish(client, {.topic = topic, .payload = "1", .qos = at_least_once});

  take();
  EXPECT_EQ(value("logins_total{result=\"bad_user_name_or_password\"}"), 1);
  EXPECT_EQ(value("refused_total{what=\"connect\",reason=\"bad_user_name_or_password\"}"), 1);
  EXPECT_EQ(value("refused_total{what=\"connection\",reason=\"mqtt_max_connections\"}"), 0);
  EXPECT_EQ(value("refused_total{what=\"subscribe\",reason=\"topic_filter_invalid\"}"), 1);
  EXPECT_EQ(value("refused_total{what=\"publish\",reason=\"payload_format_invalid\"}"), 1);
  EXPECT_EQ(value("refused_total{what=\"publish\",reason=\"topic_name_invalid\"}"), 1);
  EXPECT_EQ(value("messages_dropped_total{reason=\"queue_full\"}"), 2);
  EXPECT_EQ(value("queued_messages"), 1);
}

TEST_F(Metrics, CountSharedSubscriptions) {
  RawMqtt one = connected(prosody.mqtt_port(), "one");
  RawMqtt two = connected(prosody.mqtt_port(), "two");
  for (RawMqtt* member : {&one, &two}) {
    EXPECT_EQ(member->subscribe("$share/group/pubsub.localhost/utf8/#"), mqtt::Reason::granted_qos_0);
  }
  take();
  EXPECT_EQ(value("shared_groups"), 1);
  EXPECT_EQ(value("shared_subscriptions"), 2);
  EXPECT_EQ(value("subscriptions"), 0);
}

TEST_F(Metrics, GoOnAfterAReload) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = topic, .payload = "1", .qos = at_least_once});
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  publish(client, {.topic = topic, .payload = "1", .qos = at_least_once});
  take();
  EXPECT_EQ(value("messages_received_total{qos=\"1\"}"), 2);
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  take();
  EXPECT_EQ(value("messages_received_total{qos=\"1\"}"), 0);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
