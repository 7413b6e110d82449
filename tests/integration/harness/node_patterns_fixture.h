// A Prosody with mqtt_node_defaults, and what its nodes are to MQTT, XMPP and pubsub.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "mqtt_client.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {

inline constexpr const char* open_component = R"(
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true
    autocreate_on_subscribe = true)";
inline constexpr const char* closed_component = "\n    modules_enabled = { \"pubsub_mqtt\" }";
inline constexpr const char* json_item = "<json xmlns='urn:xmpp:json:0'>1</json>";

// The error that an XMPP request is answered with; empty if it succeeds.
inline std::string error_of(const std::function<void()>& request) {
  try {
    request();
    return "";
  } catch (const StanzaError& error) {
    return error.what();
  }
}

class NodePatterns : public testing::Test {
 protected:
  void start(const std::string& global, const std::string& component = closed_component) {
    prosody.start({.global = global, .component = component});
  }
  MqttClient client_of(const std::string& user_name) const {
    return MqttClient({.port = prosody.mqtt_port(),
                       .client_identifier = user_name.empty() ? "nobody" : user_name,
                       .user_name = user_name,
                       .password = user_name.empty() ? "" : account_password});
  }
  XmppClient xmpp_client_of(const std::string& jid) const {
    return XmppClient(jid, account_password, prosody.c2s_port());
  }
  void publish(const std::string& user_name, const std::string& node) const {
    MqttClient client = client_of(user_name);
    client.publish("pubsub.localhost/json/" + node, "1", 1);
    client.messages_so_far();
  }
  int subscribe(const std::string& user_name, const std::string& node) const {
    return client_of(user_name).subscribe("pubsub.localhost/json/" + node, 1);
  }

  // Of what the node is to pubsub, by a Lua expression on `node`; "nil" where there is none.
  std::string in_pubsub(const std::string& node, const std::string& expression) const {
    std::string answer = prosody.shell(
        ">(function () local node = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().nodes['" +
        node + "']; return tostring(node and (" + expression + ")) end)()");
    answer = answer.substr(answer.rfind(": ") + 2);
    return answer.substr(0, answer.find('\n'));
  }
  bool exists(const std::string& node) const { return in_pubsub(node, "true") == "true"; }
  std::string affiliation(const std::string& node, const std::string& jid) const {
    return in_pubsub(node, "node.affiliations['" + jid + "']");
  }

  Prosody prosody;
};

}  // namespace pubsub_mqtt::tests
