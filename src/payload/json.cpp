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

// RapidJSON refuses numbers beyond a double ("1e999"), also where it converts none. They are valid JSON, so
// it sees them cut: no run of digits is longer than max_digits, no exponent than max_exponent_digits, which
// alters no text's validity. In a string, where the digits mean nothing either, each hexadecimal escape keeps
// its four: an exponent is cut only behind a digit, so at least "1e99" is left.
class ShortNumbers : public rapidjson::MemoryStream {
 public:
  explicit ShortNumbers(std::string_view text) : MemoryStream(text.data(), text.size()) {}

  char Take() {
    const char taken = MemoryStream::Take();
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

  void skip_digits() {
    while (is_digit(Peek())) MemoryStream::Take();
  }

  std::size_t digits_left_ = max_digits;
  char previous_ = '\0';
};

}  // namespace

bool is_json(std::string_view text) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  ShortNumbers stream(text);
  rapidjson::BaseReaderHandler<> ignore_values;
  rapidjson::Reader reader;
  return !reader.Parse<flags>(stream, ignore_values).IsError();
}

}  // namespace pubsub_mqtt::payload
