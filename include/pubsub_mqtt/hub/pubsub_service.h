// What the hub asks of Prosody's pubsub services: the lua room implements it, unit tests imitate it.
// `account` is the bare JID as which a client acts; empty: a client without login (docs/mapping.md,
// "Rights"). Prosody's thread only. Nothing here raises or throws for what a client did; a Lua error becomes
// `failed` or a refusal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/hub/retained.h"

namespace pubsub_mqtt::hub {

class PubsubService {
 public:
  enum class HostStatus : std::uint8_t {
    unknown,     // no pubsub component
    configured,  // a pubsub component on which the module is not loaded now
    enabled,
  };
  enum class Subscribed : std::uint8_t {
    granted,
    waits,  // there is no such node yet
    refused,
  };
  struct Published {
    PublishReply::Outcome outcome = PublishReply::Outcome::failed;
    mqtt::Reason reason = mqtt::Reason::implementation_specific_error;  // where it is not accepted
    std::string reason_string = {};  // what the administrator can change; empty where accepted
    bool unobserved = false;  // nobody but MQTT can have seen it, nor the next one (docs/architecture.md)
    std::uint64_t items = 0;  // where it is unobserved: as Route has it
  };
  // As pubsub has it.
  struct Item {
    std::string id;
    std::string publisher;  // bare JID, where the host shows it; empty: it does not, or nobody knows
    pugi::xml_document payload;
  };

  PubsubService() = default;
  PubsubService(const PubsubService&) = delete;
  PubsubService& operator=(const PubsubService&) = delete;
  virtual ~PubsubService() = default;

  virtual HostStatus host_status(std::string_view host) = 0;

  // Finds out who the client is: Hub::logged_in() is called with the answer, now or later.
  virtual void log_in(const LoginRequest& request) = 0;

  // The same for a client that proves it in an exchange: Hub::authenticated() is called with each answer, now or later.
  virtual void authenticate(const AuthRequest& request) = 0;
  virtual void authenticate(const AuthResponse& response) = 0;
  virtual void end_authentication(ConnectionId connection) = 0;

  // A client subscribes to a node of an enabled host. Creates the node where the service lets that client.
  virtual Subscribed subscribe(std::string_view host, std::string_view node, std::string_view account) = 0;

  // Whether a client may be sent the items of a node. False where host or node do not exist.
  virtual bool may_receive(std::string_view host, std::string_view node, std::string_view account) = 0;

  // Whether a client may read what the node keeps. False where host or node do not exist.
  virtual bool may_read(std::string_view host, std::string_view node, std::string_view account) = 0;

  // Publishes an item on an enabled host. While this runs, the hub is told of the item through
  // Hub::own_item_published(). `intent`: what a client at QoS 2 intended with the item, which is carried out when the
  // item is accepted, and known in the store from the same commit on where that stores the item; nullptr: nothing.
  virtual Published publish(std::string_view host, std::string_view node, std::string_view account,
                            std::string_view id, const pugi::xml_node& payload, const Intent* intent) = 0;

  // Whether the node keeps an item of that id; nullopt: its storage does not say.
  virtual std::optional<bool> has_item(std::string_view host, std::string_view node, std::string_view id) = 0;

  // An item is there that a client at QoS 2 intended: known in the store from its next commit on.
  virtual void carried_out(const Intent& intent) = 0;

  // Whether a client may publish to the node, which need not exist, without doing so.
  virtual Published may_publish(std::string_view host, std::string_view node, std::string_view account) = 0;

  // Whether the account administers the server.
  virtual bool is_administrator(std::string_view account) = 0;

  // What a client asks for below `$pubsub/`, and how large an answer it takes. `session` tells apart what is under way:
  // of each session one request at a time.
  struct Inquiry {
    SessionId session = 0;
    std::string_view topic;
    std::string_view account;
    std::string_view payload;
    std::size_t most_bytes = 0;
  };
  struct Answer {
    std::optional<std::string> json;  // nullopt: there is more to do, ask again
    std::chrono::nanoseconds took{};  // of Prosody's thread
  };
  // Works for a fraction of a millisecond, or as long as one step takes.
  virtual Answer answer(const Inquiry& inquiry) = 0;
  // Nobody waits for it any more. Also where there is none.
  virtual void forget_inquiry(SessionId session) = 0;

  // Whether the host shows who published an item (mod_pubsub's expose_publisher).
  virtual bool exposes_publisher(std::string_view host) = 0;

  // Retracts the item `current`, where there is one, with notification: it was cleared.
  virtual void retract_current(std::string_view host, std::string_view node) = 0;
  // The same without notification: it has expired, which every client knows by itself.
  virtual void drop_current(std::string_view host, std::string_view node) = 0;

  // Has Hub::step() called when so much time has passed, or earlier; only the last call counts.
  virtual void wake_after(Time delay) = 0;

  // The newest item, where the node's owner wants new subscribers to get it (send_last_published_item) and the client
  // may read items; else nullopt.
  virtual std::optional<Item> last_item(std::string_view host, std::string_view node,
                                        std::string_view account) = 0;

  // What the node retains is needed now: Hub::restore_later() has said that it would be told later.
  virtual void restore(std::string_view host, std::string_view node) = 0;

  // The copy that survives a restart; nullptr: it has ended, and no older one may be sent in its place.
  virtual void save_retained(std::string_view host, std::string_view node, const Retained* retained) = 0;

  // How often what is asked here has changed something in the store so far, posted or still to be: where that has
  // grown, somebody who is promised what was asked waits for a commit.
  virtual std::uint64_t posted() const = 0;

  virtual void log(LogLevel level, const std::string& text) = 0;
};

}  // namespace pubsub_mqtt::hub
