#include "storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "archive_methods.h"
#include "handle.h"

namespace pubsub_mqtt::lua {
namespace {

struct Directory {
  Directory() {
    std::string name = std::filesystem::temp_directory_path() / "storage-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

// The store is the process's, and goes with it.
std::string store_path() {
  static const Directory directory;
  return directory.path / "store.sqlite";
}

class StorageTest : public ::testing::Test {
 protected:
  StorageTest() {
    luaL_openlibs(L);
    push_open_store(L);
    lua_setglobal(L, "open_store");
    run("store = assert(open_store('" + store_path() + "', 'process', false)); return ''");
  }

  std::string run(const std::string& chunk) {
    const bool is_run = luaL_dostring(L, chunk.c_str()) == LUA_OK;
    const char* const text = lua_tostring(L, -1);
    std::string result = text == nullptr ? "no string" : text;
    EXPECT_TRUE(is_run) << result;
    lua_settop(L, 0);
    return result;
  }

  struct Close {
    void operator()(lua_State* state) const { lua_close(state); }
  };
  std::unique_ptr<lua_State, Close> owner_{luaL_newstate()};
  lua_State* const L = owner_.get();
};

// A value may be damaged and yet be one: what has no key of its own is in a table.
TEST_F(StorageTest, LoadsNoFieldsOfWhatIsNoTable) {
  EXPECT_EQ(run(R"(
    local handle = store:open("h", "s", "keyval");
    local function load(of_no_key)
      assert(handle:set_all("user", { [""] = of_no_key; name = "1" }));
      local data, err = handle:load("user", function () return 1; end);
      return data and tostring(data[2])..tostring(data.name) or err;
    end
    return table.concat({ load('{[2]=true;}'), load('"text"'), load('12'), load('(1/0)') }, ", ");
  )"),
            "true1, damaged value, damaged value, damaged value");
}

// What was asked for and is not on disk is no success (prosodyctl's import).
TEST_F(StorageTest, SaysWhetherAllWasCommittedBeforeItStopped) {
  run("assert(store:start()); other = store:open('h', 'stopped', 'keyval'); return ''");
  EXPECT_EQ(run("assert(other:put(nil, 'first', '1')); return tostring(store:stop(60))"), "true");
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(store_path().c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(run("assert(store:start() and other:put(nil, 'second', '2')); return tostring(store:stop(0.1))"),
            "false");
  sqlite3_close(database);
  EXPECT_EQ(run("store:start(); return tostring(store:stop(60))"), "true");
}

// Where the store cannot be read a handle does not take another user's items for those that are asked for.
TEST(HandleTest, HasNoNumberOfAnotherUserWhereTheStoreCannotBeRead) {
  const Directory directory;
  const auto file = directory.path / "of_handle.sqlite";
  store::Store of_handle({.path = file, .durability = store::Durability::process});
  ASSERT_TRUE(of_handle.open_for_items(store::Access::alone));
  store::Items items(of_handle, store::Access::alone);
  Handle handle{.items = &items,
                .name = {.host = "h", .kind = store::StoreKind::archive, .name = "s", .user = {}}};
  EXPECT_NE(handle.find_or_make("juliet"), 0U);
  items.close_before_fork();
  std::filesystem::rename(file, directory.path / "elsewhere");
  std::filesystem::create_directory(file);
  for (const char* again : {"once", "again"}) {
    EXPECT_THROW(handle.find("romeo"), store::ItemsError) << again;
  }
}

// As by prosodyctl beside a server.
TEST(HandleTest, FindsTheStoreThatAnotherProcessHasMadeInPlaceOfOne) {
  const Directory directory;
  const store::Settings settings{.path = directory.path / "of_handle.sqlite"};
  store::Store here(settings);
  store::Store there(settings);
  ASSERT_TRUE(here.open_for_items(store::Access::alone));
  store::Items items(here, store::Access::alone);
  Handle handle{.items = &items,
                .name = {.host = "h", .kind = store::StoreKind::keyval, .name = "accounts", .user = {}}};
  ASSERT_TRUE(here.start(nullptr));
  const auto put = [&](std::string_view key) {
    items.append(handle.find_again_or_make("juliet"), key, 1, std::nullopt, "here");
    items.committed();
  };
  put("first");
  ASSERT_TRUE(there.open_for_items(store::Access::beside));
  store::Items others(there, store::Access::beside);
  others.drop_store(handle.name);
  others.append(others.find_or_make_store(handle.name), "password", 1, std::nullopt, "there");
  ASSERT_NE(handle.find_item("juliet", "password"), nullptr);
  others.drop_store(handle.name);
  others.append(others.find_or_make_store(handle.name), "password", 1, std::nullopt, "there");
  put("void");
  put("second");
  EXPECT_NE(handle.find_item("juliet", "second"), nullptr);
  EXPECT_NE(handle.find_item("juliet", "password"), nullptr);
  here.stop(std::chrono::seconds(10));
}

// What pubsub does for each item; what is returned by the general functions here is seen as such.
class ArchiveMethodsTest : public StorageTest {
 protected:
  ArchiveMethodsTest() {
    push_archive_methods(L);
    lua_setglobal(L, "archive_methods");
    run("name = '" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
        R"(';
      stanza_mt = {};
      function stanza(text)
        return setmetatable({ name = "data", attr = { xmlns = "urn:x" }, text }, stanza_mt);
      end
      local function in_general(name)
        return function (...) return name, select("#", ...), ...; end
      end
      append, delete = archive_methods(stanza_mt, in_general("append"), in_general("delete"), function (err)
        return nil, "failed: "..err;
      end);
      handle = store:open("h", name, "archive");
      archive = { handle = handle };
      function found()
        local values = {};
        for _, item in ipairs(handle:find(nil, {}, 100)) do
          table.insert(values, ("%s %s %s %s"):format(item.key, item.value, item.at, item.with));
        end
        return table.concat(values, ", ");
      end
      return "";
    )");
  }
};

TEST_F(ArchiveMethodsTest, AppendAStanza) {
  EXPECT_EQ(run(R"(return append(archive, nil, "a", stanza("<1"), 1.5, "juliet"))"), "a");
  EXPECT_EQ(run(R"(return append(archive, nil, "b", stanza(), 2))"), "b");
  EXPECT_EQ(run("return found()"),
            "a <data xmlns='urn:x'>&lt;1</data> 1.5 juliet, b <data xmlns='urn:x'/> 2 nil");
  EXPECT_EQ(run(R"(
    append(archive, "user", "a", stanza("of a user"), 1);
    return (handle:get("user", "a"))
  )"),
            "<data xmlns='urn:x'>of a user</data>");
}

TEST_F(ArchiveMethodsTest, RemoveAllButTheLast) {
  EXPECT_EQ(run(R"(
    for i = 1, 5 do append(archive, nil, "item"..i, stanza(), i); end
    return table.concat({ delete(archive, nil, { truncate = 2 }), delete(archive, nil, { truncate = 2 }),
      delete(archive, "nobody", { truncate = 2 }) }, " ")..": "..found()
  )"),
            "3 0 0: item4 <data xmlns='urn:x'/> 4 nil, item5 <data xmlns='urn:x'/> 5 nil");
}

TEST_F(ArchiveMethodsTest, LeaveAllElseToTheGeneralFunctionsWithTheSameArguments) {
  for (const char* arguments :
       {"{}, nil, 'a', stanza(), 1", "{ handle = io.stdout }, nil, 'a', stanza(), 1",
        "nil, nil, 'a', stanza(), 1", "{ handle = 'handle' }, nil, 'a', stanza(), 1",
        "archive, true, 'a', stanza(), 1", "archive, nil, nil, stanza(), 1", "archive, nil, 1, stanza(), 1",
        "archive, nil, 'a', 'text', 1", "archive, nil, 'a', { name = 'data', attr = {} }, 1",
        "archive, nil, 'a', stanza({}), 1", "archive, nil, 'a', stanza(), nil",
        "archive, nil, 'a', stanza(), '1'", "archive, nil, 'a', stanza(), 1, 2"}) {
    EXPECT_EQ(run("local function check(...) local results = { append(...) }; "
                  "assert(results[1] == 'append' and results[2] == select('#', ...)); "
                  "for i = 1, select('#', ...) do assert(results[i + 2] == (select(i, ...))); end "
                  "return 'general' end return check(" +
                  std::string(arguments) + ")"),
              "general")
        << arguments;
  }
  for (const char* arguments :
       {"{}, nil, { truncate = 1 }", "archive, true, { truncate = 1 }", "archive, nil", "archive, nil, {}",
        "archive, nil, { truncate = 1.5 }", "archive, nil, { truncate = '1' }",
        "archive, nil, { truncate = -1 }", "archive, nil, { truncate = 1, key = 'a' }",
        "archive, nil, { key = 'a' }", "archive, nil, 'truncate'"}) {
    EXPECT_EQ(run("return (delete(" + std::string(arguments) + "))"), "delete") << arguments;
  }
  EXPECT_EQ(run("return found()"), "");
}

TEST_F(ArchiveMethodsTest, SayWhyTheStoreCannotBeWritten) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(store_path().c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "DROP TABLE prosody_store", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  EXPECT_THAT(run(R"(
    local key, why = append(archive, nil, "a", stanza(), 1);
    return tostring(key).." "..why
  )"),
              ::testing::StartsWith("nil failed: "));
}

}  // namespace
}  // namespace pubsub_mqtt::lua
