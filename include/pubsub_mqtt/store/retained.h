// Retained messages, read and written through the store. Prosody's thread only.
//
// What is written is posted, and seen by whoever reads from then on, committed or not. Where the database cannot be
// read, a call throws RetainedError.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/retained_rows.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

struct RetainedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class RetainedRows {
 public:
  // Both outlive this. Before anything else is called the store was opened. What is put, removed or taken over here
  // goes through `items`: what has changed there before is committed no later.
  RetainedRows(Store& store, Items& items);
  ~RetainedRows();
  RetainedRows(const RetainedRows&) = delete;
  RetainedRows& operator=(const RetainedRows&) = delete;

  void put(RetainedRow row);
  void remove(std::string host, std::string node);
  void take_over(std::string host);

  // nullptr: there is none.
  StoredRetained find(const std::string& host, const std::string& node);
  // Nodes that have a row.
  std::vector<std::string> nodes(const std::string& host);
  // Whether take_over() was called for it, by this process or an earlier one.
  bool is_taken_over(const std::string& host);

  // Lets go of the database until it is read again: before a fork, and before the store is opened.
  void close();

 private:
  using Node = std::pair<std::string, std::string>;
  struct Posted {
    BatchNumber batch = 0;
    StoredRetained row;  // nullptr: there is none any more
  };
  using PostedRows = std::map<Node, Posted>;
  class Reader;

  void posted(Node node, Posted row);
  void forget_committed();
  Reader& reader();

  Store& store_;
  Items& items_;
  std::unique_ptr<Reader> reader_;
  PostedRows posted_;  // and perhaps not committed yet
  std::set<std::pair<BatchNumber, Node>> in_order_;
  std::set<std::string> hosts_;  // that were taken over by this process
};

}  // namespace pubsub_mqtt::store
