// Any bytes, read whole, byte by byte and in fragments, must give the same packets and the same end. What was
// read must survive being written and read again.
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
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Rules that hold for what the reader hands out, asked in another way than it asks.
void check_strings(const Packet& packet) {
  if (const auto* publish = std::get_if<Publish>(&packet)) {
    require(is_topic_filter(publish->topic), "a topic name selects itself as a filter");
  }
  if (const auto* subscribe = std::get_if<Subscribe>(&packet)) {
    for (const auto& request : subscribe->subscriptions) {
      const bool literal = !has_wildcard(request.topic_filter);
      require(is_topic_name(request.topic_filter) == literal, "a filter without a wildcard is a topic name");
    }
  }
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
      std::visit([&](const auto& any) { write(any, reading.packets); }, *packet);
      continue;
    }
    if (std::holds_alternative<NeedMoreBytes>(result)) {
      require(input.empty(), "all of the input is consumed");
      return true;
    }
    const auto* malformed = std::get_if<Malformed>(&result);
    reading.end = malformed != nullptr ? malformed->reason : "unsupported protocol level";
    return false;
  }
}

template <typename NextSize>
Reading read_in_fragments(std::string_view bytes, NextSize next_size) {
  PacketReader reader(max_packet_size);
  Reading reading;
  while (!bytes.empty()) {
    const auto fragment = bytes.substr(0, next_size());
    bytes.remove_prefix(fragment.size());
    if (!read_fragment(reader, fragment, reading)) return reading;
  }
  reading.end = reader.in_packet() ? "in a packet" : "between packets";
  return reading;
}

Reading read_whole(std::string_view bytes) {
  return read_in_fragments(bytes, [&] { return bytes.size(); });
}

bool same(const Reading& one, const Reading& other) {
  return one.packets == other.packets && one.end == other.end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(data, data + size);
  const auto whole = read_whole(bytes);
  require(same(read_in_fragments(bytes, [] { return std::size_t{1}; }), whole),
          "one byte at a time reads the same");

  // The same input always gives the same fragments, so a crash can be repeated from its file.
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string>{}(bytes)));
  for (const std::size_t largest : {3U, 16U, 200U}) {
    const auto next_size = [&] { return std::uniform_int_distribution<std::size_t>(1, largest)(random); };
    require(same(read_in_fragments(bytes, next_size), whole), "fragments read the same");
  }

  const auto again = read_whole(whole.packets);
  require(again.packets == whole.packets && again.end == "between packets",
          "what was written reads the same");
  return 0;
}
