#include "xmpp_stream.h"

#include <stdexcept>

namespace pubsub_mqtt::bench {
namespace {

constexpr std::string_view stream_header =
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";
constexpr std::string_view features_end = "</stream:features>";

}  // namespace

XmppStream::XmppStream(EventLoop& loop, std::uint16_t port) : loop_(loop), socket_(port, nullptr) {
  loop_.watch(socket_.fd(), EPOLLIN, *this);
  log_in();
}

void XmppStream::log_in() {
  exchange(stream_header, features_end);
  exchange("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>", "<success");
  exchange(stream_header, features_end);
  exchange("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</jid>");
  const std::size_t jid = received_.find("<jid>") + 5;
  bare_jid_ = received_.substr(jid, received_.find('/', jid) - jid);
  // pubsub's messages are headlines to the bare JID: only who is available gets them (RFC 6121, 8.5.2).
  exchange("<presence/>", "<presence");
}

void XmppStream::subscribe(const std::string& node) {
  exchange(
      "<iq type='set' id='subscribe' to='pubsub.localhost'><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
      "<subscribe node='" +
          node + "' jid='" + bare_jid_ + "'/></pubsub></iq>",
      "subscription='subscribed'");
}

void XmppStream::exchange(std::string_view xml, std::string_view expected) {
  received_.clear();
  send(xml);
  loop_.run_until(
      [&] {
        flush();
        return received_.find(expected) != received_.npos;
      },
      "an answer over XMPP");
}

void XmppStream::send(std::string_view xml) {
  unsent_.append(xml);
  flush();
}

void XmppStream::flush() {
  if (unsent_.empty()) return;
  unsent_.erase(0, socket_.write(unsent_));
}

void XmppStream::handle(std::uint32_t) {
  const std::span<char> buffer = loop_.buffer();
  const std::string_view bytes(buffer.data(), socket_.read(buffer));
  if (receiver_) {
    receiver_(bytes);
  } else {
    received_.append(bytes);
  }
}

}  // namespace pubsub_mqtt::bench
