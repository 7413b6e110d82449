// What the journal stores of wills: those of sessions that are stored, and those of clients whose session is not.
#include <chrono>
#include <utility>

#include "durable/journal.h"
#include "protocol/session.h"

namespace pubsub_mqtt::session {

void Journal::put(Kept& kept, const Will& will) {
  change(store::Put<store::WillRow>{.row = {.session = kept.row.number,
                                            .delay = will.delay,
                                            .expiry = will.expiry,
                                            .publication = will.publication}});
  kept.has_will = true;
}

void Journal::remove_will(Kept& kept) {
  if (kept.has_will) change(store::RemoveWill{.session = kept.row.number});
  kept.has_will = false;
}

namespace {

store::CleanWillRow clean_will(const Session& session, const Will& will, store::RowNumber number) {
  store::CleanWillRow row{.number = number};
  row.account = session.account();
  row.client_identifier = session.key().client_identifier;
  row.level = session.record().level;
  row.will = {.delay = will.delay, .expiry = will.expiry, .publication = will.publication};
  return row;
}

}  // namespace

void Journal::keep_will(Session& session, std::chrono::duration<std::uint16_t> keep_alive) {
  Will& will = *session.record().will;
  will.stored = ++last_number_;
  auto row = clean_will(session, will, will.stored);
  row.keep_alive = keep_alive;
  change(store::Put<store::CleanWillRow>{.row = std::move(row), .is_new = true});
}

void Journal::forget_will(const Will& will) {
  if (will.stored != 0) change(store::RemoveCleanWill{.number = will.stored});
}

// From here on it does not depend on the session, which may be over before pubsub has answered.
void Journal::publishes_will(Session& session, Will& will) {
  const KeptSession known = session.record().outgoing.kept();
  if (known != 0) remove_will(kept(known));
  const bool is_new = will.stored == 0;
  if (is_new) will.stored = ++last_number_;
  auto row = clean_will(session, will, will.stored);
  row.is_due = true;
  change(store::Put<store::CleanWillRow>{.row = std::move(row), .is_new = is_new});
  published_wills_.emplace(session.id(), will.stored);
}

// The first of those that it has published.
void Journal::published_will(SessionId session, bool is_over) {
  const auto first = published_wills_.lower_bound({session, 0});
  if (first == published_wills_.end() || first->first != session) return;
  if (is_over) change(store::RemoveCleanWill{.number = first->second});
  published_wills_.erase(first);
}

void Journal::restored_will(Session& session) { kept(session.record().outgoing.kept()).has_will = true; }

}  // namespace pubsub_mqtt::session
