#include "record/subscriptions.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <variant>

#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {
namespace {

bool has_option(const Subscription& subscription) {
  return subscription.no_local || subscription.retain_as_published || subscription.identifier != 0;
}

// One topic of a node.
struct Wanted {
  std::string_view topic;
  std::optional<topic::NodeTopic> full;  // what it means; nullopt: it is mounted
};

// Returns nullopt where no filter selects the topic.
std::optional<Wanted> wanted_topic(std::string_view topic, bool is_mounted) {
  if (is_mounted) return Wanted{.topic = topic, .full = std::nullopt};
  const auto parsed = topic::parse_topic(topic);
  const auto* full = std::get_if<topic::NodeTopic>(&parsed);
  return full == nullptr ? std::nullopt : std::optional(Wanted{.topic = topic, .full = *full});
}

// As clients name both: PREFIX is the session's own.
bool selects_mounted(const TopicFilter& filter, std::string_view topic) {
  const std::string_view text = filter.text;
  return filter.is_mounted() && !topic::is_shared(text) &&
         topic::selects(text.substr(filter.mounted_at), topic);
}

bool selects(const Subscription& subscription, const Wanted& wanted, bool is_natural) {
  const TopicFilter& filter = subscription.topic_filter;
  if (!wanted.full) return selects_mounted(filter, wanted.topic);
  if (filter.is_mounted()) return false;
  if (filter.text == wanted.topic) return true;
  const auto parsed = topic::parse_filter(filter.text);
  const auto* pattern = std::get_if<topic::NodePattern>(&parsed);
  return pattern != nullptr && pattern->selects(wanted.full->host, wanted.full->node) &&
         (pattern->type ? *pattern->type == wanted.full->type
                        : is_natural && topic::Form(wanted.full->type).may_be_natural());
}

}  // namespace

Subscriptions::All& Subscriptions::all() {
  if (!all_) all_ = std::make_unique<All>();
  return *all_;
}

Subscriptions::Options& Subscriptions::options() {
  auto& options = all().options;
  if (!options) options = std::make_unique<Options>();
  return *options;
}

void Subscriptions::count(const Subscription& subscription) {
  if (has_option(subscription)) ++options().subscriptions;
}

void Subscriptions::uncount(const Subscription& subscription) {
  if (has_option(subscription)) --all_->options->subscriptions;
}

// What is not needed any more is given back.
void Subscriptions::changed() {
  if (!all_) return;
  auto& options = all_->options;
  if (options) options->matches.clear();
  if (options && options->subscriptions == 0 && options->expected.empty()) options.reset();
  if (!options && all_->by_filter.empty()) all_.reset();
}

// Where a granted one with the filter is, or belongs.
Subscriptions::List::iterator Subscriptions::place(const TopicFilter& topic_filter) const {
  return std::ranges::lower_bound(all_->by_filter, topic_filter, {}, &Subscription::topic_filter);
}

// Returns the end where there is none.
Subscriptions::List::iterator Subscriptions::find_granted(const TopicFilter& topic_filter) const {
  const auto found = place(topic_filter);
  return found != all_->by_filter.end() && found->topic_filter == topic_filter ? found
                                                                               : all_->by_filter.end();
}

void Subscriptions::expect(const Subscription& subscription) {
  options().expected.push_back(subscription);
  count(subscription);
  changed();
}

void Subscriptions::forget_expected(const Subscription& subscription) {
  if (!all_ || !all_->options) return;
  auto& expected = all_->options->expected;
  if (expected.empty() || expected.front() != subscription) return;
  uncount(subscription);
  expected.pop_front();
}

void Subscriptions::set(Subscription subscription) {
  all();
  count(subscription);
  forget_expected(subscription);
  const auto found = find_granted(subscription.topic_filter);
  if (found == all_->by_filter.end()) {
    all_->by_filter.insert(place(subscription.topic_filter), std::move(subscription));
  } else {
    uncount(*found);
    *found = std::move(subscription);
  }
  changed();
}

void Subscriptions::refuse(const Subscription& subscription) {
  forget_expected(subscription);
  erase(subscription.topic_filter);
}

void Subscriptions::erase(const TopicFilter& topic_filter) {
  if (!all_) return;
  const auto found = find_granted(topic_filter);
  if (found != all_->by_filter.end()) {
    uncount(*found);
    all_->by_filter.erase(found);
  }
  changed();
}

void Subscriptions::begin_again() noexcept {
  if (!all_ || !all_->options) return;
  auto& expected = all_->options->expected;
  for (const auto& each : expected) uncount(each);
  expected.clear();
  changed();
}

const Subscription* Subscriptions::find(const TopicFilter& topic_filter) const {
  if (!all_) return nullptr;
  const auto found = find_granted(topic_filter);
  return found == all_->by_filter.end() ? nullptr : &*found;
}

bool Subscriptions::select(topic::Form form, std::string_view topic) const {
  const auto wanted = wanted_topic(topic, form.is_mounted);
  if (!all_ || !wanted) return false;
  return std::ranges::any_of(all_->by_filter,
                             [&](const Subscription& each) { return selects(each, *wanted, true); });
}

// They stand side by side.
std::optional<Match> Subscriptions::match_of_server(std::string_view topic) const {
  std::optional<Match> match;
  if (!all_) return match;
  const auto first_level = topic.substr(0, topic.find('/'));
  for (auto each = place(TopicFilter(std::string(first_level))); each != all_->by_filter.end(); ++each) {
    const std::string_view filter = each->topic_filter.text;
    if (!filter.starts_with(first_level)) break;
    if (!topic::selects(filter, topic)) continue;
    if (!match) match.emplace();
    match->add(*each);
  }
  return match;
}

const Matches& Subscriptions::match(NodeId node, topic::Form form, bool is_natural,
                                    std::string_view topic) const {
  return all_->options->matches.get(node, form, is_natural,
                                    [&] { return find_matches(form, is_natural, topic); });
}

// Each filter once, with the options that were asked for last.
std::vector<const Subscription*> Subscriptions::effective() const {
  std::map<std::reference_wrapper<const TopicFilter>, const Subscription*, std::less<TopicFilter>> by_filter;
  for (const auto& granted : all_->by_filter) by_filter.emplace(granted.topic_filter, &granted);
  for (const auto& expected : all_->options->expected) by_filter[expected.topic_filter] = &expected;
  std::vector<const Subscription*> effective;
  effective.reserve(by_filter.size());
  for (const auto& [filter, subscription] : by_filter) effective.push_back(subscription);
  return effective;
}

Matches Subscriptions::find_matches(topic::Form form, bool is_natural, std::string_view topic) const {
  Matches matches;
  const auto wanted = wanted_topic(topic, form.is_mounted);
  if (!wanted) return matches;
  const auto add = [&](const Subscription& subscription) {
    if (selects(subscription, *wanted, is_natural)) matches.add(subscription);
  };
  if (all_->options->expected.empty()) {
    for (const auto& granted : all_->by_filter) add(granted);
  } else {
    for (const auto* each : effective()) add(*each);
  }
  return matches;
}

}  // namespace pubsub_mqtt::session
