// Units that are committed together, as what they leave behind: of each row its last state. What one of them puts and
// another removes is not there. The store's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/changes.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

// The rows of a table that change. The numbers that are keys are the server's own, so that nobody chooses a place in a
// hash table.
template <typename Key, typename Row,
          typename Map = std::unordered_map<Key, std::pair<bool, std::optional<Row>>>>
class ChangedRows {
 public:
  void put(const Key& key, Row&& row, bool is_new) {
    auto& [was_there, now] = rows_.try_emplace(key, !is_new, std::nullopt).first->second;
    now = std::move(row);
  }

  void remove(const Key& key) {
    const auto place = rows_.try_emplace(key, true, std::nullopt).first;
    place->second.second.reset();
    if (!place->second.first) rows_.erase(place);
  }

  // What is to be there in place of what may be; nullptr: nobody has said.
  std::optional<Row>* find(const Key& key) {
    const auto place = rows_.find(key);
    return place == rows_.end() ? nullptr : &place->second.second;
  }
  // By key: whether it may be in the database, and what is to be there; nullopt: nothing.
  const Map& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  void clear() { rows_.clear(); }

 private:
  Map rows_;
};

class Group {
 public:
  // Nodes' names are the clients' choice, so that a hash table is none.
  using RetainedRows =
      std::map<std::pair<std::string, std::string>, std::pair<bool, std::optional<StoredRetained>>>;
  using RetainedChanges = ChangedRows<std::pair<std::string, std::string>, StoredRetained, RetainedRows>;
  using FilterKey = std::pair<RowNumber, TopicFilter>;
  using FilterRows =
      ChangedRows<FilterKey, FilterRow, std::map<FilterKey, std::pair<bool, std::optional<FilterRow>>>>;

  // A unit follows those before it. Where memory runs out a part of it is there, and nothing of the group may be
  // written before the same unit, which has the rest, was added again.
  void add(Unit&& unit, CommitNumber number);

  // Of the last unit; 0: there was none.
  CommitNumber number() const { return number_; }
  RowNumber last_number() const { return last_number_; }
  // Nothing is to be written.
  bool leaves_nothing() const;
  // Rows and bytes, about, to be written.
  std::size_t rows() const;
  std::size_t bytes() const { return bytes_ + items.bytes(); }
  void clear();

  ChangedRows<RowNumber, SessionRow> sessions;
  ChangedRows<RowNumber, CursorRow> cursors;
  FilterRows filters;
  ChangedRows<RowNumber, AudienceRow> audiences;
  ChangedRows<RowNumber, MessageRow> messages;
  ChangedRows<std::uint64_t, InflightRow> inflight;
  ChangedRows<std::uint64_t, ReceivedRow> received;
  ChangedRows<std::uint64_t, IntentRow> intents;
  ChangedRows<RowNumber, WillRow> wills;
  ChangedRows<RowNumber, CleanWillRow> clean_wills;
  RetainedChanges retained;
  std::vector<RowNumber> ended_sessions;
  std::unordered_map<std::uint64_t, CarriedOut> carried_out;  // of intents that an earlier group has put
  std::unordered_map<RowNumber, RowNumber> removed_up_to;     // by audience
  // Of messages that are passed on, which are not to be removed unless all else is written.
  std::unordered_map<RowNumber, RowNumber> passed_on_up_to;  // likewise
  std::unordered_set<RowNumber> passed_on;
  std::vector<std::string> taken_over;  // hosts
  ItemChanges items;

 private:
  void add(Put<SessionRow>& change);
  void add(const RemoveSession& change);
  void add(const CursorRow& change);
  void add(Put<FilterRow>& change);
  void add(const RemoveFilter& change);
  void add(Put<AudienceRow>& change);
  void add(const RemoveAudience& change);
  void add(Put<MessageRow>& change);
  void add(const RemoveMessage& change);
  void add(const RemoveMessagesUpTo& change);
  void add(Put<InflightRow>& change);
  void add(const RemoveInflight& change);
  void add(Put<ReceivedRow>& change);
  void add(const RemoveReceived& change);
  void add(Put<WillRow>& change);
  void add(const RemoveWill& change);
  void add(Put<IntentRow>& change);
  void add(const RemoveIntent& change);
  void add(CarriedOut& change);
  void add(Put<CleanWillRow>& change);
  void add(const RemoveCleanWill& change) { clean_wills.remove(change.number); }
  void add(PutRetained& change);
  void add(const RemoveRetained& change) { retained.remove({change.host, change.node}); }
  void add(const TakeOver& change) { taken_over.push_back(change.host); }
  void add(ItemChanges& changes) { items.add(changes); }

  CommitNumber number_ = 0;
  RowNumber last_number_ = 0;
  std::size_t added_ = 0;  // changes of a unit for which memory ran out
  std::size_t bytes_ = 0;
};

}  // namespace pubsub_mqtt::store
