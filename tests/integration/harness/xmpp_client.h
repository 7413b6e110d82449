// An XMPP client on libstrophe that speaks publish-subscribe (XEP-0060). It works while one of its functions
// is called, and throws TimedOut where an answer does not come.
#pragma once

#include <strophe.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <pugixml.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace pubsub_mqtt::tests {

// The server answered with an error stanza; what() is its condition (RFC 6120, 8.3.3).
struct StanzaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct PubsubEvent {
  std::string kind;  // "item", "retract", "purge", "delete", "configuration"
  std::string node;
  std::string item_id;
  std::string payload;  // XML
};

using Fields =
    std::vector<std::pair<std::string, std::string>>;  // of a node's configuration, without "pubsub#"

class XmppClient {
 public:
  // Logs in on 127.0.0.1, without TLS, and sends presence.
  XmppClient(const std::string& jid, const std::string& password, std::uint16_t port,
             std::string service = "pubsub.localhost");
  ~XmppClient();
  XmppClient(const XmppClient&) = delete;
  XmppClient& operator=(const XmppClient&) = delete;

  const std::string& jid() const { return jid_; }

  void create(const std::string& node, const Fields& configuration = {});
  void configure(const std::string& node, const Fields& configuration);
  void remove(const std::string& node);
  void set_affiliation(const std::string& node, const std::string& jid, const std::string& affiliation);
  void subscribe(const std::string& node);
  void publish(const std::string& node, const std::string& item_id, const std::string& payload);
  void retract(const std::string& node, const std::string& item_id);
  void purge(const std::string& node);

  struct Item {
    std::string id;
    std::string payload;  // XML
  };
  std::vector<Item> items(const std::string& node);

  PubsubEvent next_event();

  // The round trip of a ping (XEP-0199).
  std::chrono::steady_clock::duration ping(const std::string& to);

  // Any other IQ: `type` "get" or "set", the payload as XML; the answer's stanza. Throws StanzaError.
  pugi::xml_document request(const std::string& type, const std::string& to, const std::string& payload);

 private:
  template <typename Condition>
  void run_until(Condition condition, const char* what);
  void handle_connection(xmpp_conn_event_t event);
  void handle_stanza(xmpp_stanza_t* stanza);
  void handle_event(const pugi::xml_node& event);
  std::string configuration_form(const Fields& configuration) const;

  std::string jid_;
  std::string service_;
  std::unique_ptr<xmpp_ctx_t, decltype(&xmpp_ctx_free)> context_;
  std::unique_ptr<xmpp_conn_t, decltype(&xmpp_conn_release)> connection_;
  bool connected_ = false;
  bool closed_ = false;
  int last_id_ = 0;
  std::deque<pugi::xml_document> answers_;
  std::deque<PubsubEvent> events_;
};

}  // namespace pubsub_mqtt::tests
