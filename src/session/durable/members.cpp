#include "durable/members.h"

#include <new>

namespace pubsub_mqtt::session {
namespace {

constexpr unsigned retain_bit = 4;
constexpr unsigned identifiers_bit = 8;
constexpr unsigned group_bit = 16;

// Seven bits a byte, the lowest first.
void append_number(std::uint64_t number, std::string& bytes) {
  while (number >= 0x80) {
    bytes += static_cast<char>(0x80U | (number & 0x7FU));
    number >>= 7U;
  }
  bytes += static_cast<char>(number);
}

std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

void append_text(std::string_view text, std::string& bytes) {
  append_number(text.size(), bytes);
  bytes += text;
}

void append_all(const Member& member, std::string& members) {
  append_number(member.session, members);
  auto flags = static_cast<unsigned>(member.qos);
  if (member.retain) flags |= retain_bit;
  if (!member.identifiers.empty()) flags |= identifiers_bit;
  if (!member.shared_filter.empty()) flags |= group_bit;
  members += static_cast<char>(flags);
  if (!member.identifiers.empty()) append_text(member.identifiers, members);
  if (!member.shared_filter.empty()) append_text(member.shared_filter, members);
}

std::optional<std::string_view> take_text(std::string_view& bytes) {
  const auto size = take_number(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  const auto text = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return text;
}

}  // namespace

void append(const Member& member, std::string& members) {
  const std::size_t size = members.size();
  try {
    append_all(member, members);
  } catch (const std::bad_alloc&) {
    members.resize(size);
    throw;
  }
}

std::optional<Member> take_member(std::string_view& members) {
  const auto session = take_number(members);
  if (!session || members.empty()) return std::nullopt;
  const auto flags = static_cast<unsigned char>(members.front());
  members.remove_prefix(1);
  const unsigned qos = flags & 3U;
  if (qos > 2) return std::nullopt;
  Member member{.session = *session, .qos = static_cast<mqtt::QoS>(qos), .retain = (flags & retain_bit) != 0};
  const auto take_if = [&](unsigned bit, std::string_view& into) {
    if ((flags & bit) == 0) return true;
    const auto text = take_text(members);
    if (text) into = *text;
    return text.has_value();
  };
  if (!take_if(identifiers_bit, member.identifiers) || !take_if(group_bit, member.shared_filter)) {
    return std::nullopt;
  }
  return member;
}

std::optional<Member> find_member(store::RowNumber session, std::string_view members) {
  while (auto member = take_member(members)) {
    if (member->session == session) return member;
  }
  return std::nullopt;
}

}  // namespace pubsub_mqtt::session
