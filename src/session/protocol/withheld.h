// PUBACKs and PUBRECs that are due and withheld, in their order, while the publisher waits for a subscriber (see
// Waiting), or for what it has published to be stored (see Promises). No memory before the first one. Network thread
// only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "durable/stored_message.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/fifo.h"

namespace pubsub_mqtt::session {

class Withheld {
 public:
  struct Acknowledgement {
    mqtt::QoS qos = mqtt::QoS::at_least_once;
    mqtt::Reason reason = mqtt::Reason::success;
    mqtt::PacketIdentifier packet_identifier = 0;
    std::size_t bytes = 0;  // of the message that it acknowledges, and of `why`
    std::string why = {};   // the Reason String for a client of 5.0
    Turn turn = 0;          // that must be committed before; 0: none
  };

  std::size_t size() const { return all_ ? all_->fifo.size() : 0; }
  bool empty() const { return size() == 0; }
  std::size_t bytes() const { return all_ ? all_->bytes : 0; }

  void push_back(Acknowledgement acknowledgement) {
    if (!all_) all_ = std::make_unique<All>();
    const std::size_t bytes = acknowledgement.bytes;
    all_->fifo.push_back(std::move(acknowledgement));
    all_->bytes += bytes;
  }

  const Acknowledgement& front() const { return all_->fifo.front(); }
  Turn last_turn() const { return empty() ? 0 : all_->fifo.back().turn; }

  Acknowledgement take_front() {
    Acknowledgement first = std::move(all_->fifo.front());
    all_->fifo.pop_front();
    all_->bytes -= first.bytes;
    return first;
  }

  // PUBREL has come for it, or for one before it with the same packet identifier. Returns the bytes of those that
  // went.
  std::size_t forget_pubrec(mqtt::PacketIdentifier packet_identifier) {
    if (empty()) return 0;
    const std::size_t before = all_->bytes;
    all_->fifo.erase_if([&](const Acknowledgement& each) {
      if (each.qos != mqtt::QoS::exactly_once || each.packet_identifier != packet_identifier) return false;
      all_->bytes -= each.bytes;
      return true;
    });
    return before - all_->bytes;
  }

  // Returns the bytes of all.
  std::size_t clear() noexcept {
    const std::size_t all = bytes();
    all_.reset();
    return all;
  }

 private:
  struct All {
    Fifo<Acknowledgement> fifo;
    std::size_t bytes = 0;
  };

  std::unique_ptr<All> all_;
};

}  // namespace pubsub_mqtt::session
