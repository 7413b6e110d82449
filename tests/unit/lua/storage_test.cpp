#include "storage.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace pubsub_mqtt::lua {
namespace {

// The store is the process's, and goes with it.
class StorageTest : public ::testing::Test {
 protected:
  StorageTest() {
    luaL_openlibs(L);
    std::string name = std::filesystem::temp_directory_path() / "storage-XXXXXX";
    directory_ = mkdtemp(name.data());
    push_open_store(L);
    lua_setglobal(L, "open_store");
    run("store = assert(open_store('" + (directory_ / "store.sqlite").string() +
        "', 'process', false)); return ''");
  }
  ~StorageTest() override { std::filesystem::remove_all(directory_); }

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

 private:
  std::filesystem::path directory_;
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

}  // namespace
}  // namespace pubsub_mqtt::lua
