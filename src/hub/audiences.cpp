#include "audiences.h"

#include <algorithm>
#include <utility>

namespace pubsub_mqtt::hub {
namespace {

std::optional<mqtt::QoS>& slot(Selection& selection, std::optional<topic::Form> form) {
  return form ? selection.by_form[form->index()] : selection.natural;
}

bool& slot(SharedSelection& selection, std::optional<topic::Form> form) {
  return form ? selection.by_form[form->index()] : selection.natural;
}

void add(Asked& asked, FilterKind kind, mqtt::QoS qos) {
  if (kind.is_shared) {
    slot(asked.shared, kind.form) = true;
  } else {
    auto& highest = slot(asked.own, kind.form);
    highest = std::max(highest.value_or(qos), qos);
  }
}

void remove(Asked& asked, FilterKind kind) {
  if (kind.is_shared) {
    slot(asked.shared, kind.form) = false;
  } else {
    slot(asked.own, kind.form).reset();
  }
}

// Calls `visit` with the filters without a wildcard that are for the topic.
template <typename Visit>
void for_each_literal(const Subscriber& subscriber, const std::string& topic, Visit&& visit) {
  const auto& filters = subscriber.filters;
  auto each = filters.lower_bound(topic::GroupFilter{.group = {}, .filter = topic});
  for (; each != filters.end() && each->first.filter == topic; ++each) visit(*each);
}

std::optional<topic::Type> type_of(FilterKind kind) {
  return kind.form ? std::optional(kind.form->type) : std::nullopt;
}

// Apart from the TYPE.
bool is_of_kind(const StoredFilter& filter, FilterKind kind) {
  const bool is_mounted = kind.form && kind.form->is_mounted;
  return filter.is_shared() == kind.is_shared && filter.is_mounted == is_mounted;
}

// What all filters of the kind select of the node.
void add_selected(const Subscriber& subscriber, const Node& node, FilterKind kind, Asked& asked) {
  if (kind.form && kind.form->is_mounted && kind.form != node.mounted) return;
  if (kind.form && !subscriber.filters.empty()) {
    for_each_literal(subscriber, topic::make_topic(node.host(), kind.form->type, node.name()),
                     [&](const auto& each) {
                       if (is_of_kind(each.first, kind)) add(asked, kind, each.second);
                     });
  }
  if (!node.exists) return;
  for (const auto& [filter, entry] : subscriber.patterns) {
    if (entry.pattern.type == type_of(kind) && is_of_kind(filter, kind) &&
        entry.pattern.selects(node.host(), node.name())) {
      add(asked, kind, entry.qos);
    }
  }
}

Asked selected(const Subscriber& subscriber, const Node& node) {
  Asked all;
  for (const bool is_shared : {false, true}) {
    add_selected(subscriber, node, {.form = std::nullopt, .is_shared = is_shared}, all);
    topic::for_each_form(node.mounted, [&](topic::Form form) {
      add_selected(subscriber, node, {.form = form, .is_shared = is_shared}, all);
    });
  }
  return all;
}

Asked asked_so_far(const Node& node, const Client& client) {
  const auto member = node.member(client.number);
  return member ? member->asked : Asked{};
}

}  // namespace

void Audiences::ask(Node& node, const Client& client, const Asked& asked) {
  const bool may_receive = !asked.empty() && rights_.may_receive(node, client);
  nodes_.set(node, client.number, client.session, {.asked = asked, .may_receive = may_receive});
}

void Audiences::update(Node& node, const Client& client, FilterKind kind) {
  Asked asked = asked_so_far(node, client);
  remove(asked, kind);
  add_selected(*client.subscriber, node, kind, asked);
  ask(node, client, asked);
}

void Audiences::raise(Node& node, const Client& client, FilterKind kind, mqtt::QoS qos) {
  Asked asked = asked_so_far(node, client);
  add(asked, kind, qos);
  ask(node, client, asked);
}

void Audiences::leave(Node& node, const Client& client) {
  nodes_.set(node, client.number, client.session, {});
}

void Audiences::node_created(std::string_view host, std::string_view name) {
  Node& node = nodes_.open(host, name);
  Rights::forget(node);
  if (!std::exchange(node.exists, true)) {
    for (const SessionId session : patterns_.match(host, name)) {
      const Client& client = clients_.at(session);
      ask(node, client, selected(*client.subscriber, node));
    }
  }
  judge(node);
}

void Audiences::node_deleted(Node& node) {
  node.withdraw_route();
  node.exists = false;
  Rights::forget(node);
  for (const ClientNumber number : node.clients()) {
    const Client& client = clients_.numbered(number);
    nodes_.set(node, number, client.session, {.asked = selected(*client.subscriber, node)});
  }
  nodes_.forget_if_unused(node);
}

void Audiences::host_disabled(std::string_view host) {
  for (Node* node : nodes_.of_host(host)) {
    node->withdraw_route();
    // Members stay members: what is queued for a session that is away is still its own when the host is back.
    node->exists = false;
    Rights::forget(*node);
    for (const ClientNumber number : node->clients()) {
      const Client& client = clients_.numbered(number);
      nodes_.set(*node, number, client.session, {.asked = asked_so_far(*node, client)});
    }
    nodes_.forget_if_unused(*node);
  }
}

void Audiences::forget_mounted() {
  nodes_.for_each([&](Node& node) {
    for (const ClientNumber number : node.clients()) {
      const Client& client = clients_.numbered(number);
      Member member = *node.member(number);
      // Of whatever TYPE it was.
      const topic::Form mounted{topic::Type::any, true};
      remove(member.asked, {.form = mounted});
      remove(member.asked, {.form = mounted, .is_shared = true});
      nodes_.set(node, number, client.session, member);
    }
  });
}

void Audiences::follow_mountpoint() {
  nodes_.for_each([&](Node& node) {
    if (!nodes_.follow_mountpoint(node)) return;
    const auto ask_again = [&](const Client& client) {
      ask(node, client, selected(*client.subscriber, node));
    };
    for (const ClientNumber number : node.clients()) ask_again(clients_.numbered(number));
    if (!node.exists) return;
    for (const SessionId session : patterns_.match(node.host(), node.name())) ask_again(clients_.at(session));
  });
}

void Audiences::rights_changed(Node& node) {
  Rights::forget(node);
  judge(node);
}

void Audiences::judge(Node& node) {
  node.withdraw_route();
  for (const ClientNumber number : node.clients()) {
    const Client& client = clients_.numbered(number);
    ask(node, client, asked_so_far(node, client));
  }
}

// Only what these clients of the account may receive.
void Audiences::judge(Node& node, AccountNumber account, const std::vector<const Client*>& clients) {
  Rights::forget(node, account);
  for (const Client* client : clients) {
    const auto member = node.member(client->number);
    if (member) ask(node, *client, member->asked);
  }
}

void Audiences::account_changed(Node& node, std::string_view account) {
  node.withdraw_route();
  const AccountNumber number = rights_.number(account);
  judge(node, number, clients_.of_account(number));
}

void Audiences::account_changed(std::string_view account) {
  const AccountNumber number = rights_.number(account);
  const auto clients = clients_.of_account(number);
  nodes_.for_each([&](Node& node) {
    node.withdraw_route();
    judge(node, number, clients);
  });
}

}  // namespace pubsub_mqtt::hub
