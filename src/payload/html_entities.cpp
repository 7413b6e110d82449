#include "html_entities.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "html_entities_table.h"

namespace pubsub_mqtt::payload {
namespace {

constexpr std::string_view table = html_entities_table;

// Where an entry begins in the table.
using Entry = std::uint16_t;
static_assert(table.size() <= UINT16_MAX);

constexpr auto entries = [] {
  std::array<Entry, html_entities_count> begins{};
  std::size_t begin = 0;
  for (Entry& entry : begins) {
    entry = static_cast<Entry>(begin);
    begin = table.find('\0', begin) + 1;
  }
  return begins;
}();

constexpr bool is_in_names(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ';';
}

// Of entries that are alike before their character number `i`: those in which it is `c`.
constexpr std::span<const Entry> narrowed(std::span<const Entry> alike, std::size_t i, char c) {
  const auto character = [i](Entry entry) { return table[entry + i]; };
  const auto begin = std::ranges::lower_bound(alike, c, {}, character);
  const auto end = std::ranges::upper_bound(alike, c, {}, character);
  return {begin, end};
}

// Which begin with 'A', 'B', ... '`', 'a', ... 'z'.
constexpr auto by_first_character = [] {
  std::array<std::span<const Entry>, 'z' - 'A' + 1> spans{};
  for (std::size_t i = 0; i < spans.size(); ++i) spans[i] = narrowed(entries, 0, static_cast<char>('A' + i));
  return spans;
}();

HtmlEntity entity(Entry entry, std::size_t name_size) {
  const std::size_t characters = entry + name_size + 1;
  return {.name = table.substr(entry, name_size),
          .characters = table.substr(characters, table.find('\0', characters) - characters)};
}

}  // namespace

std::optional<HtmlEntity> html_entity(std::string_view text) {
  if (text.empty() || text[0] < 'A' || text[0] > 'z') return std::nullopt;
  auto alike = by_first_character[static_cast<std::size_t>(text[0] - 'A')];
  Entry longest = 0;
  std::size_t longest_size = 0;
  for (std::size_t size = 1; !alike.empty(); ++size) {
    // A name comes before those that are longer.
    if (table[alike.front() + size] == ' ') {
      longest = alike.front();
      longest_size = size;
    }
    if (size == text.size() || !is_in_names(text[size])) break;
    alike = narrowed(alike, size, text[size]);
  }
  if (longest_size == 0) return std::nullopt;
  return entity(longest, longest_size);
}

}  // namespace pubsub_mqtt::payload
