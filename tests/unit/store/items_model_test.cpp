// Prosody's stores, changed at random and in all ways, against a plain model: whatever of it is posted, committed or
// swept when, and whether the store's thread runs, all that is read is what was written, also after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "items_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

// Of one store: its items in order.
struct Expected {
  Values::iterator place(const std::string& key) {
    return std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.first == key; });
  }
  void remove(const std::string& key) {
    if (const auto there = place(key); there != items.end()) items.erase(there);
  }
  void append(const std::string& key, const std::string& value) {
    remove(key);
    items.emplace_back(key, value);
  }
  std::size_t truncate(std::size_t to_be_kept) {
    keeps = to_be_kept;
    const std::size_t removed = items.size() - std::min(items.size(), keeps);
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(removed));
    return removed;
  }

  Values items;
  std::size_t keeps = 0;  // since the last truncation
};

class ItemsAgainstModel : public ItemsTest, public testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::size_t stores = 3;
  // More than are removed at once.
  static constexpr std::size_t many = 700;

  std::size_t random(std::size_t below) { return random_() % below; }
  bool chance(std::size_t one_of) { return random(one_of) == 0; }
  std::string random_key() { return "key " + std::to_string(random(12)); }
  std::string new_value() { return "value " + std::to_string(++last_value_); }

  void open_again() {
    if (open_ != nullptr) open_->items.post({});
    open_ = nullptr;
    Settings quick = settings();
    quick.gathers_for = std::chrono::milliseconds(random(3));
    open_ = std::make_unique<OpenItems>(quick);
    ASSERT_TRUE(open_->is_open);
    if (!chance(3)) start();
  }
  void start() { ASSERT_TRUE(open_->store.start(nullptr)); }

  StoreName name_of(std::size_t store) { return name(std::to_string(store)); }
  RowNumber made(std::size_t store) { return open_->items.find_or_make_store(name_of(store)); }

  void change() {
    const std::size_t store = random(stores);
    Items& items = open_->items;
    Expected& expected = expected_[store];
    const std::string key = random_key();
    const std::string value = new_value();
    switch (random(16)) {
      case 0:
      case 1:
      case 2:
        items.append(made(store), key, 1, std::nullopt, value);
        expected.append(key, value);
        break;
      case 3:
      case 4:
      case 5: {
        const std::size_t keep = random(8);
        items.append(made(store), key, 1, std::nullopt, value);
        expected.append(key, value);
        ASSERT_EQ(items.truncate(made(store), keep), expected.truncate(keep));
        break;
      }
      case 6:
        items.remove(made(store), key);
        expected.remove(key);
        break;
      case 7:
        if (const Item old = items.find(made(store), key); old != nullptr) {
          items.replace(*old, 2, std::nullopt, value);
          expected.place(key)->second = value;
        }
        break;
      case 8:
        if (chance(3)) drop(store);
        break;
      case 9:
        if (chance(3)) set_all(store, chance(4) ? many : random(5));
        break;
      case 10:
        items.post({});
        break;
      default:
        append_by(store, key, value);
    }
  }
  void drop(std::size_t store) {
    open_->items.drop_store(name_of(store));
    expected_[store] = Expected();
  }
  void set_all(std::size_t store, std::size_t count) {
    Values values;
    for (std::size_t i = 0; i < count; ++i) values.emplace_back("key " + std::to_string(i), new_value());
    expected_[store].items = values;
    open_->items.set_all(made(store), std::move(values));
  }
  // It does nothing where it is not known how many items there are.
  void append_by(std::size_t store, const std::string& key, const std::string& value) {
    const Route route(1, 100, made(store));
    if (open_->items.append_by(route, key, 1, "publisher", value) == Appended::no) return;
    ++by_route_;
    expected_[store].append(key, value);
    expected_[store].truncate(expected_[store].keeps);
  }

  void compare() {
    for (std::size_t store = 0; store < stores; ++store) {
      const RowNumber number = open_->items.find_store(name_of(store));
      SCOPED_TRACE("store " + std::to_string(store));
      const Values& expected = expected_[store].items;
      if (number == 0) {
        ASSERT_TRUE(expected.empty());
        continue;
      }
      compare_items(number, expected, {}, 1 + random(20));
      Values reversed(expected.rbegin(), expected.rend());
      compare_items(number, reversed, {.reverse = true}, 1 + random(20));
      compare_part(number, expected);
      compare_key(number, store);
      if (chance(40)) compare_items(number, expected, {}, 10000);
      if (chance(40)) {
        ASSERT_EQ(open_->items.committed().count(number, {}), expected.size());
      }
    }
  }
  void compare_items(RowNumber number, Values expected, const ItemQuery& query, std::size_t limit) {
    Values found;
    for (const auto& item : open_->items.find(number, query, limit))
      found.emplace_back(item->key, item->value);
    if (expected.size() > limit) expected.resize(limit);
    ASSERT_EQ(found, expected);
  }
  // Of those after one of them.
  void compare_part(RowNumber number, const Values& expected) {
    if (expected.empty()) return;
    const std::size_t place = random(expected.size());
    const Item item = open_->items.find(number, expected[place].first);
    ASSERT_NE(item, nullptr) << expected[place].first;
    ASSERT_EQ(item->value, expected[place].second);
    const auto next = expected.begin() + static_cast<std::ptrdiff_t>(place);
    compare_items(number, Values(next + 1, expected.end()), {.after = item->position}, 1 + random(20));
    Values before(expected.begin(), next);
    std::reverse(before.begin(), before.end());
    compare_items(number, before, {.before = item->position, .reverse = true}, 1 + random(20));
  }
  void compare_key(RowNumber number, std::size_t store) {
    const std::string key = random_key();
    const Item item = open_->items.find(number, key);
    const auto expected = expected_[store].place(key);
    ASSERT_EQ(item != nullptr, expected != expected_[store].items.end()) << key;
    if (item != nullptr) {
      ASSERT_EQ(item->value, expected->second);
    }
  }

  std::minstd_rand random_{GetParam()};
  std::unique_ptr<OpenItems> open_;
  Expected expected_[stores];
  std::size_t last_value_ = 0;
  std::size_t by_route_ = 0;
};

TEST_P(ItemsAgainstModel, AreReadAsTheyWereWritten) {
  open_again();
  constexpr int steps = 400;
  for (int step = 0; step < steps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    if (chance(40)) open_again();
    if (!open_->store.is_started() && chance(20)) start();
    change();
    if (HasFatalFailure()) return;
    compare();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(by_route_, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ItemsAgainstModel, testing::Range(1U, 5U));

}  // namespace
}  // namespace pubsub_mqtt::store
