// Packets in, bytes out: encodes control packets as MQTT 3.1.1, chapter 3, says.
//
// Every function appends to `out`. The caller keeps to the limits of the format: strings of at most 65,535
// bytes, packets of at most 268,435,455. No I/O; any thread.
#pragma once

#include <cstddef>
#include <string>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::mqtt {

void write(const Connect&, std::string& out);  // for clients: tests and the load generator
void write(const Connack&, std::string& out);
void write(const Publish&, std::string& out);
void write(const Puback&, std::string& out);
void write(const Pubrec&, std::string& out);
void write(const Pubrel&, std::string& out);
void write(const Pubcomp&, std::string& out);
void write(const Subscribe&, std::string& out);
void write(const Suback&, std::string& out);
void write(const Unsubscribe&, std::string& out);
void write(const Unsuback&, std::string& out);
void write(const Pingreq&, std::string& out);
void write(const Pingresp&, std::string& out);
void write(const Disconnect&, std::string& out);

// Everything of a PUBLISH that stands before its payload. `payload_size` counts into the remaining length;
// the payload itself follows it on the wire. The packet identifier, where the QoS has one, is the last two
// bytes, so that one encoded header serves many subscribers: only those two bytes, and the DUP flag (0x08 of
// the first byte), differ.
void write_publish_header(const Publish& publish, std::size_t payload_size, std::string& out);

}  // namespace pubsub_mqtt::mqtt
