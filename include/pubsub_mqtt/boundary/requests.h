// What the network thread asks of Prosody's thread: plain values, in the order in which they were received.
//
// Topics, filters and payloads are copies of what the client sent, checked by the packet reader (UTF-8,
// syntax) and by nobody else yet; topics and filters that are mounted have the mount point before them
// (topic/mountpoint.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pubsub_mqtt/boundary/certificate_names.h"
#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/boundary/secret.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt {

// A client that wants to act as an account, as the network thread knows it.
struct LoginClient {
  ConnectionId connection = 0;
  std::string name = {};     // address and client identifier, printable, for log lines
  std::string address = {};  // session::Peer::address
  std::string party = {};    // session::Peer::party
  bool is_loopback = false;
  bool is_encrypted = false;
  std::optional<std::string> user_name = {};  // of CONNECT
  CertificateNames certificate = {};
};

// Answered by LoginReply; until then the client asks for nothing else.
struct LoginRequest {
  LoginClient client;
  std::optional<Secret> password = {};
};

// A client begins an exchange in which it proves who it is (MQTT 5.0, 4.12): with CONNECT, or again later. Answered by
// AuthReply, as each AuthResponse is; until then the client asks for nothing else of it.
struct AuthRequest {
  LoginClient client;
  std::string method;               // Authentication Method
  std::optional<Secret> data = {};  // Authentication Data; nullopt: the client waits to be asked for them
  std::string account = {};  // bare JID, of a client that authenticates again; empty: of one that connects
  std::string server_name = {};  // the host that the client named with TLS (SNI); empty: none
};

// What the client says next in its exchange, after AuthReply with continue_authentication.
struct AuthResponse {
  ConnectionId connection = 0;
  Secret data;  // empty: none
};

// The client has left the exchange before its end.
struct EndAuth {
  ConnectionId connection = 0;
};

// A session is about to ask for something, for the first time, or from a new connection. One that asks for
// nothing is unknown to Prosody's thread and costs it nothing.
struct OpenSession {
  SessionId session = 0;
  std::string client;        // address and client identifier, printable, for log lines
  std::string account = {};  // bare JID; empty: without login
  std::string party = {};    // without login: session::Peer::party; empty: the session is a party by itself
};

// Answered by SubscribeReply. Retained messages follow for each filter that was granted, a few at a time: see
// RetainedMessages.
struct SubscribeRequest {
  Ticket ticket;
  std::vector<Subscription> subscriptions;
};

// Answered by UnsubscribeReply.
struct UnsubscribeRequest {
  Ticket ticket;
  std::vector<TopicFilter> topic_filters;
};

// What the network thread has found out about a payload, and made of it, so that Prosody's thread does not have to: see
// payload/prepare.h.
struct PreparedItem {
  // A string literal, why the payload is none of its TYPE; empty: nobody knows.
  std::string_view refusal = {};
  topic::Type type = topic::Type::utf8;  // in whose form the payload is that was published as Type::any
  // Of an item that is Bits of Binary (XEP-0231), since its payload is binary, or too large for XMPP streams; else
  // empty.
  std::string content_id = {};
  std::string media_type = {};             // likewise
  std::optional<std::string> base64 = {};  // what that item holds; nullopt: nothing, the payload is too large
};

// What the store keeps of a publish at QoS 2 until subscribers have it, so that the client may send it again after a
// crash (docs/durability.md).
struct Intent {
  std::uint64_t session = 0;  // its number in the store
  mqtt::PacketIdentifier packet_identifier = 0;
  std::string item = {};      // the id that the item is given
  bool is_again = false;      // an earlier request bore it, and perhaps there is that item
  bool is_published = false;  // pubsub has accepted that one
};

// Answered by PublishReply.
struct PublishRequest {
  Ticket ticket;
  Publication publication;
  PreparedItem prepared = {};
  // Where in its topic what the client named begins; 0: the client named all of it.
  std::size_t mounted_at = 0;
  std::optional<Intent> intent = {};  // nullopt: the client would not be known after a crash
  // Of a request below `$pubsub/`: how large a packet the client takes. Of others 0.
  std::uint32_t max_packet_size = 0;

  // What the request keeps in memory.
  std::size_t size() const { return publication.size() + (prepared.base64 ? prepared.base64->size() : 0); }
};

// The session has a will, which a later PublishRequest may ask to publish. One that can never be published is
// warned of now.
struct AnnounceWill {
  SessionId session = 0;
  Publication will;
  std::size_t mounted_at = 0;  // as PublishRequest has it
};

// The session has sent on what RetainedMessages brought and takes more.
struct RetainedRequest {
  SessionId session = 0;
};

// The session, which was opened, is over: its filters go. What it asked before is carried out first.
struct CloseSession {
  SessionId session = 0;
};

using Request = std::variant<LoginRequest, AuthRequest, AuthResponse, EndAuth, OpenSession, SubscribeRequest,
                             UnsubscribeRequest, PublishRequest, AnnounceWill, RetainedRequest, CloseSession>;

}  // namespace pubsub_mqtt
