// A payload: a mark, a sequence number, the time of sending, padding. Text, since pubsub's items are XML:
// four bits a character, from 'A' to 'P'.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pubsub_mqtt::bench {

inline constexpr std::string_view payload_mark = "seq=";
inline constexpr std::size_t stamp_size = 24;
inline constexpr std::size_t default_payload_size = 64;

// Each publisher numbers its own messages, below its own number.
inline constexpr std::uint32_t most_publishers = 16;
inline constexpr int publisher_shift = 28;

struct Stamp {
  std::uint32_t sequence = 0;
  std::uint64_t time = 0;  // nanoseconds of the monotonic clock
};

namespace detail {

inline constexpr std::uint64_t first_letters = 0x4141414141414141;  // "AAAAAAAA"

// Eight letters at once: neighbouring groups of bits are moved apart, or together, three times.
inline void write_letters(std::uint32_t number, char* out) {
  std::uint64_t bits = number;
  bits = (bits | (bits << 16)) & 0x0000FFFF0000FFFF;
  bits = (bits | (bits << 8)) & 0x00FF00FF00FF00FF;
  bits = ((bits | (bits << 4)) & 0x0F0F0F0F0F0F0F0F) + first_letters;
  std::memcpy(out, &bits, sizeof bits);
}

inline std::uint32_t read_letters(const char* text) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, text, sizeof bits);
  bits -= first_letters;
  bits = (bits | (bits >> 4)) & 0x00FF00FF00FF00FF;
  bits = (bits | (bits >> 8)) & 0x0000FFFF0000FFFF;
  return static_cast<std::uint32_t>(bits | (bits >> 16));
}

}  // namespace detail

// `out` and `text` are what follows the mark: stamp_size characters.
inline void write_stamp(const Stamp& stamp, char* out) {
  detail::write_letters(stamp.sequence, out);
  detail::write_letters(static_cast<std::uint32_t>(stamp.time >> 32), out + 8);
  detail::write_letters(static_cast<std::uint32_t>(stamp.time), out + 16);
}

inline Stamp read_stamp(const char* text) {
  return {.sequence = detail::read_letters(text),
          .time = (std::uint64_t{detail::read_letters(text + 8)} << 32) | detail::read_letters(text + 16)};
}

// `size` is at least that of the mark and the stamp.
inline std::string make_payload(std::size_t size) {
  std::string payload(payload_mark);
  payload.resize(size, 'A');
  return payload;
}

}  // namespace pubsub_mqtt::bench
