// Items where memory runs out: all is done, or nothing.
#include <gmock/gmock.h>

#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"
#include "items_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::ElementsAre;

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

}  // namespace
}  // namespace pubsub_mqtt::store
