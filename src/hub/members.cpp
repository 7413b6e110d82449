#include "members.h"

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

std::optional<Member> Members::find(ClientNumber client) const {
  const std::size_t at = place(client);
  return is_at(at, client) ? std::optional(unpack(members_[at])) : std::nullopt;
}

void Members::set(ClientNumber client, const Member& member) {
  const std::size_t at = place(client);
  if (!is_at(at, client)) {
    // So that both grow, or none.
    if (members_.size() == members_.capacity()) members_.reserve(2 * members_.size() + 1);
    clients_.insert(clients_.begin() + static_cast<std::ptrdiff_t>(at), client);
    members_.insert(members_.begin() + static_cast<std::ptrdiff_t>(at), 0);
  }
  members_[at] = pack(member);
}

void Members::erase(ClientNumber client) {
  const std::size_t at = place(client);
  if (!is_at(at, client)) return;
  clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(at));
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(at));
  if (!clients_.empty()) return;
  clients_.shrink_to_fit();
  members_.shrink_to_fit();
}

}  // namespace pubsub_mqtt::hub
