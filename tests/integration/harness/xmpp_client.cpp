#include "xmpp_client.h"

#include <sstream>

#include "broken_connections.h"
#include "patience.h"

namespace pubsub_mqtt::tests {
namespace {

std::string escaped(const std::string& text) {
  pugi::xml_document document;
  document.append_child(pugi::node_pcdata).set_value(text.c_str());
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  std::string result = out.str();
  for (std::size_t at = result.find('\''); at != std::string::npos; at = result.find('\'', at)) {
    result.replace(at, 1, "&apos;");
  }
  return result;
}

std::string text_of(const pugi::xml_node& element) {
  std::ostringstream out;
  element.print(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

std::string pubsub(const std::string& content, const std::string& fragment = "") {
  return "<pubsub xmlns='http://jabber.org/protocol/pubsub" + fragment + "'>" + content + "</pubsub>";
}

std::string owner(const std::string& content) { return pubsub(content, "#owner"); }

std::string bare(const std::string& jid) { return jid.substr(0, jid.find('/')); }

void initialize_strophe() {
  [[maybe_unused]] static const bool done = (survive_broken_connections(), xmpp_initialize(), true);
}

}  // namespace

XmppClient::XmppClient(const std::string& jid, const std::string& password, std::uint16_t port,
                       std::string service)
    : jid_(jid),
      service_(std::move(service)),
      context_((initialize_strophe(), xmpp_ctx_new(nullptr, nullptr)), xmpp_ctx_free),
      connection_(xmpp_conn_new(context_.get()), xmpp_conn_release) {
  xmpp_conn_set_flags(connection_.get(), XMPP_CONN_FLAG_DISABLE_TLS | XMPP_CONN_FLAG_DISABLE_SM);
  xmpp_conn_set_jid(connection_.get(), jid.c_str());
  xmpp_conn_set_pass(connection_.get(), password.c_str());
  const int result = xmpp_connect_client(
      connection_.get(), "127.0.0.1", port,
      [](xmpp_conn_t*, xmpp_conn_event_t event, int, xmpp_stream_error_t*, void* self) {
        static_cast<XmppClient*>(self)->handle_connection(event);
      },
      this);
  if (result != XMPP_EOK) throw std::runtime_error("xmpp_connect_client");
  run_until([this] { return connected_; }, "the XMPP login");
}

XmppClient::~XmppClient() {
  if (closed_) return;
  xmpp_disconnect(connection_.get());
  const auto until = deadline();
  while (!closed_ && Clock::now() < until) xmpp_run_once(context_.get(), 100);
}

void XmppClient::handle_connection(xmpp_conn_event_t event) {
  if (event != XMPP_CONN_CONNECT) {
    connected_ = false;
    closed_ = true;
    return;
  }
  connected_ = true;
  xmpp_handler_add(
      connection_.get(),
      [](xmpp_conn_t*, xmpp_stanza_t* stanza, void* self) {
        static_cast<XmppClient*>(self)->handle_stanza(stanza);
        return 1;
      },
      nullptr, nullptr, nullptr, this);
  const std::string presence = "<presence/>";
  xmpp_send_raw(connection_.get(), presence.data(), presence.size());
}

void XmppClient::handle_stanza(xmpp_stanza_t* stanza) {
  char* text = nullptr;
  std::size_t size = 0;
  if (xmpp_stanza_to_text(stanza, &text, &size) != XMPP_EOK) return;
  pugi::xml_document document;
  document.load_buffer(text, size, pugi::parse_default | pugi::parse_ws_pcdata);
  xmpp_free(context_.get(), text);
  const pugi::xml_node element = document.document_element();
  if (std::string(element.name()) == "message") {
    handle_event(element.child("event"));
  } else if (std::string(element.name()) == "iq") {
    answers_.push_back(std::move(document));
  }
}

void XmppClient::handle_event(const pugi::xml_node& event) {
  for (const pugi::xml_node& part : event.children()) {
    const std::string node = part.attribute("node").value();
    if (std::string(part.name()) != "items") {
      events_.push_back({part.name(), node, "", ""});
      continue;
    }
    for (const pugi::xml_node& item : part.children()) {
      events_.push_back({item.name(), node, item.attribute("id").value(), text_of(item.first_child())});
    }
  }
}

template <typename Condition>
void XmppClient::run_until(Condition condition, const char* what) {
  const auto until = deadline();
  while (!condition()) {
    if (closed_) throw std::runtime_error(std::string("the XMPP connection closed; waiting for ") + what);
    if (Clock::now() >= until) throw TimedOut(std::string("waiting for ") + what);
    xmpp_run_once(context_.get(), 100);
  }
}

pugi::xml_document XmppClient::request(const std::string& type, const std::string& to,
                                       const std::string& payload) {
  const std::string id = "test" + std::to_string(++last_id_);
  const std::string stanza = "<iq type='" + type + "' to='" + to + "' id='" + id + "'>" + payload + "</iq>";
  xmpp_send_raw(connection_.get(), stanza.data(), stanza.size());
  while (true) {
    run_until([this] { return !answers_.empty(); }, "an answer to an IQ");
    pugi::xml_document answer = std::move(answers_.front());
    answers_.pop_front();
    const pugi::xml_node iq = answer.document_element();
    if (id != iq.attribute("id").value()) continue;
    if (std::string(iq.attribute("type").value()) == "error") {
      throw StanzaError(iq.child("error").first_child().name());
    }
    return answer;
  }
}

std::string XmppClient::configuration_form(const Fields& configuration) const {
  std::string form =
      "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
      "<value>http://jabber.org/protocol/pubsub#node_config</value></field>";
  for (const auto& [name, value] : configuration) {
    form += "<field var='pubsub#" + name + "'><value>" + escaped(value) + "</value></field>";
  }
  return form + "</x>";
}

void XmppClient::create(const std::string& node, const Fields& configuration) {
  std::string content = "<create node='" + escaped(node) + "'/>";
  if (!configuration.empty()) content += "<configure>" + configuration_form(configuration) + "</configure>";
  request("set", service_, pubsub(content));
}

void XmppClient::configure(const std::string& node, const Fields& configuration) {
  request(
      "set", service_,
      owner("<configure node='" + escaped(node) + "'>" + configuration_form(configuration) + "</configure>"));
}

void XmppClient::remove(const std::string& node) {
  request("set", service_, owner("<delete node='" + escaped(node) + "'/>"));
}

void XmppClient::set_affiliation(const std::string& node, const std::string& jid,
                                 const std::string& affiliation) {
  request("set", service_,
          owner("<affiliations node='" + escaped(node) + "'><affiliation jid='" + escaped(jid) +
                "' affiliation='" + affiliation + "'/></affiliations>"));
}

void XmppClient::subscribe(const std::string& node) {
  request("set", service_, pubsub("<subscribe node='" + escaped(node) + "' jid='" + bare(jid_) + "'/>"));
}

void XmppClient::publish(const std::string& node, const std::string& item_id, const std::string& payload) {
  request("set", service_,
          pubsub("<publish node='" + escaped(node) + "'><item id='" + escaped(item_id) + "'>" + payload +
                 "</item></publish>"));
}

void XmppClient::retract(const std::string& node, const std::string& item_id) {
  request("set", service_,
          pubsub("<retract node='" + escaped(node) + "' notify='true'><item id='" + escaped(item_id) +
                 "'/></retract>"));
}

void XmppClient::purge(const std::string& node) {
  request("set", service_, owner("<purge node='" + escaped(node) + "'/>"));
}

std::vector<XmppClient::Item> XmppClient::items(const std::string& node) {
  const pugi::xml_document answer = request("get", service_, pubsub("<items node='" + escaped(node) + "'/>"));
  std::vector<Item> result;
  for (const pugi::xml_node& item :
       answer.document_element().child("pubsub").child("items").children("item")) {
    result.push_back({item.attribute("id").value(), text_of(item.first_child())});
  }
  return result;
}

PubsubEvent XmppClient::next_event() {
  run_until([this] { return !events_.empty(); }, "a pubsub event");
  PubsubEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::chrono::steady_clock::duration XmppClient::ping(const std::string& to) {
  const auto start = Clock::now();
  request("get", to, "<ping xmlns='urn:xmpp:ping'/>");
  return Clock::now() - start;
}

}  // namespace pubsub_mqtt::tests
