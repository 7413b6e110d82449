// Any bytes, read at each level whole, byte by byte and in fragments, must give the same packets and the same end. What
// was read must survive being written and read again, and so must its properties one by one.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/mqtt/strings.h"

namespace {

using namespace pubsub_mqtt::mqtt;

// Small, so that the fuzzer meets the limit.
constexpr std::size_t max_packet_size = 1024;

struct Reading {
  std::string packets;  // encoded again
  std::string_view end;
  Reason code = Reason::success;  // of what was malformed

  bool operator==(const Reading&) const = default;
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Rules that hold for what the reader hands out, asked in another way than it asks.
void check_strings(const Packet& packet) {
  if (const auto* publish = std::get_if<Publish>(&packet)) {
    require(publish->topic.empty() || is_topic_filter(publish->topic),
            "a topic name selects itself as a filter");
  }
  if (const auto* subscribe = std::get_if<Subscribe>(&packet)) {
    for (const auto& request : subscribe->subscriptions) {
      const bool literal = !has_wildcard(request.topic_filter);
      require(is_topic_name(request.topic_filter) == literal, "a filter without a wildcard is a topic name");
    }
  }
}

void check_properties(const Properties& properties) {
  std::string again;
  for (const auto& property : properties) append(property, again);
  require(again == properties.encoded(), "properties are written as they were read");
  require(forwarded(properties).size() <= again.size(), "properties are forwarded unaltered");
}

void check_properties(const Packet& packet) {
  std::visit(
      [](const auto& any) {
        if constexpr (requires { any.properties; }) check_properties(any.properties);
      },
      packet);
  const auto* connect = std::get_if<Connect>(&packet);
  if (connect != nullptr && connect->will) check_properties(connect->will->properties);
}

// A CONNECT is written in the form of its own level.
void write_at(ProtocolLevel /*not the reader's*/, const Connect& connect, std::string& out) {
  write(connect, out);
}
template <typename AnyPacket>
void write_at(ProtocolLevel level, const AnyPacket& packet, std::string& out) {
  write(packet, out, level);
}

// Reads a fragment, which lies in memory of its own: the sanitizer sees a view that leaves it. False at the
// end.
bool read_fragment(PacketReader& reader, std::string_view fragment, Reading& reading) {
  const std::vector<char> memory(fragment.begin(), fragment.end());
  std::string_view input(memory.data(), memory.size());
  for (;;) {
    const auto result = reader.read(input);
    if (const auto* packet = std::get_if<Packet>(&result)) {
      check_strings(*packet);
      check_properties(*packet);
      std::visit([&](const auto& any) { write_at(reader.level(), any, reading.packets); }, *packet);
      continue;
    }
    if (std::holds_alternative<NeedMoreBytes>(result)) {
      require(input.empty(), "all of the input is consumed");
      return true;
    }
    const auto* malformed = std::get_if<Malformed>(&result);
    reading.end = malformed != nullptr ? malformed->reason : "unsupported protocol level";
    if (malformed != nullptr) reading.code = malformed->code;
    return false;
  }
}

template <typename NextSize>
Reading read_in_fragments(std::string_view bytes, ProtocolLevel level, NextSize next_size) {
  PacketReader reader(max_packet_size);
  reader.set_level(level);
  Reading reading;
  while (!bytes.empty()) {
    const auto fragment = bytes.substr(0, next_size());
    bytes.remove_prefix(fragment.size());
    if (!read_fragment(reader, fragment, reading)) return reading;
  }
  reading.end = reader.in_packet() ? "in a packet" : "between packets";
  return reading;
}

Reading read_whole(std::string_view bytes, ProtocolLevel level) {
  return read_in_fragments(bytes, level, [&] { return bytes.size(); });
}

void read_at(ProtocolLevel level, const std::string& bytes) {
  const auto whole = read_whole(bytes, level);
  require(read_in_fragments(bytes, level, [] { return std::size_t{1}; }) == whole,
          "one byte at a time reads the same");

  // The same input always gives the same fragments, so a crash can be repeated from its file.
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string>{}(bytes)));
  for (const std::size_t largest : {3U, 16U, 200U}) {
    const auto next_size = [&] { return std::uniform_int_distribution<std::size_t>(1, largest)(random); };
    require(read_in_fragments(bytes, level, next_size) == whole, "fragments read the same");
  }

  const auto again = read_whole(whole.packets, level);
  require(again.packets == whole.packets && again.end == "between packets",
          "what was written reads the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(data, data + size);
  for (const auto level : {ProtocolLevel::mqtt_3_1, ProtocolLevel::mqtt_3_1_1, ProtocolLevel::mqtt_5}) {
    read_at(level, bytes);
  }
  return 0;
}
