// What is removed gives its space back to the file system, while the store is in use.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pubsub_mqtt/store/items.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

class SpaceTest : public StoreTest {
 protected:
  SpaceTest() : store(settings()) {
    EXPECT_TRUE(store.open_for_items(Access::alone));
    items.emplace(store, Access::alone);
    store.start(nullptr);
  }
  ~SpaceTest() override { store.stop(patience); }

  static StoreName name(const char* of_node) {
    return {.host = "host", .kind = StoreKind::archive, .name = of_node, .user = {}};
  }
  void append(RowNumber number, int key) {
    items->append(number, std::to_string(key), 1, std::nullopt, std::string(1000, 'x'));
  }
  // Of a store with so many items.
  RowNumber fill(const char* of_node, int count) {
    const RowNumber number = items->find_or_make_store(name(of_node));
    for (int i = 0; i < count; ++i) append(number, i);
    EXPECT_EQ(items->committed().count(number, {}), static_cast<std::size_t>(count));
    return number;
  }

  Store store;
  std::optional<Items> items;
};

// There is never nothing to do: what is removed and given back a little at a time goes along with what others write.
TEST_F(SpaceTest, OfADroppedStoreIsGivenBackWhileOthersWrite) {
  constexpr int many = 15'000;
  fill("stays", many);
  fill("goes", many);
  const RowNumber busy = fill("busy", 1);
  const auto size_of_both = std::filesystem::file_size(path());
  items->drop_store(name("goes"));
  const auto until = std::chrono::steady_clock::now() + patience;
  const auto is_given_back = [&] { return std::filesystem::file_size(path()) < size_of_both / 4 * 3; };
  for (int i = 0; !is_given_back() && std::chrono::steady_clock::now() < until; ++i) {
    append(busy, i);
    items->truncate(busy, 20);
  }
  EXPECT_TRUE(is_given_back()) << std::filesystem::file_size(path()) << " bytes of " << size_of_both;
  EXPECT_EQ(items->committed().count(items->find_store(name("stays")), {}), static_cast<std::size_t>(many));
}

// As prosodyctl is beside a server: the reserve is the server's.
TEST_F(StoreTest, WantsNoReserveOfItsOwnBesideAServer) {
  Store beside(settings());
  ASSERT_TRUE(beside.open_for_items(Access::beside));
  ASSERT_TRUE(beside.start(nullptr));
  beside.stop(patience);
  std::vector<LogLine> lines;
  beside.take_log(lines);
  EXPECT_TRUE(lines.empty()) << lines.front().text;
}

}  // namespace
}  // namespace pubsub_mqtt::store
