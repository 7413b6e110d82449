#include "json.h"

// RapidJSON compares an offset of its stack's null pointer before it allocates, which
// UndefinedBehaviorSanitizer finds.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <cstddef>

namespace pubsub_mqtt::payload {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_exponent_mark(char c) { return c == 'e' || c == 'E'; }
bool is_sign(char c) { return c == '+' || c == '-'; }

// What RapidJSON sees in place of a text: one that is valid JSON where the text is, without what RapidJSON
// refuses and RFC 8259 takes.
//
// Numbers beyond a double ("1e999", section 6) are cut, also where none is converted: no run of digits is
// longer than max_digits, no exponent than max_exponent_digits. In a string, where the digits mean nothing
// either, each hexadecimal escape keeps its four: an exponent is cut only behind a digit, so at least "1e99"
// is left.
//
// Surrogates without their partner ("\ud800", section 8.2) begin with the digit D, which is read as C: U+C800
// is a character. Neither letter has another meaning in JSON, in an escape or outside of strings.
class AcceptableText : public rapidjson::MemoryStream {
 public:
  explicit AcceptableText(std::string_view text) : MemoryStream(text.data(), text.size()) {}

  char Peek() const { return without_surrogates(MemoryStream::Peek()); }

  char Take() {
    const char taken = without_surrogates(MemoryStream::Take());
    if (is_digit(taken)) {
      if (--digits_left_ == 0) skip_digits();
    } else if (is_exponent_mark(taken) && is_digit(previous_)) {
      digits_left_ = max_exponent_digits;
    } else if (!is_sign(taken) || !is_exponent_mark(previous_)) {
      digits_left_ = max_digits;
    }
    previous_ = taken;
    return taken;
  }

 private:
  static constexpr std::size_t max_digits = 17;
  static constexpr std::size_t max_exponent_digits = 2;

  static char without_surrogates(char c) {
    // Without a branch, since a processor cannot predict which letters a text has.
    return static_cast<char>(c - ((c | 0x20) == 'd' ? 1 : 0));
  }

  void skip_digits() {
    while (is_digit(Peek())) MemoryStream::Take();
  }

  std::size_t digits_left_ = max_digits;
  char previous_ = '\0';
};

}  // namespace

bool is_json(std::string_view text) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  AcceptableText stream(text);
  rapidjson::BaseReaderHandler<> ignore_values;
  rapidjson::Reader reader;
  return !reader.Parse<flags>(stream, ignore_values).IsError();
}

bool is_json_structure(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n\r");
  return begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[') && is_json(text);
}

}  // namespace pubsub_mqtt::payload
