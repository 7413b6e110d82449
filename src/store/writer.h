// Writes groups to the database. The store's thread only.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>

#include "database.h"
#include "group.h"
#include "item_writer.h"
#include "statement.h"

namespace pubsub_mqtt::store {

// A moment, as the wall clock says, and how far the store's clock is ahead of that; nullopt: nobody knows.
struct Moment {
  WallTime wall{0};
  std::optional<WallTime> ahead = std::nullopt;
};

class Writer {
 public:
  // `database` is open, and outlives this.
  explicit Writer(Database& database);

  // All of the group in one transaction, which is committed when this returns SQLITE_OK. Else nothing is written, and
  // SQLite's error is returned.
  int write(const Group& group, const Moment& now);
  // The same of removals alone, which need little space and give some back: of those without which nothing is lost
  // where the process ends before the rest is written.
  int write_removals(const Group& group);
  // Removes some of what is removed a few at a time, as write() does, too. Returns whether there was something.
  bool sweep();
  // Whether what was written has left items to that.
  bool leaves_items() const { return items_.leaves_some(); }

 private:
  // A statement that puts a row, and one that removes it.
  struct Table {
    Table(Database& database, const char* putting, const char* removing)
        : put(database.handle(), putting), remove(database.handle(), removing) {}
    Statement put;
    Statement remove;
  };
  template <typename Work>
  int in_transaction(Work&& work);
  int put_moment(const Group& group, const Moment& now);
  int put_all(const Group& group);
  int remove_all(const Group& group);
  int put_released(const Group& group);
  int put_carried_out(const Group& group);
  int remove_messages(const Group& group, bool with_passed_on);
  int remove_filter(const Group::FilterKey& key);
  int remove_ended(const Group& group);
  int remove_swept();
  void begin_sweeps(const std::unordered_map<RowNumber, RowNumber>& removed_up_to);
  void forget_sweeps();
  int put(const SessionRow& row);
  int put(const CursorRow& row);
  int put(const FilterRow& row);
  int put(const AudienceRow& row);
  int put(const MessageRow& row);
  int put(const InflightRow& row);
  int put(const ReceivedRow& row);
  int put(const IntentRow& row);
  int put(const WillRow& row);
  int put(const CleanWillRow& row);
  int put(const StoredRetained& row);
  static void bind_will(Statement& statement, const WillRow& row);
  int put_taken_over(const Group& group);

  Database& database_;
  Statement begin_;
  Statement commit_;
  Statement rollback_;
  Statement meta_;
  Statement clock_;
  std::optional<WallTime> clock_ahead_;  // as it was written last
  Table session_;
  Table cursor_;
  Table filter_;
  Table audience_;
  Table message_;
  Table inflight_;
  Table received_;
  Table intent_;
  Statement carry_out_;
  Table will_;
  Table clean_will_;
  Table retained_;
  Statement take_over_;
  Statement remove_filters_;
  Statement remove_all_inflight_;
  Statement remove_all_received_;
  Statement remove_all_intents_;
  Statement sweep_;
  // Messages up to this one are removed, of each audience.
  struct Sweep {
    RowNumber up_to = 0;
    bool is_done = false;  // by the transaction that is under way
  };
  std::map<RowNumber, Sweep> sweeps_;
  int swept_ = 0;
  ItemWriter items_;
};

}  // namespace pubsub_mqtt::store
