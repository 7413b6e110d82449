#include "serialized_text.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// util.serialization writes none deeper.
constexpr int max_depth = 127;

constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr std::string_view digits = "0123456789";
constexpr std::string_view escape_letters = R"(abfnrtv\"')";
constexpr std::string_view escaped_bytes = "\a\b\f\n\r\t\v\\\"'";

// Inside a protected call.
class SerializedReader {
 public:
  SerializedReader(lua_State* state, std::string_view text) : L(state), left_(text) {}

  // Each of these pushes a value, or returns false, with whatever on the stack.
  bool read_all() { return read_value(0) && skip_spaces().empty(); }

 private:
  bool read_value(int depth) {
    const std::string_view next = skip_spaces();
    if (next.empty()) return false;
    if (next[0] == '"') return read_string();
    if (next[0] == '{') return read_table(depth + 1);
    if (letters.find(next[0]) != letters.npos) return push_word(take_name());
    return read_number();
  }

  bool push_word(std::string_view word) {
    if (word != "true" && word != "false") return false;
    lua_pushboolean(L, word == "true" ? 1 : 0);
    return true;
  }

  // Mostly there is nothing to unescape.
  bool read_string() {
    left_.remove_prefix(1);
    const std::size_t end = left_.find_first_of("\"\\\n");
    if (end == left_.npos) return false;
    if (left_[end] != '"') return read_escaped_string();
    push_text(L, left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return true;
  }

  bool read_escaped_string() {
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (;;) {
      const std::size_t end = left_.find_first_of("\"\\\n");
      if (end == left_.npos || left_[end] == '\n') return false;
      luaL_addlstring(&buffer, left_.data(), end);
      const bool is_end = left_[end] == '"';
      left_.remove_prefix(end + 1);
      if (is_end) break;
      char byte = 0;
      if (!take_escape(byte)) return false;
      luaL_addchar(&buffer, byte);
    }
    luaL_pushresult(&buffer);
    return true;
  }

  // Behind the backslash.
  bool take_escape(char& byte) {
    if (left_.empty()) return false;
    if (const std::size_t letter = escape_letters.find(left_[0]); letter != escape_letters.npos) {
      byte = escaped_bytes[letter];
      left_.remove_prefix(1);
      return true;
    }
    const std::string_view number = left_.substr(0, 3);
    if (number.size() != 3 || number.find_first_not_of(digits) != number.npos) return false;
    const int value = (number[0] - '0') * 100 + (number[1] - '0') * 10 + (number[2] - '0');
    if (value > 255) return false;
    byte = static_cast<char>(value);
    left_.remove_prefix(3);
    return true;
  }

  bool read_number() {
    std::array<char, 40> number{};  // ends with a zero
    const std::size_t size = std::min(left_.find_first_not_of("0123456789+-.e"), left_.size());
    if (size == 0 || size >= number.size()) return false;
    left_.copy(number.data(), size);
    if (lua_stringtonumber(L, number.data()) == 0) return false;
    left_.remove_prefix(size);
    return true;
  }

  bool read_table(int depth) {
    if (depth > max_depth) return false;
    luaL_checkstack(L, 4, nullptr);
    left_.remove_prefix(1);
    lua_newtable(L);
    for (lua_Integer next_index = 1; skip_spaces().substr(0, 1) != "}";) {
      if (left_.empty() || !read_field(next_index, depth)) return false;
      if (skip_spaces().substr(0, 1) == ";") left_.remove_prefix(1);
    }
    left_.remove_prefix(1);
    return true;
  }

  // key=value, [key]=value, or a value.
  bool read_field(lua_Integer& next_index, int depth) {
    const bool is_bracketed = left_[0] == '[';
    if (is_bracketed) {
      left_.remove_prefix(1);
      if (!read_value(depth) || !take(']')) return false;
    } else if (!read_name()) {
      lua_pushinteger(L, next_index++);
      return read_value(depth) && set_field();
    }
    return take('=') && read_value(depth) && set_field();
  }

  // Pushes the key of `key=`; false for what is none, and then nothing was done.
  bool read_name() {
    const std::string_view before = left_;
    const std::string_view name = take_name();
    if (!name.empty() && skip_spaces().substr(0, 1) == "=") {
      push_text(L, name);
      return true;
    }
    left_ = before;
    return false;
  }

  // The key and the value are on top of the table. What is not a number is not NaN either.
  bool set_field() {
    lua_rawset(L, -3);
    return true;
  }

  std::string_view take_name() {
    if (left_.empty() || letters.find(left_[0]) == letters.npos) return {};
    const auto is_part = [](char c) {
      return letters.find(c) != letters.npos || digits.find(c) != digits.npos;
    };
    const auto end = std::find_if_not(left_.begin(), left_.end(), is_part);
    const std::string_view name = left_.substr(0, static_cast<std::size_t>(end - left_.begin()));
    left_.remove_prefix(name.size());
    return name;
  }

  bool take(char wanted) {
    if (skip_spaces().empty() || left_[0] != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::string_view skip_spaces() {
    left_.remove_prefix(std::min(left_.find_first_not_of(spaces), left_.size()));
    return left_;
  }

  lua_State* L;
  std::string_view left_;
};

}  // namespace

bool push_serialized(lua_State* L, std::string_view text) {
  const int top = lua_gettop(L);
  if (SerializedReader(L, text).read_all()) return true;
  lua_settop(L, top);
  return false;
}

}  // namespace pubsub_mqtt::lua
