// Prosody's stores: what is read is what was written, committed or not.
#include "pubsub_mqtt/store/items.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "database.h"
#include "faulty_vfs.h"
#include "items_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// Before the thread starts, each call is committed when it returns; afterwards it is seen before it is committed, and
// after. In all three it must be the same.
enum class When { at_once, started, after_restart };

class ItemsThen : public ItemsTest, public testing::WithParamInterface<When> {
 protected:
  void SetUp() override {
    open = std::make_unique<OpenItems>(settings());
    ASSERT_TRUE(open->is_open);
    if (GetParam() == When::started) {
      ASSERT_TRUE(open->store.start(nullptr));
    }
  }
  // Everything has been written.
  void wrote() {
    if (GetParam() != When::after_restart) return;
    open.reset();
    open = std::make_unique<OpenItems>(settings());
  }

  std::unique_ptr<OpenItems> open;
};

TEST_P(ItemsThen, WhatAccompaniesAnItemIsInItsUnit) {
  const RowNumber number = open->items.find_or_make_store(name());
  open->store.post({.changes = {new_session(1)}});
  open->items.accompany("b", Put<IntentRow>{.row = {.session = 1, .packet_identifier = 7, .item = "b"}});
  open->append(number, "a");
  open->append(number, "b");
  EXPECT_FALSE(open->items.take_companion()) << "it has gone";
  EXPECT_EQ(open->items.committed().count(number, {}), 2U);
  EXPECT_EQ(query(path(), "SELECT packet_identifier FROM intent"), 7);
}

TEST_F(ItemsTest, AreReadWhileSomebodyWrites) {
  {
    OpenItems open(settings());
    open.append(open.items.find_or_make_store(name()), "a");
  }
  const OtherWriter other(path());
  OpenItems open(settings());
  ASSERT_TRUE(open.is_open);
  const RowNumber number = open.items.find_store(name());
  EXPECT_THAT(open.keys(number), ElementsAre("a"));
  EXPECT_NE(open.items.find(number, "a"), nullptr);
}

// Whoever is promised what was changed learns from this that there is a commit to wait for.
TEST_P(ItemsThen, EachChangeIsCountedThoughItIsPostedWithOthers) {
  const RowNumber number = open->items.find_or_make_store(name());
  std::optional<OtherWriter> other;
  if (open->store.is_started()) other.emplace(path());
  open->append(number, "a");  // which the thread may have taken already
  open->append(number, "b");
  for (const char* key : {"c", "d", "e"}) {
    const auto before = open->items.times_changed();
    open->append(number, key);
    EXPECT_GT(open->items.times_changed(), before) << key;
  }
  other.reset();
  EXPECT_EQ(open->items.committed().count(number, {}), 5U);
}

TEST_F(ItemsTest, WhoCountsThemDoesNotWaitUntilMoreHaveCome) {
  Settings patient = settings();
  patient.gathers_for = std::chrono::hours(1);
  OpenItems open(patient);
  ASSERT_TRUE(open.store.start(nullptr));
  const RowNumber number = open.items.find_or_make_store(name());
  open.append(number, "a");
  EXPECT_EQ(open.items.committed().count(number, {}), 1U);
}

TEST_F(ItemsTest, WhatNobodyWaitsForIsCommittedWithWhatComesMeanwhile) {
  Settings patient = settings();
  patient.gathers_for = std::chrono::hours(1);
  OpenItems open(patient);
  ASSERT_TRUE(open.store.start(nullptr));
  const RowNumber number = open.items.find_or_make_store(name());
  for (const char* key : {"a", "b"}) open.append(number, key);
  EXPECT_FALSE(open.items.is_all_committed());
  EXPECT_EQ(open.store.metrics().commits, 0U);
  EXPECT_THAT(open.keys(number), ElementsAre("a", "b"));
  open.store.post({.changes = {new_session(1)}, .last_number = 1});
  while (!open.items.is_all_committed()) std::this_thread::yield();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 2);
  open.append(number, "c");
  open.store.stop(patience);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 3) << "a stop commits all";
}

// A store that is made and dropped at once leaves nothing to be posted.
TEST_F(ItemsTest, WhatFollowsChangesThatLeaveNothingIsCommitted) {
  Settings patient = settings();
  patient.gathers_for = std::chrono::hours(1);
  OpenItems open(patient);
  const RowNumber number = open.items.find_or_make_store(name());
  ASSERT_TRUE(open.store.start(nullptr));
  open.items.find_or_make_store(name("of a moment"));
  open.items.drop_store(name("of a moment"));
  const CommitNumber after = open.store.post({.changes = {new_session(1)}, .last_number = 1});
  while (open.store.committed() < after) std::this_thread::yield();
  open.append(number, "a");
  open.store.stop(patience);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 1);
}

TEST_F(ItemsTest, WhatNobodyWaitsForIsCommittedAfterAWhile) {
  OpenItems open(settings());
  ASSERT_TRUE(open.store.start(nullptr));
  open.append(open.items.find_or_make_store(name()), "a");
  while (!open.items.is_all_committed()) std::this_thread::yield();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 1);
}

TEST_F(ItemsTest, WhatAccompaniesNoItemIsTakenBack) {
  OpenItems open(settings());
  const RowNumber number = open.items.find_or_make_store(name());
  open.items.accompany("b", RemoveSession{1});
  open.append(number, "a");
  EXPECT_TRUE(open.items.take_companion());
  EXPECT_FALSE(open.items.take_companion());
}

TEST_P(ItemsThen, AreFoundInTheOrderOfTheirPositions) {
  const RowNumber number = open->items.find_or_make_store(name());
  for (const char* key : {"a", "b", "c", "d"}) open->append(number, key);
  open->append(number, "b");
  wrote();
  EXPECT_EQ(open->items.find_store(name()), number);
  EXPECT_THAT(open->keys(number), ElementsAre("a", "c", "d", "b"));
  EXPECT_THAT(open->keys(number, {.reverse = true}, 2), ElementsAre("b", "d"));
  EXPECT_THAT(open->keys(number, {.key = "c"}), ElementsAre("c"));
  EXPECT_THAT(open->keys(number, {.keys = {"d", "a", "x"}}), ElementsAre("a", "d"));
  EXPECT_EQ(open->items.find(number, "b")->value, "value of b");
  EXPECT_EQ(open->items.find(number, "x"), nullptr);
  EXPECT_EQ(open->items.committed().count(number, {}), 4U);
}

TEST_P(ItemsThen, AreFoundByWhatIsAskedFor) {
  const RowNumber number = open->items.find_or_make_store(name());
  for (int at = 1; at <= 5; ++at) {
    open->items.append(number, std::to_string(at), at, at % 2 == 0 ? "even" : "odd", "");
  }
  wrote();
  const Position second = open->items.find(number, "2")->position;
  EXPECT_THAT(open->keys(number, {.with = "even"}), ElementsAre("2", "4"));
  EXPECT_THAT(open->keys(number, {.start = 2, .end = 4}), ElementsAre("2", "3", "4"));
  EXPECT_THAT(open->keys(number, {.after = second}), ElementsAre("3", "4", "5"));
  EXPECT_THAT(open->keys(number, {.before = second, .reverse = true}), ElementsAre("1"));
  EXPECT_EQ(open->items.committed().count(number, {.with = "odd"}), 3U);
  EXPECT_EQ(open->items.find(number, "2")->with, "even");
  EXPECT_EQ(open->items.find(number, "2")->at, 2);
}

TEST_P(ItemsThen, AreGoneWhenTheyWereRemoved) {
  const RowNumber number = open->items.find_or_make_store(name());
  for (int i = 0; i < 10; ++i) open->append(number, std::to_string(i));
  open->items.remove(number, "8");
  EXPECT_EQ(open->items.truncate(number, 5), 4U);
  open->append(number, "8");
  EXPECT_EQ(open->items.truncate(number, 5), 1U);
  open->items.remove(number, "7");
  wrote();
  EXPECT_THAT(open->keys(number), ElementsAre("5", "6", "9", "8"));
  EXPECT_EQ(open->items.truncate(number, 5), 0U);
}

// What was beyond a former limit does not come back with a higher one.
TEST_P(ItemsThen, DoNotComeBackWithAHigherLimit) {
  const RowNumber number = open->items.find_or_make_store(name());
  for (const char* key : {"a", "b", "c"}) open->append(number, key);
  open->items.truncate(number, 1);
  open->append(number, "d");
  open->items.truncate(number, 3);
  open->items.remove(number, "d");
  wrote();
  EXPECT_THAT(open->keys(number), ElementsAre("c"));
}

TEST_P(ItemsThen, KeepTheirPlaceWhenReplaced) {
  const RowNumber number = open->items.find_or_make_store(name());
  for (const char* key : {"a", "b", "c"}) open->append(number, key);
  open->items.replace(*open->items.find(number, "b"), 7, "with", "new");
  wrote();
  EXPECT_THAT(open->keys(number), ElementsAre("a", "b", "c"));
  EXPECT_EQ(open->items.find(number, "b")->value, "new");
  EXPECT_EQ(open->items.find(number, "b")->at, 7);
}

TEST_P(ItemsThen, AreAllReplaced) {
  const auto keyval = name("user", StoreKind::keyval);
  const RowNumber number = open->items.find_or_make_store(keyval);
  open->items.set_all(number, {{"a", "1"}, {"b", "2"}});
  open->items.set_all(number, {{"b", "3"}, {"c", "4"}});
  wrote();
  EXPECT_THAT(open->keys(number), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(open->items.find(number, "b")->value, "3");
  EXPECT_THAT(open->items.committed().find_in_all(keyval, "b"), ElementsAre(Pair("user", "3")));
  EXPECT_THAT(open->items.committed().users(keyval, ""), ElementsAre("user"));
  EXPECT_THAT(open->items.committed().names("host", StoreKind::keyval, "user"), ElementsAre("store"));
  EXPECT_THAT(open->items.committed().names("host", StoreKind::keyval, "other"), IsEmpty());
}

// A store that is made again is another one: what comes late for the old one is void.
TEST_P(ItemsThen, OfAStoreThatWasDroppedDoNotComeBack) {
  const RowNumber dropped = open->items.find_or_make_store(name());
  open->append(dropped, "old");
  EXPECT_TRUE(open->items.drop_store(name()));
  EXPECT_EQ(open->items.find_store(name()), 0U);
  open->append(dropped, "late");
  const RowNumber number = open->items.find_or_make_store(name());
  open->append(number, "new");
  wrote();
  EXPECT_NE(number, dropped);
  EXPECT_EQ(open->items.find_store(name()), number);
  EXPECT_THAT(open->keys(number), ElementsAre("new"));
  EXPECT_FALSE(open->items.drop_store(name("nobody")));
}

INSTANTIATE_TEST_SUITE_P(When, ItemsThen, testing::Values(When::at_once, When::started, When::after_restart));

TEST_F(ItemsTest, OfADroppedStoreAreSweptInTheBackground) {
  OpenItems open(settings());
  const RowNumber number = open.items.find_or_make_store(name());
  open.store.start(nullptr);
  for (int i = 0; i < 1200; ++i) open.append(number, std::to_string(i));
  open.items.drop_store(name());
  while (number_in_database("SELECT count(*) + (SELECT count(*) FROM dropped_store) FROM item") != 0)
    usleep(1000);
}

// Of a store from which many are removed at once, in slices: here each call commits one.
class ItemsInSlices : public ItemsTest {
 protected:
  static constexpr int many = 2000;

  ItemsInSlices() : open(std::make_unique<OpenItems>(settings())) {
    // In one commit, which has room for all.
    number = open->items.find_or_make_store(name("user", StoreKind::keyval));
    std::vector<std::pair<std::string, std::string>> values;
    for (int i = 0; i < many; ++i) values.emplace_back(std::to_string(i), "value");
    open->items.set_all(number, std::move(values));
  }
  void restart() {
    open.reset();
    open = std::make_unique<OpenItems>(settings());
  }
  std::int64_t rows() { return number_in_database("SELECT count(*) FROM item"); }
  // All there is to sweep.
  void await_sweep(std::int64_t left) {
    open->store.start(nullptr);
    while (rows() + number_in_database("SELECT (SELECT count(*) FROM removed_up_to) + count(*) FROM "
                                       "dropped_store") !=
           left)
      usleep(1000);
  }
  // By every way.
  void expect_none() {
    EXPECT_GT(rows(), 0) << "they are there";
    const auto key = std::to_string(many - 1);
    EXPECT_THAT(open->keys(number), IsEmpty());
    EXPECT_THAT(open->keys(number, {.reverse = true}), IsEmpty());
    EXPECT_EQ(open->items.find(number, key), nullptr);
    ItemReader& reader = open->items.committed();
    EXPECT_EQ(reader.count(number, {}), 0U);
    EXPECT_EQ(reader.position_from_end(number, 0), 0U);
    EXPECT_THAT(reader.users(name("", StoreKind::keyval), ""), IsEmpty());
    EXPECT_THAT(reader.names("host", StoreKind::keyval, "user"), IsEmpty());
    EXPECT_THAT(reader.find_in_all(name("", StoreKind::keyval), key), IsEmpty());
  }

  std::unique_ptr<OpenItems> open;
  RowNumber number = 0;
};

TEST_F(ItemsInSlices, AreGoneBeforeTheyAreSwept) {
  EXPECT_EQ(open->items.truncate(number, 0), static_cast<std::size_t>(many));
  expect_none();
  restart();
  expect_none();
  await_sweep(0);
}

TEST_F(ItemsInSlices, StayWhereTheyAreNewer) {
  open->items.truncate(number, 2);
  EXPECT_GT(rows(), 2);
  EXPECT_THAT(open->keys(number), ElementsAre("1998", "1999"));
  open->append(number, "1900");  // in place of one that is not swept
  open->append(number, "new");
  restart();
  EXPECT_THAT(open->keys(number), ElementsAre("1998", "1999", "1900", "new"));
  await_sweep(4);
  EXPECT_THAT(open->keys(number), ElementsAre("1998", "1999", "1900", "new"));
  EXPECT_EQ(open->items.find(number, "1900")->value, "value of 1900");
}

TEST_F(ItemsInSlices, GoWithTheirStore) {
  open->items.truncate(number, 2);
  EXPECT_TRUE(open->items.drop_store(name("user", StoreKind::keyval)));
  EXPECT_GT(rows(), 0);
  await_sweep(0);
}

// Else there would be more and more of them, as long as there is more to put than is swept.
TEST_F(ItemsInSlices, GoAtOnceWhereAsManyComeInTheirPlace) {
  std::vector<std::pair<std::string, std::string>> others;
  for (int i = 0; i < many; ++i) others.emplace_back("other " + std::to_string(i), "value");
  open->items.set_all(number, std::move(others));
  EXPECT_EQ(rows(), many);
}

TEST_F(ItemsInSlices, AreSweptByAThreadThatHadNothingToDo) {
  open->store.start(nullptr);
  open->append(number, "new");
  EXPECT_EQ(open->items.committed().count(number, {}), many + 1U);
  open->items.truncate(number, 2);
  EXPECT_THAT(open->keys(number), ElementsAre("1999", "new"));
  await_sweep(2);
  EXPECT_THAT(open->keys(number), ElementsAre("1999", "new"));
}

// Commits go on while all is read again and again, from the first item to a thousand: nothing is missed or seen twice.
TEST_F(ItemsTest, AreSeenWhileTheyAreCommitted) {
  OpenItems open(settings());
  const RowNumber number = open.items.find_or_make_store(name());
  open.store.start(nullptr);
  for (int i = 0; i < 1000; ++i) {
    open.append(number, std::to_string(i));
    open.items.truncate(number, 20);
    const auto items = open.items.find(number, {.reverse = true}, 100);
    ASSERT_EQ(items.size(), std::min<std::size_t>(20, static_cast<std::size_t>(i) + 1));
    for (int j = 0; const auto& item : items) ASSERT_EQ(item->key, std::to_string(i - j++));
  }
}

// The beginning and end of most items are not written with each, whatever is between them.
TEST_P(ItemsThen, HaveTheValuesThatTheyHad) {
  const RowNumber number = open->items.find_or_make_store(name());
  const std::string data = "<data xmlns='https://prosody.im/protocol/mqtt'>";
  const std::vector<std::string> values = {data + "21</data>",
                                           data + "</data>",
                                           data + "<data/></data>",
                                           data,
                                           "</data>",
                                           "<data>21</data>",
                                           "<json xmlns='urn:xmpp:json:0'>{}</json>",
                                           "<entry xmlns='http://www.w3.org/2005/Atom'><id/></entry>",
                                           "",
                                           "21"};
  for (const auto& value : values) open->items.append(number, value, 1, std::nullopt, value);
  wrote();
  for (const auto& value : values) EXPECT_EQ(open->items.find(number, value)->value, value);
  for (const auto& item : open->items.find(number, {}, 100)) EXPECT_EQ(item->value, item->key);
  for (const auto& [user, value] : open->items.committed().find_in_all(name(), values[0]))
    EXPECT_EQ(value, values[0]);
  EXPECT_EQ(query(path(), "SELECT length(value) FROM item WHERE wrapping = 1 AND value = CAST('21' AS BLOB)"),
            2);
}

TEST_F(ItemsTest, OfPositionsNoneIsUsedTwice) {
  RowNumber last = 0;
  for (int i = 0; i < 3; ++i) {
    OpenItems open(settings());
    const RowNumber number = open.items.find_or_make_store(name());
    EXPECT_GT(number, last);
    open.append(number, "item");
    last = open.items.find(number, "item")->position;
    EXPECT_GT(last, number);
    open.items.drop_store(name());
  }
}

// As prosodyctl is.
class ItemsBesideAServer : public ItemsTest {
 protected:
  void SetUp() override {
    server.store.start(nullptr);
    number = server.items.find_or_make_store(name());
    server.append(number, "server's");
    server.items.committed();  // waits for the commit
    beside.emplace(settings(), Access::beside);
    ASSERT_TRUE(beside->is_open);
    beside->append(number, "prosodyctl's");
  }

  OpenItems server{settings()};
  RowNumber number = 0;
  std::optional<OpenItems> beside;
};

TEST_F(ItemsBesideAServer, AreReadAndWritten) {
  EXPECT_THAT(server.keys(number), ElementsAre("server's", "prosodyctl's"));
  OpenItems another(settings());
  EXPECT_FALSE(another.is_open);
}

TEST_F(ItemsBesideAServer, AreAllGoneWhereOthersAreSet) {
  server.items.set_all(number, {{"all", "that there is"}});
  EXPECT_THAT(server.keys(number), ElementsAre("all"));
  server.items.committed();
  EXPECT_THAT(beside->keys(number), ElementsAre("all"));
}

// prosody -D: what was written before the fork is there, and what the child writes stays.
TEST_F(ItemsTest, SurviveAForkBeforeTheThreadStarts) {
  OpenItems open(settings());
  const RowNumber number = open.items.find_or_make_store(name());
  open.append(number, "parent's");
  open.items.close_before_fork();
  open.store.close_before_fork();
  const pid_t child = fork();
  if (child == 0) {
    open.append(number, "child's");
    open.store.start(nullptr);
    open.append(number, "thread's");
    open.store.stop(patience);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(open.keys(number), ElementsAre("parent's", "child's", "thread's"));
}

// What Prosody's thread reads by is still open then.
TEST_F(ItemsTest, AreAllInTheOneFileWhenTheStoreHasStopped) {
  OpenItems open(settings());
  open.store.start(nullptr);
  const RowNumber number = open.items.find_or_make_store(name());
  open.append(number, "a");
  EXPECT_EQ(open.items.committed().count(number, {}), 1U);
  open.store.stop(patience);
  const std::string wal = path() + "-wal";
  EXPECT_TRUE(!std::filesystem::exists(wal) || std::filesystem::file_size(wal) == 0);
}

TEST_F(ItemsTest, ADatabaseThatIsDamagedIsLeftAsItIs) {
  std::filesystem::create_directories(directory);
  {
    FILE* file = fopen(path().c_str(), "w");
    fputs(std::string(8192, 'x').c_str(), file);
    fclose(file);
  }
  OpenItems open(settings());
  EXPECT_FALSE(open.is_open);
  std::vector<LogLine> log;
  open.store.take_log(log);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_THAT(log[0].text, testing::HasSubstr("is damaged, and left as it is"));
  EXPECT_EQ(std::filesystem::file_size(path()), 8192U);
}

// Sessions are read by the thread's side while items are written.
TEST_F(ItemsTest, SessionsAreReadWhereItemsOpenedTheStore) {
  {
    RunningStore store(settings());
    store.await(store.post({new_session(1)}));
  }
  OpenItems open(settings());
  open.store.start(nullptr);
  open.append(open.items.find_or_make_store(name()), "item");
  const auto contents = open.store.open();
  ASSERT_TRUE(contents.has_value());
  EXPECT_EQ(contents->sessions.size(), 1U);
  EXPECT_EQ(contents->last_number, 100U);
}

}  // namespace
}  // namespace pubsub_mqtt::store
