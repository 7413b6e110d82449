#include "pubsub_mqtt/store/retained.h"

#include <algorithm>

#include "database.h"
#include "statement.h"

namespace pubsub_mqtt::store {

// Opened when it is needed.
class RetainedRows::Reader {
 public:
  explicit Reader(const Settings& settings) {
    if (database_.open(settings) != SQLITE_OK) {
      throw RetainedError("The store cannot be opened: " + database_.error());
    }
  }

  // Rows are read to the end, or there is an error: no statement stays open.
  template <typename Bind, typename Work>
  void for_each_row(std::string_view sql, Bind&& bind, Work&& work) {
    Statement statement(database_.handle(), sql);
    bind(statement);
    while (statement.step()) work(statement);
    if (statement.result() != SQLITE_DONE) {
      throw RetainedError("The store cannot be read: " + database_.error());
    }
  }

 private:
  Database database_;
};

namespace {

RetainedRow row_of(Statement& columns) {
  RetainedRow row;
  row.identity = columns.bytes();
  row.time = WallTime(columns.integer());
  row.has_ended = columns.integer() != 0;
  row.type = columns.bytes();
  row.is_large = columns.integer() != 0;
  row.qos = static_cast<mqtt::QoS>(std::clamp<std::int64_t>(columns.integer(), 0, 2));
  row.publisher = static_cast<PublisherId>(columns.integer());
  const bool expires = !columns.next_is_null();
  const WallTime expires_at(columns.integer());
  if (expires) row.expires_at = expires_at;
  row.properties = columns.bytes();
  row.element = columns.bytes();
  row.payload = columns.bytes();
  return row;
}

}  // namespace

RetainedRows::RetainedRows(Store& store, Items& items) : store_(store), items_(items) {}
RetainedRows::~RetainedRows() = default;

RetainedRows::Reader& RetainedRows::reader() {
  if (reader_ == nullptr) reader_ = std::make_unique<Reader>(store_.settings());
  return *reader_;
}

void RetainedRows::close() { reader_.reset(); }

// What the node retains, in a batch that may not be committed yet.
void RetainedRows::posted(Node node, Posted row) {
  auto& [batch, stored] = posted_[node];
  in_order_.erase({batch, node});
  batch = row.batch;
  stored = std::move(row.row);
  in_order_.emplace(batch, std::move(node));
  forget_committed();
}

void RetainedRows::forget_committed() {
  const BatchNumber settled = items_.settled_batch();
  while (!in_order_.empty() && in_order_.begin()->first <= settled) {
    posted_.erase(in_order_.begin()->second);
    in_order_.erase(in_order_.begin());
  }
}

void RetainedRows::put(RetainedRow row) {
  Node node(row.host, row.node);
  auto stored = std::make_shared<const RetainedRow>(std::move(row));
  const BatchNumber batch = items_.add(PutRetained{stored});
  posted(std::move(node), {.batch = batch, .row = std::move(stored)});
}

void RetainedRows::remove(std::string host, std::string node) {
  const BatchNumber batch = items_.add(RemoveRetained{.host = host, .node = node});
  posted(Node(std::move(host), std::move(node)), {.batch = batch, .row = nullptr});
}

void RetainedRows::take_over(std::string host) {
  items_.add(TakeOver{.host = host});
  hosts_.insert(std::move(host));
}

StoredRetained RetainedRows::find(const std::string& host, const std::string& node) {
  forget_committed();
  if (const auto posted = posted_.find(Node(host, node)); posted != posted_.end()) return posted->second.row;
  StoredRetained found;
  reader().for_each_row(
      "SELECT identity, time, has_ended, type, is_large, qos, publisher, expires_at, properties, element, "
      "payload "
      "FROM retained WHERE host = ? AND node = ?",
      [&](Statement& statement) { statement.bind(host).bind(node); },
      [&](Statement& columns) {
        auto row = row_of(columns);
        row.host = host;
        row.node = node;
        found = std::make_shared<const RetainedRow>(std::move(row));
      });
  return found;
}

std::vector<std::string> RetainedRows::nodes(const std::string& host) {
  forget_committed();
  std::vector<std::string> nodes;
  reader().for_each_row(
      "SELECT node FROM retained WHERE host = ?", [&](Statement& statement) { statement.bind(host); },
      [&](Statement& columns) {
        std::string node(columns.bytes());
        if (!posted_.contains(Node(host, node))) nodes.push_back(std::move(node));
      });
  for (auto each = posted_.lower_bound(Node(host, "")); each != posted_.end() && each->first.first == host;
       ++each) {
    if (each->second.row != nullptr) nodes.push_back(each->first.second);
  }
  return nodes;
}

bool RetainedRows::is_taken_over(const std::string& host) {
  if (hosts_.contains(host)) return true;
  bool is_there = false;
  reader().for_each_row(
      "SELECT 1 FROM taken_over WHERE host = ?", [&](Statement& statement) { statement.bind(host); },
      [&](Statement& /*columns*/) { is_there = true; });
  return is_there;
}

}  // namespace pubsub_mqtt::store
