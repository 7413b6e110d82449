// Packets in, bytes out: encodes control packets as chapter 3 of MQTT 3.1.1 says, or of 5.0. A CONNECT is written in
// the form of its own level.
//
// Every function appends to `out`. The caller keeps to the limits of the format: strings of at most 65,535
// bytes, packets of at most 268,435,455. No I/O; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::mqtt {

void write(const Connect&, std::string& out);  // for clients: tests and the load generator
void write(const Connack&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Publish&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Puback&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Pubrec&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Pubrel&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Pubcomp&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Subscribe&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Suback&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Unsubscribe&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Unsuback&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Pingreq&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Pingresp&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Disconnect&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);
void write(const Auth&, std::string& out, ProtocolLevel level = ProtocolLevel::mqtt_5);

// Bytes of a whole PUBLISH of 5.0 with so many bytes of properties and of payload.
std::size_t packet_size(std::string_view topic, QoS qos, std::size_t properties_size,
                        std::size_t payload_size);

// Everything of a PUBLISH that stands before its payload. `payload_size` counts into the remaining length; the
// payload itself follows on the wire. Returns where in the header (bytes from its beginning) the packet identifier
// stands, or would stand at QoS 0.
std::size_t write_publish_header(const Publish& publish, std::size_t payload_size, std::string& out,
                                 ProtocolLevel level = ProtocolLevel::mqtt_3_1_1);

// In what the PUBLISH packets of a message to two subscribers differ, where all else is said to both.
struct PublishFlags {
  QoS qos = QoS::at_most_once;
  bool retain = false;
  bool dup = false;
  PacketIdentifier packet_identifier = 0;  // 0 where qos is 0
};

// Makes the header of one subscriber's packet that of another's: `header` is what write_publish_header() wrote, at
// QoS 0 where `flags` are of QoS 0, else at 1 or 2, and `identifier_place` what it returned. So a message is encoded
// once, whoever receives it.
void rewrite_publish_header(std::span<char> header, std::size_t identifier_place, PublishFlags flags);

}  // namespace pubsub_mqtt::mqtt
