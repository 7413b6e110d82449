// Prosody's stores: what is read is what was written, committed or not.
#include "pubsub_mqtt/store/items.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"
#include "database.h"
#include "faulty_vfs.h"
#include "statement.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// A store of the process, and Prosody's stores in it. It commits nothing before it starts.
struct OpenItems {
  explicit OpenItems(const Settings& settings, Access access = Access::alone)
      : store(settings), is_open(store.open_for_items(access)), items(store, access) {}
  ~OpenItems() { store.stop(patience); }
  OpenItems(const OpenItems&) = delete;
  OpenItems& operator=(const OpenItems&) = delete;

  std::vector<std::string> keys(RowNumber number, const ItemQuery& query = {}, std::size_t limit = 1000) {
    std::vector<std::string> keys;
    for (const auto& item : items.find(number, query, limit)) keys.push_back(item->key);
    return keys;
  }
  void append(RowNumber number, const std::string& key, double at = 1) {
    items.append(number, key, at, std::nullopt, "value of " + key);
  }

  Store store;
  bool is_open;
  Items items;
};

class ItemsTest : public StoreTest {
 public:
  static StoreName name(const std::string& user = "", StoreKind kind = StoreKind::archive) {
    return {.host = "host", .kind = kind, .name = "store", .user = user};
  }

 protected:
  std::int64_t number_in_database(const char* sql) {
    Database database;
    database.open(settings());
    Statement statement(database.handle(), sql);
    return statement.step() ? statement.integer() : -1;
  }
};

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
  const CommitNumber before = open->items.last_posted();
  open->append(number, "b");
  EXPECT_LE(open->items.last_posted(), before + 1);
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

// Whoever is promised what was posted learns from this that there is a commit to wait for.
TEST_P(ItemsThen, EachPostIsCountedThoughItJoinsTheUnitBefore) {
  const RowNumber number = open->items.find_or_make_store(name());
  std::optional<OtherWriter> other;
  if (open->store.is_started()) other.emplace(path());
  open->append(number, "a");  // which the thread may have taken already
  open->append(number, "b");
  for (const char* key : {"c", "d", "e"}) {
    const auto before = open->items.times_posted();
    open->append(number, key);
    EXPECT_GT(open->items.times_posted(), before) << key;
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

TEST_F(ItemsTest, ThatDoNotStayAreNotWritten) {
  Group group;
  CommitNumber commit = 0;
  const auto add = [&](Change change) { group.add({.changes = {std::move(change)}}, ++commit); };
  for (Position position = 1; position <= 1000; ++position) {
    auto item = std::make_shared<ItemRow>();
    item->store = 1;
    item->position = position;
    item->key = std::to_string(position);
    add(PutItem{.item = item});
    if (position > 20) add(RemoveItemsUpTo{.store = 1, .position = position - 20});
  }
  EXPECT_EQ(group.items.items.size(), 20U);
  EXPECT_EQ(group.rows(), 21U);
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

// What goes past Prosody's thread, by a route, in turns that end with post().
class ItemsByRoute : public ItemsTest {
 protected:
  static constexpr std::size_t keeps = 3;

  void SetUp() override {
    number = open->items.find_or_make_store(name());
    open->store.start(nullptr);
    publish("first");
  }
  // As mod_pubsub does.
  void publish(const std::string& key) {
    open->append(number, key);
    open->items.truncate(number, keeps);
  }
  bool append(const std::string& key) {
    return open->items.append_by(route(), key, 1, "publisher", "value of " + key) == Appended::yes;
  }
  void append(std::initializer_list<const char*> keys) {
    for (const char* key : keys) EXPECT_TRUE(append(key)) << key;
  }
  const Route& route() {
    if (route_ == nullptr) route_ = std::make_unique<Route>(1, 100, number);
    return *route_;
  }
  std::vector<std::string> keys() { return open->keys(number); }
  std::vector<std::string> keys_after_restart() {
    open->items.post({});
    open = nullptr;
    open = std::make_unique<OpenItems>(settings());
    return keys();
  }

  std::unique_ptr<OpenItems> open = std::make_unique<OpenItems>(settings());
  RowNumber number = 0;
  std::unique_ptr<Route> route_;
};

TEST_F(ItemsByRoute, AreSeenAtOnceAndTrimmed) {
  append({"a", "b", "c", "d"});
  EXPECT_THAT(keys(), ElementsAre("b", "c", "d"));
  EXPECT_EQ(open->items.find(number, "a"), nullptr);
  EXPECT_EQ(open->items.find(number, "d")->with, "publisher");
  publish("e");
  append({"f"});
  EXPECT_THAT(open->keys(number, {.reverse = true}, 2), ElementsAre("f", "e"));
  EXPECT_THAT(keys_after_restart(), ElementsAre("d", "e", "f"));
}

TEST_F(ItemsByRoute, AreCommittedWithTheUnitThatIsPostedNext) {
  append({"a"});
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item WHERE key = 'a'"), 0);
  open->items.post({.changes = {new_session(1)}, .last_number = 1});
  EXPECT_EQ(open->items.committed().count(number, {}), 2U);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item WHERE key = 'a'"), 1);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM session"), 1);
}

// The limit is that of the moment when an item is put, not when its route was given.
TEST_F(ItemsByRoute, AreAsManyAsPubsubKeepsNow) {
  append({"a", "b"});
  open->items.truncate(number, 1);
  EXPECT_THAT(keys(), ElementsAre("b"));
  append({"c", "d"});
  EXPECT_THAT(keys(), ElementsAre("d"));
  open->items.truncate(number, 2);
  append({"e", "f"});
  EXPECT_THAT(keys_after_restart(), ElementsAre("e", "f"));
}

// What Prosody changes before the turn ends stays changed.
TEST_F(ItemsByRoute, AreChangedBeforeTheyArePosted) {
  append({"a", "b", "c"});
  open->items.remove(number, "a");
  open->items.replace(*open->items.find(number, "b"), 2, std::nullopt, "new");
  EXPECT_THAT(keys_after_restart(), ElementsAre("b", "c"));
  EXPECT_EQ(open->items.find(number, "b")->value, "new");
}

TEST_F(ItemsByRoute, AreGoneWithTheirStore) {
  append({"a"});
  open->items.drop_store(name());
  EXPECT_FALSE(append("b"));
  EXPECT_NE(open->items.find_or_make_store(name()), number);
  open->items.post({});
  open->items.committed();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 0);
}

TEST_F(ItemsByRoute, GoThroughPubsubWhereThatMustSeeThem) {
  EXPECT_TRUE(open->items.takes_appends(number));
  route();
  route_->withdraw();
  EXPECT_FALSE(append("a"));
  const RowNumber unknown = open->items.find_or_make_store(name("other"));
  open->append(unknown, "b");
  EXPECT_FALSE(open->items.takes_appends(unknown));
  EXPECT_EQ(open->items.append_by(Route(2, 100, unknown), "c", 1, std::nullopt, ""), Appended::no);
  EXPECT_THAT(keys(), ElementsAre("first"));
}

// Of a store with more than that keys are not known, but how many there are.
TEST_F(ItemsByRoute, AreManyWhereManyStay) {
  constexpr int many = 10200;
  open->items.truncate(number, many);
  int last = 0;
  const auto append_next = [&] {
    if (!append(std::to_string(last + 1))) return false;
    if (++last % 1000 == 0) open->items.post({});
    return true;
  };
  while (last < many + 100) ASSERT_TRUE(append_next()) << last;
  open->items.post({});
  EXPECT_EQ(open->items.truncate(number, many), 0U) << "few are too many";
  while (append_next()) continue;
  open->items.post({});
  EXPECT_FALSE(open->items.takes_appends(number));
  open->append(number, "by pubsub");
  EXPECT_GT(open->items.truncate(number, many), 100U);
  EXPECT_TRUE(open->items.takes_appends(number));
  EXPECT_EQ(open->items.committed().count(number, {}), static_cast<std::size_t>(many));
  EXPECT_EQ(open->items.truncate(number, 10), many - 10U);
  append({"last"});
  EXPECT_THAT(open->keys(number, {.reverse = true}, 2), ElementsAre("last", "by pubsub"));
  open->items.post({});
  EXPECT_EQ(open->items.committed().count(number, {}), 10U);
}

// Whichever allocation fails: what is counted is what is stored.
TEST_F(ItemsByRoute, AreCountedWhereMemoryRunsOut) {
  append({"a", "b"});
  bool has_failed = true;
  for (std::size_t n = 1; has_failed; ++n) {
    const std::string key = "key " + std::to_string(n) + std::string(100, 'k');
    const Route& by = route();
    bool is_appended = false;
    {
      const tests::FailingAllocation failing(n, tests::FailIn::this_thread);
      try {
        is_appended = open->items.append_by(by, key, 1, "publisher", {}) == Appended::yes;
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    EXPECT_NE(has_failed, is_appended);
    EXPECT_EQ(keys().size(), keeps) << n;
    EXPECT_EQ(open->items.find(number, key) != nullptr, is_appended) << n;
    open->items.post({});
    EXPECT_EQ(open->items.committed().count(number, {}), keeps) << n;
    append({std::to_string(n).c_str()});
    open->items.post({});
    EXPECT_EQ(open->items.committed().count(number, {}), keeps) << n;
  }
  const auto before = keys();
  EXPECT_EQ(keys_after_restart(), before);
}

// What Prosody's thread changes, beside items that went by a route and are not posted yet: all of that, or nothing.
using ChangeOfItems = void (*)(Items&, RowNumber);

class ItemsChangedWithoutMemory : public ItemsByRoute,
                                  public testing::WithParamInterface<std::pair<const char*, ChangeOfItems>> {
 protected:
  void begin_anew() {
    open = nullptr;
    route_ = nullptr;
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    open = std::make_unique<OpenItems>(settings());
    SetUp();
    append({"a", "b"});
  }
  // Returns whether it was carried out.
  bool change_without(std::size_t n) {
    const tests::FailingAllocation failing(n, tests::FailIn::this_thread);
    bool is_changed = false;
    try {
      GetParam().second(open->items, number);
      is_changed = true;
    } catch (const std::bad_alloc&) {
    }
    has_failed = failing.has_failed();
    return is_changed;
  }
  std::vector<std::string> values() {
    std::vector<std::string> values;
    const RowNumber store = open->items.find_store(name());
    if (store == 0) return {"no store"};
    for (const auto& item : open->items.find(store, {}, 100)) values.push_back(item->key + '=' + item->value);
    return values;
  }

  bool has_failed = true;
};

TEST_P(ItemsChangedWithoutMemory, AreAllThereOrAsTheyWere) {
  begin_anew();
  const auto before = values();
  GetParam().second(open->items, number);
  const auto after = values();
  EXPECT_NE(before, after);
  for (std::size_t n = 1; has_failed; ++n) {
    SCOPED_TRACE(n);
    begin_anew();
    const auto& expected = change_without(n) ? after : before;
    EXPECT_EQ(values(), expected);
    open->items.post({});
    EXPECT_EQ(values(), expected);
    open->items.committed();
    EXPECT_EQ(values(), expected);
    keys_after_restart();
    EXPECT_EQ(values(), expected);
    ASSERT_LT(n, 200U);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , ItemsChangedWithoutMemory,
    testing::Values(
        std::pair{"Append",
                  [](Items& items, RowNumber number) { items.append(number, "c", 1, std::nullopt, "new"); }},
        std::pair{"AppendInPlaceOfOne",
                  [](Items& items, RowNumber number) { items.append(number, "a", 1, std::nullopt, "new"); }},
        std::pair{"Replace",
                  [](Items& items, RowNumber number) {
                    items.replace(*items.find(number, "b"), 1, std::nullopt, "new");
                  }},
        std::pair{"Remove", [](Items& items, RowNumber number) { items.remove(number, "b"); }},
        std::pair{"RemoveWhatIsCommitted",
                  [](Items& items, RowNumber number) { items.remove(number, "first"); }},
        std::pair{"Truncate", [](Items& items, RowNumber number) { items.truncate(number, 1); }},
        std::pair{"SetAll",
                  [](Items& items, RowNumber number) {
                    items.set_all(number, {{"a", "new"}, {"x", "new"}, {"y", "new"}, {"z", "new"}});
                  }},
        std::pair{"DropStore",
                  [](Items& items, RowNumber /*number*/) { items.drop_store(ItemsTest::name()); }}),
    [](const auto& param) { return param.param.first; });

TEST_F(ItemsByRoute, AreAllPostedOrNoneWhereMemoryRunsOut) {
  bool has_failed = true;
  for (std::size_t n = 1; has_failed; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 100U);
    append({"a", "b"});
    Unit unit{.changes = {new_session(n)}, .last_number = n};
    const auto posted_before = open->store.metrics().waiting + open->store.committed();
    bool is_posted = false;
    {
      const tests::FailingAllocation failing(n, tests::FailIn::this_thread);
      try {
        open->items.post(std::move(unit));
        is_posted = true;
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    EXPECT_NE(is_posted, has_failed);
    EXPECT_EQ(open->store.metrics().waiting + open->store.committed(), posted_before + (is_posted ? 1 : 0));
    if (!is_posted) {
      EXPECT_EQ(unit.changes.size(), 1U);
      open->items.post(std::move(unit));
    }
    open->items.committed();
    EXPECT_EQ(number_in_database("SELECT count(*) FROM session"), static_cast<std::int64_t>(n));
    EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), static_cast<std::int64_t>(keeps));
  }
}

TEST_F(ItemsTest, AreReadAgainWhereMemoryHasRunOut) {
  OpenItems open(settings());
  const RowNumber number = open.items.find_or_make_store(name());
  for (const char* key : {"a", "b", "c"}) open.append(number, key);
  bool has_failed = true;
  for (std::size_t n = 1; has_failed; ++n) {
    {
      const tests::FailingAllocation failing(n, tests::FailIn::this_thread);
      try {
        open.items.find(number, {}, 100);
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    EXPECT_THAT(open.keys(number), ElementsAre("a", "b", "c")) << n;
  }
}

TEST_F(ItemsTest, OfAStoreThatMemoryDidNotSufficeForAreInTheNextOne) {
  bool has_failed = true;
  for (std::size_t n = 1; has_failed; ++n) {
    SCOPED_TRACE(n);
    const auto of_user = name("a user with a long name " + std::to_string(n));
    OpenItems open(settings());
    open.store.start(nullptr);
    RowNumber number = 0;
    {
      const tests::FailingAllocation failing(n, tests::FailIn::this_thread);
      try {
        number = open.items.find_or_make_store(of_user);
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    EXPECT_EQ(open.items.find_store(of_user), number);
    number = open.items.find_or_make_store(of_user);
    open.append(number, "a");
    open.items.committed();
    EXPECT_EQ(number_in_database("SELECT count(*) FROM prosody_store"), static_cast<std::int64_t>(n));
    EXPECT_FALSE(open.store.is_failing());
  }
}

// There is no cliff: the one that is busy stays known while others come and go.
TEST_F(ItemsByRoute, OfStoresThatNobodyUsesAreForgottenFirst) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 10000; ++i) many.emplace_back(std::to_string(i), "value");
  std::vector<RowNumber> others;
  for (int i = 0; i < 25; ++i) {
    others.push_back(open->items.find_or_make_store(name("user" + std::to_string(i))));
    open->items.set_all(others.back(), many);
    open->items.truncate(others.back(), many.size());
    open->items.committed();
    EXPECT_TRUE(append(std::to_string(i))) << "it is known all the time";
    open->items.post({});
  }
  EXPECT_FALSE(open->items.takes_appends(others.front()));
  EXPECT_TRUE(open->items.takes_appends(others.back()));
}

// Who publishes waits, long before Prosody's thread has to.
TEST_F(ItemsByRoute, SayWhenTheyAreMoreThanCanBeWritten) {
  const std::string large(std::size_t{1} << 20U, 'a');
  int appended = 0;
  while (open->items.append_by(route(), std::to_string(++appended), 1, std::nullopt, large) ==
         Appended::yes) {
    open->items.truncate(number, 100);
  }
  EXPECT_EQ(appended, 16);
  EXPECT_FALSE(open->items.has_room());
  open->items.post({});
  open->items.committed();
  EXPECT_TRUE(open->items.has_room());
}

// Of a thousand that are posted while one commit lasts, those are written that stay.
TEST_F(ItemsByRoute, ThatDoNotStayAreNotWritten) {
  open->items.committed();
  Database database;
  database.open(settings());
  database.run("CREATE TABLE written (key TEXT)");
  database.run("CREATE TRIGGER writes AFTER INSERT ON item BEGIN INSERT INTO written VALUES (new.key); END");
  std::promise<void> posted;
  std::atomic<bool> is_held = false;
  open->store.start([&, goes_on = posted.get_future().share()] {
    is_held = true;
    is_held.notify_all();
    goes_on.wait();
  });
  open->items.post({.changes = {new_session(1)}, .last_number = 1});
  is_held.wait(false);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(append(std::to_string(i)));
    open->items.post({});
  }
  posted.set_value();
  open->items.committed();
  open->store.stop_notifying();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM written"), static_cast<std::int64_t>(keeps));
  EXPECT_THAT(keys(), ElementsAre("997", "998", "999"));
}

// When a route was withdrawn, what is read next has all that went by it, whatever the other thread is about.
TEST_F(ItemsByRoute, NoneComesAfterTheRouteWasWithdrawn) {
  int last = 0;
  for (int round = 0; round < 200; ++round) {
    Route way(1, 100, number);
    std::atomic<int> appended = 0;
    std::jthread network([&] {
      while (open->items.append_by(way, std::to_string(last + 1), 1, std::nullopt, "") != Appended::no) {
        appended = ++last;
        appended.notify_all();
        if (last % 10 == 0) open->items.post({});
      }
    });
    appended.wait(0);
    way.withdraw();
    const auto newest = open->items.find(number, {.reverse = true}, 1);
    network.join();
    ASSERT_EQ(newest.at(0)->key, std::to_string(last));
  }
  EXPECT_THAT(keys(), testing::SizeIs(keeps));
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

// As prosodyctl does beside a server.
TEST_F(ItemsTest, AreReadAndWrittenBesideAServer) {
  OpenItems server(settings());
  server.store.start(nullptr);
  const RowNumber number = server.items.find_or_make_store(name());
  server.append(number, "server's");
  server.items.committed();  // waits for the commit
  OpenItems beside(settings(), Access::beside);
  ASSERT_TRUE(beside.is_open);
  beside.append(number, "prosodyctl's");
  EXPECT_THAT(server.keys(number), ElementsAre("server's", "prosodyctl's"));
  OpenItems another(settings());
  EXPECT_FALSE(another.is_open);
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
