#include "pubsub_mqtt/topic/mountpoint.h"

#include <utility>

#include "pubsub_mqtt/base/utf8.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::topic {
namespace {

constexpr Mountpoint::Invalid no_mountpoint{"it is \"HOST/TYPE\" or \"HOST/TYPE/PREFIX\""};
constexpr Mountpoint::Invalid no_pubsub_host{"its HOST is no pubsub component"};
constexpr Mountpoint::Invalid no_type_of_mountpoint{"its TYPE is none"};
constexpr Mountpoint::Invalid no_prefix{
    "its PREFIX is no name of nodes: no level of it is empty or holds +, # or a control character"};
constexpr Mountpoint::Invalid no_variable{
    "of its PREFIX, % begins %u (the account) or %c (the client identifier)"};

std::string_view first_level(std::string_view name) { return name.substr(0, name.find('/')); }

// Whether each % of the prefix begins a variable.
bool has_known_variables(std::string_view prefix) {
  for (auto at = prefix.find('%'); at != std::string_view::npos; at = prefix.find('%', at + 1)) {
    const std::string_view name = prefix.substr(at + 1, 1);
    if (name != "u" && name != "c") return false;
  }
  return true;
}

bool is_prefix(std::string_view prefix) {
  return is_node_name(prefix) && !prefix.starts_with('/') && !prefix.ends_with('/') &&
         prefix.find("//") == std::string_view::npos;
}

bool is_control(char32_t character) { return character < 0x20 || (character >= 0x7F && character < 0xA0); }

bool is_encoded(char32_t character) {
  constexpr std::u32string_view meaningful = U"/+#%$";
  return is_control(character) || meaningful.find(character) != std::u32string_view::npos;
}

// Makes one level of a topic of any text.
void append_encoded(std::string_view text, std::string& into) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  while (!text.empty()) {
    const auto character = next_character(text);
    const std::size_t size = character ? character->size : 1;
    if (character && !is_encoded(character->code_point)) {
      into += text.substr(0, size);
    } else {
      for (const char each : text.substr(0, size)) {
        const auto byte = static_cast<std::uint8_t>(each);
        into += '%';
        into += digits[byte >> 4U];
        into += digits[byte & 0xFU];
      }
    }
    text.remove_prefix(size);
  }
}

}  // namespace

Mountpoint::Mountpoint(std::string_view host, Type type, std::string_view prefix, Hosts hosts)
    : host_(host), type_(type), prefix_(prefix), hosts_(std::move(hosts)) {
  if (prefix_.empty()) return;
  levels_ = count_levels(prefix_);
  prefix_ += '/';
}

std::variant<Mountpoint, Mountpoint::Invalid> Mountpoint::parse(std::string_view setting, Hosts hosts) {
  const std::size_t host_end = setting.find('/');
  if (host_end == std::string_view::npos) return no_mountpoint;
  const std::string_view host = setting.substr(0, host_end);
  const std::string_view rest = setting.substr(host_end + 1);
  const std::size_t type_end = rest.find('/');
  const auto type = type_from_name(rest.substr(0, type_end));
  if (!hosts.contains(host)) return no_pubsub_host;
  if (!type) return no_type_of_mountpoint;
  if (type_end == std::string_view::npos) return Mountpoint(host, *type, {}, std::move(hosts));
  const std::string_view prefix = rest.substr(type_end + 1);
  if (!is_prefix(prefix)) return no_prefix;
  if (!has_known_variables(prefix)) return no_variable;
  return Mountpoint(host, *type, prefix, std::move(hosts));
}

bool Mountpoint::takes(std::string_view name) const {
  return !name.starts_with('$') && !hosts_.contains(first_level(name));
}

std::string Mountpoint::before(std::string_view account, std::string_view client_identifier) const {
  std::string before = make_topic(host_, type_, {});
  for (std::size_t at = 0; at < prefix_.size(); ++at) {
    if (prefix_[at] != '%') {
      before += prefix_[at];
    } else if (prefix_[++at] == 'c') {
      append_encoded(client_identifier, before);
    } else {
      append_encoded(account.empty() ? "anonymous" : account, before);
    }
  }
  return before;
}

bool Mountpoint::is_like_before(std::string_view text) const {
  const std::string first = make_topic(host_, type_, {});
  return text.starts_with(first) && count_levels(text) == count_levels(first) + levels_;
}

std::optional<std::string_view> Mountpoint::topic_of(std::string_view host, std::string_view node) const {
  if (host != host_) return std::nullopt;
  for (std::size_t level = 0; level < levels_; ++level) {
    const std::size_t slash = node.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    node.remove_prefix(slash + 1);
  }
  if (node.empty() || !takes(node)) return std::nullopt;
  return node;
}

}  // namespace pubsub_mqtt::topic
