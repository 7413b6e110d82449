// Packets in, bytes out: encodes control packets as MQTT 3.1.1, chapter 3, says.
//
// Every function appends to `out`. The caller keeps to the limits of the format: strings of at most 65,535
// bytes, packets of at most 268,435,455. No I/O; any thread.
#pragma once

#include <cstddef>
#include <span>
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

// Everything of a PUBLISH that stands before its payload. `payload_size` counts into the remaining length; the
// payload itself follows on the wire.
void write_publish_header(const Publish& publish, std::size_t payload_size, std::string& out);

// Makes the header of one subscriber's packet that of another's, whose flags and packet identifier are those of
// `publish`: `header` is what write_publish_header() wrote for the same topic and payload, at QoS 0 where `publish` is
// at QoS 0, else at 1 or 2. So a message is encoded once, whoever receives it.
void rewrite_publish_header(std::span<char> header, const Publish& publish);

}  // namespace pubsub_mqtt::mqtt
