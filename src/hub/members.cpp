#include "members.h"

#include <algorithm>

namespace pubsub_mqtt::hub {
namespace {

// Two bits for each QoS, of which one value means none; one bit for each topic that is shared, and for the right.
constexpr unsigned bits_of_qos = 2;
constexpr unsigned mask_of_qos = 3;
static_assert((bits_of_qos + 1) * (topic::form_count + 1) + 1 <= 32);

std::uint32_t pack(const Member& member) {
  const auto& [own, shared] = member.asked;
  std::uint32_t bits = member.may_receive ? 1 : 0;
  const auto add = [&](std::optional<mqtt::QoS> qos, bool is_shared) {
    bits = bits << bits_of_qos | (qos ? static_cast<unsigned>(*qos) + 1 : 0);
    bits = bits << 1U | (is_shared ? 1 : 0);
  };
  for (std::size_t i = 0; i < topic::form_count; ++i) add(own.by_form[i], shared.by_form[i]);
  add(own.natural, shared.natural);
  return bits;
}

Member unpack(std::uint32_t bits) {
  Member member;
  auto& [own, shared] = member.asked;
  const auto take = [&](std::optional<mqtt::QoS>& qos, bool& is_shared) {
    is_shared = (bits & 1U) != 0;
    bits >>= 1U;
    if ((bits & mask_of_qos) != 0) qos = static_cast<mqtt::QoS>((bits & mask_of_qos) - 1);
    bits >>= bits_of_qos;
  };
  take(own.natural, shared.natural);
  for (std::size_t i = topic::form_count; i-- > 0;) take(own.by_form[i], shared.by_form[i]);
  member.may_receive = bits != 0;
  return member;
}

}  // namespace

Members::Groups::const_iterator Members::group_of(ClientNumber client) const {
  return std::ranges::find_if(groups_, [client](const Group& group) { return group.contains(client); });
}

std::optional<Member> Members::find(ClientNumber client) const {
  const auto group = group_of(client);
  return group == groups_.end() ? std::nullopt : std::optional(unpack(group->member));
}

void Members::set(ClientNumber client, const Member& member) {
  const std::uint32_t packed = pack(member);
  const auto group = group_of(client);
  if (group != groups_.end() && group->member == packed) return;
  if (group == groups_.end()) return insert(client, packed);
  const std::uint32_t before = group->member;
  insert(client, packed);
  remove(client, before);
}

// Of a client that is in no such group. Where memory runs out, nothing has changed.
void Members::insert(ClientNumber client, std::uint32_t member) {
  const auto group = std::ranges::find(groups_, member, &Group::member);
  if (group == groups_.end()) {
    groups_.push_back({.member = member, .clients = {client}});
  } else {
    auto& clients = group->clients;
    clients.insert(std::ranges::lower_bound(clients, client), client);
  }
}

void Members::remove(ClientNumber client, std::uint32_t member) {
  const auto group = std::ranges::find(groups_, member, &Group::member);
  auto& clients = group->clients;
  clients.erase(std::ranges::lower_bound(clients, client));
  if (!clients.empty()) return;
  groups_.erase(group);
  if (groups_.empty()) groups_.shrink_to_fit();
}

void Members::erase(ClientNumber client) {
  const auto group = group_of(client);
  if (group != groups_.end()) remove(client, group->member);
}

std::vector<ClientNumber> Members::clients() const {
  std::vector<ClientNumber> clients;
  for (const Group& group : groups_) {
    clients.insert(clients.end(), group.clients.begin(), group.clients.end());
  }
  std::ranges::sort(clients);
  return clients;
}

}  // namespace pubsub_mqtt::hub
