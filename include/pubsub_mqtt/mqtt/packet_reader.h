// Bytes in, packets out: cuts a TCP stream into MQTT control packets and checks everything that MQTT 3.1.1
// lets a receiver check, and 5.0 (chapters 1.5, 2 and 3): reserved flags, remaining length, packet identifiers, UTF-8,
// U+0000, topic names and filters, the shape of CONNECT, properties, bytes left over. It takes any fragmentation and
// any number of packets.
//
// Memory: a packet that lies whole in the input is parsed in place. Only an incomplete packet is kept, in a
// buffer that grows with the bytes received, never with the length that a packet claims; the buffer is given
// back when it is empty.
//
// It does no I/O and reads no clock. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::mqtt {

// The input does not hold a whole packet yet; all of it was consumed.
struct NeedMoreBytes {};

// The stream is broken for good: close the connection [MQTT-4.8.0-1]. `reason` tells the log which rule was
// broken; it holds no bytes of the client's.
struct Malformed {
  std::string_view reason;  // a string literal
  // What a 5.0 client is told (MQTT 5.0, 4.13.1): malformed_packet for what cannot be parsed, protocol_error for what
  // the protocol does not permit, or a reason of its own.
  Reason code = Reason::malformed_packet;
};

// CONNECT of an MQTT that we do not speak [MQTT-3.1.2-2]. PacketReader::level() says in which form it is to be
// answered: of 5.0 where the level is above.
struct UnsupportedProtocolLevel {};

// What the first bytes of a packet tell.
struct PacketStart {
  bool is_request =
      false;  // PUBLISH, SUBSCRIBE or UNSUBSCRIBE: more than the connection itself has to do with it
  std::size_t size = 0;  // of the whole packet; 0 while that is not known
};

// Whether the bytes are one whole packet with a remaining length of one byte (2.2.3), as most are: faster than start().
inline bool is_one_short_packet(std::string_view bytes) {
  return bytes.size() >= 2 && bytes.size() < 130 && static_cast<unsigned char>(bytes[1]) == bytes.size() - 2;
}

// The reason of a Malformed packet whose length is beyond PacketReader's limit.
inline constexpr std::string_view packet_too_large = "a packet larger than mqtt_max_packet_size";

using ReadResult = std::variant<Packet, NeedMoreBytes, Malformed, UnsupportedProtocolLevel>;

class PacketReader {
 public:
  // max_packet_size: bytes of a whole packet, fixed header included. A larger one is Malformed, as soon as
  // its length is known.
  explicit PacketReader(std::size_t max_packet_size) : max_packet_size_(max_packet_size) {}

  // Of packets from the next one on: who has logged in may send larger ones than a stranger.
  void set_max_packet_size(std::size_t max_packet_size) { max_packet_size_ = max_packet_size; }

  // Takes the next packet off the front of `input` and moves `input` past it. Call it until it says
  // NeedMoreBytes. Views in the packet are good until the next call of read(), and not longer than the bytes
  // of `input`. After Malformed or UnsupportedProtocolLevel the reader must not be used again.
  //
  // A client whose CONNECT said MQTT 3.1 is read by the rules of 3.1 where they differ: the reader remembers
  // its level, and so with 5.0.
  ReadResult read(std::string_view& input);

  // Of the client, as soon as its CONNECT has said which, also where the rest of the packet is malformed, or too large.
  ProtocolLevel level() const { return level_; }
  // For a client, which knows the level without a CONNECT.
  void set_level(ProtocolLevel level) { level_ = level; }

  // Of the packet that read() would begin or go on with.
  PacketStart start(std::string_view input) const;

  // True between the first and the last byte of a packet.
  bool in_packet() const { return partial_ != nullptr && !handed_out_; }

 private:
  ReadResult read_in_place(std::string_view& input);
  ReadResult read_in_parts(std::string_view& input);
  ReadResult read_whole(std::string_view packet, std::size_t header_size);
  void learn_level(std::string_view packet);

  std::size_t max_packet_size_;
  std::unique_ptr<std::string>
      partial_;  // nullptr while no packet is in it: an idle client pays for a pointer
  ProtocolLevel level_ = ProtocolLevel::mqtt_3_1_1;
  // The packet handed out last lies in partial_, which is dropped at the next call.
  bool handed_out_ = false;
};

}  // namespace pubsub_mqtt::mqtt
