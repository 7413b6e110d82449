// Retained messages in the store: what is written is seen at once, and by the next process.
#include "pubsub_mqtt/store/retained.h"

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <thread>

#include "faulty_vfs.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::UnorderedElementsAre;

class RetainedRowsTest : public StoreTest {
 protected:
  RetainedRowsTest() { begin(settings()); }
  ~RetainedRowsTest() override { store->stop(patience); }

  void begin(Settings now) {
    if (store != nullptr) store->stop(patience);
    rows.reset();
    store = std::make_unique<Store>(std::move(now));
    items = std::make_unique<Items>(*store, Access::alone);
    EXPECT_TRUE(store->open().has_value());
    EXPECT_TRUE(store->start(nullptr));
    rows = std::make_unique<RetainedRows>(*store, *items);
  }
  void put(const std::string& host, const std::string& node, const std::string& payload) {
    RetainedRow row{.host = host, .node = node};
    row.payload = payload;
    rows->put(std::move(row));
  }
  std::string payload(const std::string& host, const std::string& node) {
    const auto found = rows->find(host, node);
    return found == nullptr ? "none" : found->payload;
  }

  std::unique_ptr<Store> store;
  std::unique_ptr<Items> items;
  std::unique_ptr<RetainedRows> rows;
};

// What a node retains is put after its item.
TEST_F(RetainedRowsTest, AreCommittedNoEarlierThanItemsThatWerePutBefore) {
  Settings patient = settings();
  patient.gathers_for = std::chrono::hours(1);
  begin(patient);
  const RowNumber number =
      items->find_or_make_store({.host = "h", .kind = StoreKind::archive, .name = "n", .user = {}});
  items->append(number, "current", 1, std::nullopt, "<a/>");
  put("h", "n", "payload");
  store->post({});
  while (!items->is_all_committed()) std::this_thread::yield();
  EXPECT_EQ(query(path(), "SELECT count(*) FROM retained"), 1);
  EXPECT_EQ(query(path(), "SELECT count(*) FROM item"), 1);
}

TEST_F(RetainedRowsTest, AllOfOneOutlivesTheProcess) {
  RetainedRow in{.host = "h", .node = "n"};
  in.identity = "identity";
  in.time = WallTime(1234567890123);
  in.type = "binary";
  in.payload = std::string("a\0b\xFF", 4);
  in.element = "<x xmlns='urn:x'/>";
  in.is_large = true;
  in.qos = mqtt::QoS::exactly_once;
  in.publisher = 0xFFFFFFFFFFFFFFFF;
  in.expires_at = WallTime(1234567890124);
  in.properties = std::string("\x01\0", 2);
  rows->put(in);
  begin(settings());
  const auto out = rows->find("h", "n");
  ASSERT_NE(out, nullptr);
  EXPECT_EQ(out->host, in.host);
  EXPECT_EQ(out->node, in.node);
  EXPECT_EQ(out->identity, in.identity);
  EXPECT_EQ(out->time, in.time);
  EXPECT_FALSE(out->has_ended);
  EXPECT_EQ(out->type, in.type);
  EXPECT_EQ(out->payload, in.payload);
  EXPECT_EQ(out->element, in.element);
  EXPECT_TRUE(out->is_large);
  EXPECT_EQ(out->qos, in.qos);
  EXPECT_EQ(out->publisher, in.publisher);
  EXPECT_EQ(out->expires_at, in.expires_at);
  EXPECT_EQ(out->properties, in.properties);
}

TEST_F(RetainedRowsTest, AreReadWhileSomebodyWrites) {
  put("h", "n", "1");
  begin(settings());
  const OtherWriter other(path());
  EXPECT_EQ(payload("h", "n"), "1");
  EXPECT_THAT(rows->nodes("h"), UnorderedElementsAre("n"));
}

TEST_F(RetainedRowsTest, TheLastOfANodeCounts) {
  put("h", "n", "1");
  put("h", "n", "2");
  put("h", "other", "3");
  put("other", "n", "4");
  rows->remove("h", "other");
  for (int process = 0; process < 2; ++process) {
    EXPECT_EQ(payload("h", "n"), "2");
    EXPECT_EQ(payload("h", "other"), "none");
    EXPECT_EQ(payload("other", "n"), "4");
    EXPECT_THAT(rows->nodes("h"), UnorderedElementsAre("n"));
    begin(settings());
  }
}

// What the thread cannot write is read all the same.
TEST_F(RetainedRowsTest, WhatIsNotCommittedIsSeen) {
  FaultyVfs vfs;
  auto faulty = settings();
  faulty.vfs = FaultyVfs::name;
  put("h", "old", "1");
  begin(faulty);
  EXPECT_EQ(payload("h", "old"), "1");
  vfs.fail_with(SQLITE_FULL);
  put("h", "n", "2");
  rows->remove("h", "old");
  EXPECT_EQ(payload("h", "n"), "2");
  EXPECT_EQ(payload("h", "old"), "none");
  EXPECT_THAT(rows->nodes("h"), UnorderedElementsAre("n"));
  vfs.fail_with(SQLITE_OK);
  begin(settings());
  EXPECT_EQ(payload("h", "n"), "2");
  EXPECT_EQ(payload("h", "old"), "none");
}

TEST_F(RetainedRowsTest, AHostIsTakenOverOnce) {
  EXPECT_FALSE(rows->is_taken_over("h"));
  rows->take_over("h");
  for (int process = 0; process < 2; ++process) {
    EXPECT_TRUE(rows->is_taken_over("h"));
    EXPECT_FALSE(rows->is_taken_over("other"));
    begin(settings());
  }
}

TEST_F(RetainedRowsTest, AStoreOfBeforeGetsTheTable) {
  store->stop(patience);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "DROP TABLE retained; DROP TABLE taken_over", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  begin(settings());
  put("h", "n", "1");
  begin(settings());
  EXPECT_EQ(payload("h", "n"), "1");
}

}  // namespace
}  // namespace pubsub_mqtt::store
