// Files that are damaged or not ours, disks that are full or fail, and those who have the store already.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "faulty_vfs.h"
#include "pubsub_mqtt/store/items.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::HasSubstr;

TEST_F(StoreTest, OneThatIsNoDatabaseIsPutAside) {
  std::ofstream(path()) << std::string(5000, 'x');
  RunningStore store(settings());
  ASSERT_TRUE(store.is_open());
  EXPECT_THAT(store.log(), HasSubstr("is damaged. It was put aside as " + path() + ".damaged-"));
  EXPECT_TRUE(store.await(store.post({new_session(1)})));
}

TEST_F(StoreTest, OneWithADamagedTableIsPutAside) {
  {
    RunningStore store(settings());
    for (RowNumber i = 1; i <= 200; ++i)
      store.post({new_audience(i), new_message(i, std::string(3000, 'x'))});
    store.stop();
  }
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(200000, 'y');
  }
  RunningStore store(settings());
  ASSERT_TRUE(store.is_open());
  EXPECT_THAT(store.log(), HasSubstr("is damaged"));
  EXPECT_TRUE(store.contents().messages.empty());
}

// In the middle, which nobody needs when the store is opened.
void damage(const std::string& path) {
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(size / 2);
  file << std::string(100000, 'y');
}

TEST_F(StoreTest, DamageIsFoundWhileTheStoreRuns) {
  {
    RunningStore store(settings());
    store.post({new_audience(1)});
    for (RowNumber i = 2; i <= 3000; ++i) store.post({new_message(i, std::string(1000, 'x'))}, 3000);
    store.stop();
  }
  damage(path());
  RunningStore store(settings());
  ASSERT_TRUE(store.is_open()) << "it is read whole when there is time";
  EXPECT_TRUE(store.await_log("What is damaged cannot be read"));
  EXPECT_THAT(store.log(), HasSubstr("is damaged"));
}

TEST_F(StoreTest, MessagesThatAreDamagedAreLostAndThoseBehindThemAreNot) {
  {
    RunningStore store(settings());
    store.post({new_audience(1)});
    for (RowNumber i = 2; i <= 3000; ++i) store.post({new_message(i, std::string(1000, 'x'))}, 3000);
    store.stop();
  }
  damage(path());
  RunningStore store(settings());
  ASSERT_TRUE(store.is_open());
  RowNumber up_to = 0;
  std::size_t read = 0;
  bool is_damaged = false;
  while (up_to < 3000) {
    const auto page =
        store.read({.audiences = {1}, .after = up_to, .up_to = 3000, .messages = 100, .bytes = 1000000});
    ASSERT_GT(page.complete_up_to, up_to);
    up_to = page.complete_up_to;
    read += page.messages.size();
    is_damaged = is_damaged || page.is_damaged;
  }
  EXPECT_TRUE(is_damaged);
  EXPECT_GT(read, 2000U) << "what is not damaged is there";
  EXPECT_LT(read, 2999U);
}

// What is posted is in a table, and the index has not heard of it, until it is hidden no more.
void hide_from_index(const std::string& path, const std::string& index, const std::string& sql) {
  run_sql(path, ("CREATE TEMP TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = '" + index +
                 "'; PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = '" + index +
                 "'; PRAGMA writable_schema = RESET; " + sql +
                 "; PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM hidden; "
                 "PRAGMA writable_schema = RESET")
                    .c_str());
}

TEST_F(StoreTest, AnIndexThatDoesNotNameAllOfItsTableIsFound) {
  const std::vector<std::pair<std::string, std::string>> hidden{
      {"message_audience", "UPDATE message SET audience = 2 WHERE number = 250"},
      {"item_store", "UPDATE item SET store = 10 WHERE position = 1"}};
  for (const auto& [index, sql] : hidden) {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    {
      RunningStore store(settings());
      ItemChanges items;
      items.put_store({.number = 9, .name = {.host = "h", .name = "n", .user = {}}});
      items.put(new_item(9, 1, "k"), 0);
      std::vector<Change> changes{new_audience(1), std::move(items)};
      for (RowNumber i = 2; i <= 300; ++i) changes.emplace_back(new_message(i));
      ASSERT_TRUE(store.await(store.post(std::move(changes), 300)));
      store.stop();
    }
    hide_from_index(path(), index, sql);
    RunningStore store(settings());
    ASSERT_TRUE(store.is_open());
    EXPECT_TRUE(store.await_log("an index does not name what is in its table")) << index;
    EXPECT_THAT(store.log(), HasSubstr("carry out REINDEX with sqlite3"));
    store.stop();
    run_sql(path(), "REINDEX");
    EXPECT_EQ(query(path(), "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
  }
}

TEST_F(StoreTest, AMessageThatOnlyTheIndexNamesIsSaidToBeLost) {
  {
    RunningStore store(settings());
    ASSERT_TRUE(store.await(store.post({new_audience(1), new_message(2), new_message(3), new_message(4)})));
    store.stop();
  }
  hide_from_index(path(), "message_audience", "DELETE FROM message WHERE number = 3");
  RunningStore store(settings());
  const auto page = store.read({.audiences = {1}, .after = 0, .up_to = 4, .messages = 100, .bytes = 1000000});
  EXPECT_TRUE(page.is_damaged);
  EXPECT_EQ(page.messages.size(), 2U);
  EXPECT_THAT(store.log(), HasSubstr("Messages that waited for a session are lost"));
}

TEST_F(StoreTest, WhatAnotherProcessWritesIsNoticed) {
  RunningStore store(settings());
  store.await(store.post({new_session(1)}));
  run_sql(path(), "DELETE FROM session");
  store.await(store.post({new_session(2, "other")}));
  EXPECT_TRUE(store.await_log("was changed by another process"));
}

TEST_F(StoreTest, OneOfANewerVersionIsLeftAlone) {
  RunningStore(settings()).stop();
  run_sql(path(), "PRAGMA user_version = 1000000");
  RunningStore store(settings());
  EXPECT_FALSE(store.is_open());
  EXPECT_THAT(store.log(), HasSubstr("was written by a newer version"));
}

TEST_F(StoreTest, TheDatabaseOfSomethingElseIsLeftAlone) {
  run_sql(path(), "CREATE TABLE prosody (host TEXT)");
  RunningStore store(settings());
  EXPECT_FALSE(store.is_open());
  EXPECT_THAT(store.log(), HasSubstr("is the database of something else"));
}

TEST_F(StoreTest, ASecondOneSaysSo) {
  RunningStore first(settings());
  RunningStore second(settings());
  EXPECT_TRUE(first.is_open());
  EXPECT_FALSE(second.is_open());
  EXPECT_THAT(second.log(), HasSubstr("is in use by another Prosody"));
  EXPECT_THAT(second.log(),
              HasSubstr("With this one sessions, messages that wait for them, wills and retained "
                        "messages are not kept over a restart"));
}

TEST_F(StoreTest, WhatProsodyStoresCannotBeReadIsSaid) {
  run_sql(path(), "CREATE TABLE prosody (host TEXT)");
  Store store(settings());
  EXPECT_FALSE(store.open_for_items(Access::alone));
  std::vector<LogLine> lines;
  store.take_log(lines);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0].text, HasSubstr("what Prosody stores in it can be neither read nor written"));
  EXPECT_FALSE(store.open().has_value());
  lines.clear();
  store.take_log(lines);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0].text, HasSubstr("wills and retained messages are not kept over a restart"));
}

TEST_F(StoreTest, ADirectoryThatIsNotThereIsSaid) {
  auto elsewhere = settings();
  elsewhere.path = directory / "none" / "store.sqlite";
  RunningStore store(elsewhere);
  EXPECT_FALSE(store.is_open());
  EXPECT_THAT(store.log(), HasSubstr("cannot be locked: No such file or directory"));
}

TEST_F(StoreTest, WhoeverHasItLockedIsWaitedFor) {
  RunningStore store(settings());
  ASSERT_TRUE(store.await(store.post({new_session(1)})));
  std::optional<OtherWriter> other(path());
  const auto number = store.post({new_session(2)});
  EXPECT_TRUE(store.await_log("another process has locked it"));
  EXPECT_LT(store.committed(), number);
  EXPECT_GE(store.metrics().failed_commits, 1U);
  EXPECT_EQ(store.metrics().waiting, 1U);
  other.reset();
  EXPECT_TRUE(store.await(number));
  EXPECT_TRUE(store.await_log("can be written again"));
  EXPECT_EQ(store.metrics().commits, 2U);
  EXPECT_EQ(store.metrics().waiting, 0U);
  EXPECT_GT(store.metrics().commit_time.count(), 0);
}

class FaultyStoreTest : public StoreTest {
 protected:
  Settings faulty_settings() const {
    auto faulty = settings();
    faulty.vfs = FaultyVfs::name;
    return faulty;
  }

  FaultyVfs vfs;
};

TEST_F(FaultyStoreTest, AnErrorIsSaidOnceAndHealsByItself) {
  {
    RunningStore store(faulty_settings());
    ASSERT_TRUE(store.await(store.post({new_session(1)})));
    vfs.fail_with(SQLITE_IOERR);
    const auto number = store.post({new_session(2)});
    EXPECT_TRUE(store.await_log("cannot be written: disk I/O error"));
    const auto removal = store.post({RemoveSession{1}});
    EXPECT_LT(store.committed(), number);
    vfs.fail_with(SQLITE_OK);
    EXPECT_TRUE(store.await(removal));
    const std::string log = store.log();
    EXPECT_EQ(log.find("cannot be written"), log.rfind("cannot be written"));
  }
  RunningStore store(settings());
  ASSERT_EQ(store.contents().sessions.size(), 1U);
  EXPECT_EQ(store.contents().sessions[0].number, 2U);
}

TEST_F(FaultyStoreTest, AFullDiskIsSaidAndHealsByItself) {
  RunningStore store(faulty_settings());
  ASSERT_TRUE(store.await(store.post({new_session(1)})));
  ASSERT_EQ(std::filesystem::file_size(path() + "-lock"), 65536U);
  vfs.fail_with(SQLITE_FULL);
  const auto number = store.post({new_session(2)});
  EXPECT_TRUE(store.await_log("cannot be written: the disk is full"));
  vfs.fail_with(SQLITE_OK);
  EXPECT_TRUE(store.await(number));
  EXPECT_EQ(std::filesystem::file_size(path() + "-lock"), 65536U);
}

// The reserve is space enough to be opened.
TEST_F(FaultyStoreTest, OnAFullDiskItIsOpenedAndHeals) {
  {
    RunningStore store(faulty_settings());
    ASSERT_TRUE(store.await(store.post({new_session(1)})));
    store.stop();
  }
  ASSERT_EQ(std::filesystem::file_size(path() + "-lock"), 65536U);
  vfs.fill_with(path() + "-lock");
  {
    RunningStore store(faulty_settings());
    ASSERT_TRUE(store.is_open());
    EXPECT_EQ(store.contents().sessions.size(), 1U);
    const auto number = store.post({new_session(2)});
    EXPECT_TRUE(store.await_log("cannot be written: the disk is full"));
    EXPECT_LT(store.committed(), number);
    store.stop(std::chrono::milliseconds(0));
  }
  vfs.fill_with({});
  RunningStore store(faulty_settings());
  ASSERT_TRUE(store.is_open());
  EXPECT_TRUE(store.await(store.post({new_session(3)})));
}

// What frees space is written before the disk has room for the rest, which the process may not live to see.
TEST_F(FaultyStoreTest, OnAFullDiskNothingIsRemovedForWhatIsNotWritten) {
  auto full = faulty_settings();
  full.reserve = std::size_t{1} << 60U;  // there is never so much again
  RunningStore store(full);
  const auto name = [](std::string user) {
    return StoreName{.host = "h", .kind = StoreKind::keyval, .name = "accounts", .user = std::move(user)};
  };
  ItemChanges before;
  before.put_store({.number = 1, .name = name("a")});
  before.put_store({.number = 2, .name = name("b")});
  before.put(new_item(1, 1, "password"), 0);
  before.put(new_item(2, 2, "password"), 0);
  ASSERT_TRUE(store.await(
      store.post({before, new_session(1), Put<IntentRow>{.row = {.session = 1, .packet_identifier = 7}}})));
  ItemChanges changes;
  changes.remove_up_to(1, 2);
  changes.put(new_item(1, 3, "password"), 0);
  changes.remove_up_to(2, 2);
  vfs.fail_with(SQLITE_FULL);
  store.post({changes, RemoveIntent{.session = 1, .packet_identifier = 7},
              Put<ReceivedRow>{.row = {.session = 1, .packet_identifier = 7}}});
  ASSERT_TRUE(store.await_log("the disk is full"));
  vfs.fail_with(SQLITE_OK);
  EXPECT_TRUE(store.await([&] { return query(path(), "SELECT count(*) FROM item WHERE store = 2") == 0; }));
  EXPECT_EQ(query(path(), "SELECT position FROM item WHERE store = 1"), 1);
  EXPECT_EQ(query(path(), "SELECT count(*) FROM intent"), 1);
}

// That is how room comes: what Prosody removes is removed from the file, while it can store nothing.
TEST_F(FaultyStoreTest, OnAFullDiskProsodyRemovesItems) {
  constexpr int many = 1200;  // more than go at once
  auto full = faulty_settings();
  full.reserve = std::size_t{1} << 60U;  // there is never so much again
  const auto name = [](std::string of_node) {
    return StoreName{.host = "h", .kind = StoreKind::archive, .name = std::move(of_node), .user = {}};
  };
  Store store(full);
  ASSERT_TRUE(store.open_for_items(Access::alone));
  Items items(store, Access::alone);
  store.start(nullptr);
  const auto append = [&](RowNumber number, const std::string& key) {
    items.append(number, key, 1, std::nullopt, std::string("value"));
  };
  const RowNumber kept = items.find_or_make_store(name("kept"));
  for (const char* key : {"retracted", "kept"}) append(kept, key);
  const RowNumber waits = items.find_or_make_store(name("waits"));
  const RowNumber deleted = items.find_or_make_store(name("deleted"));
  for (int i = 0; i < many; ++i) append(deleted, std::to_string(i));
  items.committed();
  vfs.fail_with(SQLITE_FULL);
  append(waits, "too late");
  EXPECT_THROW(items.committed(), ItemsError);
  vfs.fail_with(SQLITE_OK);
  EXPECT_THROW(append(kept, "refused"), ItemsError);
  items.remove(kept, "retracted");
  EXPECT_EQ(items.find(kept, "retracted"), nullptr);
  EXPECT_TRUE(items.drop_store(name("deleted")));
  EXPECT_THROW(items.find_or_make_store(name("deleted")), ItemsError);
  store.stop(std::chrono::milliseconds(300));
  Store again(settings());
  ASSERT_TRUE(again.open_for_items(Access::alone));
  Items left(again, Access::alone);
  EXPECT_EQ(left.find_store(name("deleted")), 0U);
  EXPECT_EQ(left.committed().count(deleted, {}), 0U);
  const auto found = left.find(kept, {}, many);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]->key, "kept");
}

// A lock is another's, and what is removed meanwhile would be there again after a crash.
TEST_F(StoreTest, NothingOfProsodysIsRemovedWhereNothingCanBeWritten) {
  const StoreName name{.host = "h", .kind = StoreKind::archive, .name = "node", .user = {}};
  Store store(settings());
  ASSERT_TRUE(store.open_for_items(Access::alone));
  Items items(store, Access::alone);
  store.start(nullptr);
  const RowNumber number = items.find_or_make_store(name);
  items.append(number, "kept", 1, std::nullopt, "value");
  items.committed();
  std::optional<OtherWriter> other(path());
  items.append(number, "waits", 1, std::nullopt, "value");
  EXPECT_THROW(items.committed(), ItemsError);
  EXPECT_THROW(items.drop_store(name), ItemsError);
  EXPECT_THROW(items.remove(number, "kept"), ItemsError);
  other.reset();
  store.stop(patience);
}

TEST_F(StoreTest, NothingIsKeptOfWhatASessionIntendedThatIsOver) {
  RunningStore store(settings());
  store.post({new_session(1)});
  ASSERT_TRUE(store.await(store.post({RemoveSession{1}})));
  ASSERT_TRUE(store.await(store.post({CarriedOut{.session = 1, .packet_identifier = 7, .item = "i"}})));
  EXPECT_EQ(query(path(), "SELECT count(*) FROM intent"), 0);
}

// The packet identifier may have been used again meanwhile, for another message.
TEST_F(StoreTest, WhatIsCarriedOutLateSaysNothingOfAnotherIntent) {
  const auto intent = [](std::string item) {
    return Put<IntentRow>{.row = {.session = 1, .packet_identifier = 7, .item = std::move(item)}};
  };
  const auto carried_out = [](std::string item) {
    return CarriedOut{.session = 1, .packet_identifier = 7, .item = std::move(item)};
  };
  RunningStore store(settings());
  const auto is_published = [&](std::vector<std::vector<Change>> groups) {
    for (auto& changes : groups) EXPECT_TRUE(store.await(store.post(std::move(changes))));
    return query(path(), "SELECT is_published FROM intent WHERE item = 'new'") != 0;
  };
  ASSERT_TRUE(store.await(store.post({new_session(1)})));
  EXPECT_FALSE(is_published({{intent("old")}, {intent("new")}, {carried_out("old")}}));
  EXPECT_FALSE(is_published({{intent("old")}, {intent("new"), carried_out("old")}}));
  EXPECT_FALSE(is_published({{intent("old"), intent("new"), carried_out("old")}}));
  EXPECT_FALSE(is_published({{intent("old")}, {carried_out("old"), intent("new")}}));
  EXPECT_TRUE(is_published({{intent("old"), carried_out("old"), intent("new"), carried_out("new")}}));
  EXPECT_TRUE(is_published({{intent("new")}, {carried_out("new")}}));
  ASSERT_TRUE(store.await(store.post(
      {carried_out("new"), RemoveIntent{.session = 1, .packet_identifier = 7}, carried_out("new")})));
  EXPECT_EQ(query(path(), "SELECT count(*) FROM intent"), 0);
}

// A message that a group's member leaves is another one's, in another row, which must be there first.
TEST_F(FaultyStoreTest, OnAFullDiskWhatIsPassedOnIsNotRemovedForWhatIsNotWritten) {
  auto full = faulty_settings();
  full.reserve = std::size_t{1} << 60U;  // there is never so much again
  RunningStore store(full);
  ASSERT_TRUE(store.await(
      store.post({new_audience(1), new_message(2), new_message(3), new_message(4), new_message(5)})));
  vfs.fail_with(SQLITE_FULL);
  store.post({RemoveMessage{.message = 2, .is_passed_on = true}, new_message(20), RemoveMessage{3}});
  store.post({RemoveMessagesUpTo{.audience = 1, .message = 4, .is_passed_on = true}});
  ASSERT_TRUE(store.await_log("the disk is full"));
  vfs.fail_with(SQLITE_OK);
  EXPECT_TRUE(
      store.await([&] { return query(path(), "SELECT count(*) FROM message WHERE number = 3") == 0; }));
  EXPECT_EQ(query(path(), "SELECT count(*) FROM message"), 3) << "2, 4 and 5";
}

TEST_F(FaultyStoreTest, DiskMeansSynchronizedAndProcessDoesNot) {
  const auto synchronizations = [&](Durability durability) {
    auto faulty = faulty_settings();
    faulty.durability = durability;
    RunningStore store(faulty);
    store.await(store.post({new_session(1)}));
    const int before = vfs.synchronizations();
    for (RowNumber i = 1; i <= 10; ++i) store.await(store.post({new_session(i)}));
    return vfs.synchronizations() - before;
  };
  EXPECT_EQ(synchronizations(Durability::disk), 10);
  EXPECT_EQ(synchronizations(Durability::process), 0);
}

}  // namespace
}  // namespace pubsub_mqtt::store
