#include "pubsub_mqtt/base/utf8.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {
namespace {

// Of what UTF-8 can write (XML 1.0, 2.2).
bool is_char(char32_t character) {
  if (character < 0x20) return character == '\t' || character == '\n' || character == '\r';
  return character != 0xFFFE && character != 0xFFFF;
}

}  // namespace

bool is_xml_text(std::string_view text) {
  return consists_of(text, [](char32_t character) { return is_char(character); });
}

}  // namespace pubsub_mqtt::payload
