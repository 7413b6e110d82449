// Takes the fields of a packet's body off its front, one after the other (MQTT 3.1.1 and 5.0, 1.5).
//
// The first rule that is broken is remembered; from then on there is nothing left, and every field is empty.
// So the code that reads a packet lists its fields and its rules, and asks once, at the end, whether all were
// kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pubsub_mqtt/mqtt/packet_reader.h"

namespace pubsub_mqtt::mqtt {

class Fields {
 public:
  explicit Fields(std::string_view body) : rest_(body) {}

  std::uint8_t byte();
  std::uint16_t two_byte_integer();
  std::uint32_t four_byte_integer();
  std::uint32_t variable_byte_integer();  // 5.0, 1.5.5
  std::string_view utf8_string();         // 1.5.3
  std::string_view binary();              // a length, and as many bytes of any kind
  std::string_view bytes(std::size_t size);
  std::string_view rest();  // all that is left
  bool at_end() const { return rest_.empty(); }

  // `rule`, a string literal, is the reason in malformed() if it was broken.
  void require(bool kept, std::string_view rule, Reason code = Reason::malformed_packet);

  // What `inner`, a part of these fields, has found.
  void fail_like(const Fields& inner);

  const std::optional<Malformed>& malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  std::optional<Malformed> malformed_;
};

}  // namespace pubsub_mqtt::mqtt
