// What a client publishes (MQTT 3.1.1, 3.3 and 4.3): to the subscribers past pubsub where the client has a direct
// way, else to pubsub; acknowledged in the order of receipt. And what the client waits for, which says whether it
// is read from. Network thread only.
//
// All but what ReceivedIdentifiers remembers is of this process: pubsub's answers come or are lost with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "protocol/client_aliases.h"
#include "protocol/violation.h"
#include "protocol/withheld.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/fifo.h"
#include "routing/direct_ways.h"

namespace pubsub_mqtt::session {

class Session;

class Incoming {
 public:
  // Belongs to the session.
  explicit Incoming(Session& session) : session_(session) {}

  Violation receive(mqtt::Publish packet);
  Violation receive(const mqtt::Pubrel& packet);

  // Returns false where the connection is to be closed, so that the client sends again what was not acknowledged; it
  // was told why, where its MQTT has words for that.
  bool reply(PublishReply& reply);

  // Memory did not suffice for all deliveries of what pubsub answers next: that has failed. Who takes this answers it.
  void loses_publish() { loses_publish_ = true; }
  bool take_lost_publish() {
    const bool has_lost = loses_publish_;
    loses_publish_ = false;
    return has_lost;
  }

  // A SUBSCRIBE or UNSUBSCRIBE of so many bytes waits for pubsub, or was answered.
  void asked(std::size_t bytes);
  void answered(std::size_t bytes);

  // Returns false while too much waits for pubsub, or for subscribers whose queues are full, and until that is half
  // as much: read no further.
  bool takes_packets() const { return !reading_paused_; }

  // A PUBLISH, SUBSCRIBE or UNSUBSCRIBE of so many bytes comes next. Returns false while all sessions together wait for
  // too much, and its party would have more than its share: then the connection is told when to read on.
  bool may_ask(std::size_t bytes);
  // The same where that need not be known: nearly always.
  bool may_ask_anything();
  bool waits_for_share() const { return waits_for_share_; }

  bool awaits_answers() const { return pending_publishes_ > 0; }

  // What it publishes to the store comes faster than that is written: it is not read from until that has room.
  void await_room() { awaits_room_ = reading_paused_ = true; }
  void store_has_room() {
    awaits_room_ = false;
    read_on();
  }

  // The client waits for no subscriber any more, or some of what it has published is stored.
  void go_on();
  // Acknowledgements that wait for subscribers or the store, not for pubsub.
  std::size_t withheld() const { return withheld_.size(); }
  // The client was sent something that it has to acknowledge: that comes behind what it publishes.
  void owes() {
    if (reading_paused_) read_on();
  }

  void attach() noexcept {
    reading_paused_ = has_asked_too_much();
    held_places_ = 0;
  }
  void detach() noexcept;

 private:
  Violation admit(mqtt::Publish& packet);
  bool is_duplicate(const mqtt::Publish& packet);
  void publish(const mqtt::Publish& packet);
  const DirectWay* way(const mqtt::Publish& packet);
  std::optional<mqtt::Reason> publish_directly(const mqtt::Publish& packet);
  void ask_pubsub(const mqtt::Publish& packet);
  void acknowledge_in_turn(const mqtt::Publish& packet, mqtt::Reason reason);
  void acknowledge_published();
  void acknowledge(Withheld::Acknowledgement acknowledgement);
  void write(const Withheld::Acknowledgement& acknowledgement);
  void free_place();
  bool waits_for_subscriber() const;
  void await_commit();
  Turn owed() const;
  void set_received(mqtt::PacketIdentifier packet_identifier);
  void release(std::size_t withheld_bytes) noexcept;
  bool finish_qos_2(const PublishReply& reply);
  void respond(PublishReply& reply);
  bool acknowledge(const PublishReply& reply);
  // What is not acknowledged, as far as it counts for reading on.
  std::size_t unacknowledged_publishes() const;
  std::size_t unacknowledged_bytes() const;
  bool owes_acknowledgements() const;
  bool has_asked_too_much() const;
  void read_on();
  // These counts may have wrapped around; they are never far apart.
  bool has_answered(std::uint32_t publishes) const {
    return static_cast<std::int32_t>(publishes - answered_publishes_) <= 0;
  }

  // A PUBLISH that subscribers have, but that is acknowledged after those before it [MQTT-4.6.0-2,
  // MQTT-4.6.0-3].
  struct Published {
    std::uint32_t after = 0;  // so many answers of pubsub's
    mqtt::QoS qos = mqtt::QoS::at_least_once;
    mqtt::Reason reason = mqtt::Reason::success;
    mqtt::PacketIdentifier packet_identifier = 0;
    std::uint32_t bytes = 0;
  };

  Session& session_;
  std::unique_ptr<DirectWays> ways_;
  ClientAliases aliases_;
  Fifo<Published> published_;
  Withheld withheld_;              // what stands behind nothing else
  std::size_t pending_bytes_ = 0;  // of all that waits for pubsub
  std::uint32_t pending_publishes_ = 0;
  std::uint32_t answered_publishes_ = 0;
  // What it counts when all that the connection has sent so far is answered.
  std::uint32_t awaited_publishes_ = 0;
  // Of a client of 5.0, on this connection: the places of the server's Receive Maximum that its PUBLISHes hold, which
  // PUBACK, PUBCOMP or a refusing PUBREC frees (5.0, 4.9).
  std::uint16_t held_places_ = 0;
  std::uint8_t pending_subscribes_ = 0;  // and UNSUBSCRIBEs; never many
  bool reading_paused_ : 1 = false;
  bool waits_for_share_ : 1 = false;
  bool awaits_all_answers_ : 1 = false;  // to take a direct way then
  bool awaits_room_ : 1 = false;         // in the store
  bool loses_publish_ : 1 = false;
};

}  // namespace pubsub_mqtt::session
