// mod_storage_pubsub_mqtt as Prosody's modules call it: what Lua gets back, also for what it should not have asked for.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <set>
#include <string>

#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

class StorageCalls : public testing::Test {
 protected:
  void SetUp() override { prosody.start({.virtual_host = R"(storage = "pubsub_mqtt")"}); }

  // What a chunk of Lua returns, on one line. It has `open`, of a store of localhost's; `stanza`, of a text; `keys` of
  // what find() returned.
  std::string run(const std::string& chunk) {
    static const std::string prelude = R"(
      local st = require "util.stanza";
      local driver = require "core.storagemanager".load_driver("localhost", "pubsub_mqtt");
      local function open(typ) return driver:open("calls", typ); end
      local function stanza(text) return st.stanza("data", { xmlns = "urn:x" }):text(text); end
      local function keys(items, err)
        if not items then return "error: "..err; end
        local all = {};
        for key in items do table.insert(all, key); end
        return table.concat(all, " ");
      end)";
    std::string line = ">(function () " + prelude + chunk + " end)()";
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::string answer = prosody.shell(line);
    const std::string before = "Result: ";
    const auto begin = answer.find(before);
    if (begin == std::string::npos) return answer;
    answer.erase(0, begin + before.size());
    answer.erase(answer.find_last_not_of('\n') + 1);
    return answer;
  }

  // Who has a store of that name, when Prosody was stopped.
  std::set<std::string> users_in_the_store() const {
    sqlite3* store = nullptr;
    EXPECT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
    std::set<std::string> users;
    const auto add = [](void* into, int, char** values, char**) {
      static_cast<std::set<std::string>*>(into)->insert(values[0]);
      return 0;
    };
    const char* query = "SELECT user FROM prosody_store WHERE name = 'calls'";
    EXPECT_EQ(sqlite3_exec(store, query, add, &users, nullptr), SQLITE_OK);
    sqlite3_close(store);
    return users;
  }

  Prosody prosody;
};

// One that SQLite would not take, and with it nothing that comes later, of whomever.
TEST_F(StorageCalls, RefuseATimeThatIsNoNumber) {
  EXPECT_EQ(run(R"(
    local items = open("archive");
    local first, why = items:append("user", "first", stanza("a"), 0/0);
    local second, why_not = items:append("user", "second", { 1 }, 0/0);
    assert(items:append("user", "third", stanza("a"), 1));
    local set, why_not_set = items:set("user", "third", stanza("b"), 0/0);
    for user in items:users() do user = user; end
    return table.concat({ tostring(first), why, tostring(second), why_not, tostring(set), why_not_set,
                          keys(items:find("user", { ["end"] = 0/0 })), keys(items:find("user")) }, "\n"); )"),
            "nil\nThe time of an item is not a number\nnil\nThe time of an item is not a number\nnil\n"
            "The time of an item is not a number\nerror: The end of a query is not a number\nthird");
}

constexpr const char* many_items = R"(
    local items = open("archive");
    local ids = {};
    for i = 1, 120 do
      ids[i] = assert(items:append("user", "id"..i, stanza("a"), i, i <= 60 and "few" or nil));
    end
    local function count(query, user)
      local count = 0;
      for _ in items:find(user or "user", query) do count = count + 1; end
      return count;
    end )";

TEST_F(StorageCalls, FindAllItemsOfALongListOfIds) {
  EXPECT_EQ(run(std::string(many_items) + R"(
    return table.concat({ count { ids = ids }, count { ids = ids, reverse = true, limit = 70 },
      count { ids = ids, with = "few" }, items:delete("user", { ids = ids }), count {} }, " "); )"),
            "120 70 60 120 0");
}

// Publishers go past Prosody's thread while it reads: an item that one puts again would be missed, and with it `current`.
TEST_F(StorageCalls, FindTheItemsOfANodeAsTheyAreAtOneMoment) {
  EXPECT_EQ(run(std::string(many_items) + R"(
    local found, is_first = 0, true;
    for _ in items:find("user", { reverse = true, limit = 120 }) do
      found = found + 1;
      if is_first then items:append("user", "id1", stanza("again"), 200); end
      is_first = false;
    end
    return found; )"),
            "120");
}

// As Prosody's other drivers do.
TEST_F(StorageCalls, TakeALimitThatIsNoneForNone) {
  EXPECT_EQ(run(std::string(many_items) + R"(
    return table.concat({ count { limit = -1 }, count { limit = math.huge }, count { limit = 2.5 }, count { limit = 0 },
      items:delete("user", { truncate = math.huge }), items:delete("user", { truncate = 99.5 }), count {},
      items:delete("user", { truncate = math.huge, with = "few" }),
      items:delete("user", { truncate = -1, with = "few" }), items:delete("user", { truncate = -1 }) }, " "); )"),
            "120 120 2 0 0 21 99 0 39 60");
}

TEST_F(StorageCalls, SayThatThereIsNoItemToBeginAtWhereverItIsAskedFor) {
  EXPECT_EQ(run(std::string(many_items) + R"(
    return table.concat({ keys(items:find("user", { before = "none", limit = 0 })),
      keys(items:find("user", { after = "none", ids = {} })), count { after = "id1", limit = 0 } }, ", "); )"),
            "error: item-not-found, error: item-not-found, 0");
}

// Nobody means all of them who asks for the wrong thing.
TEST_F(StorageCalls, RemoveNothingForAQueryThatIsNotUnderstood) {
  EXPECT_EQ(run(std::string(many_items) + R"(
    local removed = {};
    for _, query in ipairs { { key = 5 }, { key = {} }, { with = 5 }, { with = true }, { ids = { 5 } }, { ids = { {} } },
        { ids = "id1" }, { start = "now" }, { start = {} }, { ["end"] = "now" }, { before = "none" } } do
      table.insert(removed, tostring(items:delete("user", query)));
    end
    return table.concat(removed, " ").." "..count {}; )"),
            "0 nil 0 nil 0 nil nil nil nil nil nil 120");
}

TEST_F(StorageCalls, KeepTheValueOfAnItemWhereNoneIsGiven) {
  EXPECT_EQ(run(R"(
    local items = open("archive");
    local none, why = items:append("user", "key", nil, 1);
    assert(items:append("user", "key", stanza("text"), 1, "with"));
    assert(items:set("user", "key", nil, 2));
    local value, at, with = items:get("user", "key");
    return table.concat({ tostring(none), why, tostring(value), at, with }, "\n"); )"),
            "nil\nthere is no value\n<data xmlns='urn:x'>text</data>\n2\nwith");
}

// It is said at once, and not when the item is gone.
TEST_F(StorageCalls, RefuseAStanzaThatIsNoXml) {
  EXPECT_EQ(run(R"(
    local items = open("archive");
    local refused = 0;
    for _, text in ipairs { "\0", "\1", "\255", "\239\191\190" } do
      local data = stanza("");
      data[1] = text;
      if not items:append("user", "text", data, 1) then refused = refused + 1; end
      data = stanza("");
      data.attr.name = text;
      if not items:append("user", "attribute", data, 1) then refused = refused + 1; end
    end
    local cycle = stanza("");
    cycle[1] = cycle;
    return refused.." "..tostring(items:append("user", "cycle", cycle, 1)).." "..keys(items:find("user")); )"),
            "8 nil ");
}

TEST_F(StorageCalls, KeepThatAnElementHasNoNamespace) {
  EXPECT_EQ(run(R"(
    local items = open("archive");
    local data = st.stanza("a", { xmlns = "urn:a" }):tag("b", { xmlns = "" }):tag("c"):up():up()
      :text_tag("d", "<b xmlns=''/>"):tag("e", { xmlns = "urn:e" }):reset();
    items:append("user", "key", data, 1);
    local read = items:get("user", "key");
    return table.concat({ read.tags[1].attr.xmlns, read.tags[2].attr.xmlns, read.tags[3].attr.xmlns,
      read:get_child_text("d") }, "|"); )"),
            "|urn:a|urn:e|<b xmlns=''/>");
}

TEST_F(StorageCalls, SetAllKeysOrNone) {
  EXPECT_EQ(run(R"(
    local map = open("map");
    local function set_with(key, value)
      local data = { [key] = value };
      for i = 1, 20 do data["key"..i] = i; end
      return tostring(map:set_keys("user", data));
    end
    assert(map:set_keys("user", { a = 1, b = 2, [1] = "one", [2] = "two" }));
    local set, set_other = set_with("b", print), set_with(1, print);
    assert(map:set_keys("user", { a = map.remove, d = false, [1] = map.remove, [3] = "three" }));
    assert(map:set("user", "e", 1) and map:set("user", "e", nil) and map:set("user", 2, map.remove));
    local left = {};
    for key, value in pairs(open("keyval"):get("user")) do table.insert(left, tostring(key).."="..tostring(value)); end
    table.sort(left);
    return set.." "..set_other.." "..table.concat(left, " "); )"),
            "nil nil 3=three b=2 d=false");
}

TEST_F(StorageCalls, SumUpWhatIsNoStanza) {
  EXPECT_EQ(run(R"(
    local items = open("archive");
    items:append("user", "a", { body = "b" }, 1, "with");
    items:append("user", "b", st.message({}, "text"), 2, "with");
    items:append("user", "c", { body = "b" }, 3, "with");
    local summary = items:summary("user");
    return table.concat({ summary.counts.with, summary.earliest.with, summary.latest.with, summary.body.with }, " "); )"),
            "3 1 3 text");
}

// Nor the name of an account in a store that has become empty.
TEST_F(StorageCalls, LeaveNothingOfWhoIsPurged) {
  EXPECT_EQ(run(R"(
    local items, map = open("archive"), open("map");
    items:append("deleted", "key", stanza("a"), 1);
    items:delete("deleted", { key = "key" });
    map:set("deleted", "key", 1);
    map:set("deleted", "key", nil);
    items:append("kept", "key", stanza("a"), 1);
    return tostring(driver:purge("deleted")); )"),
            "true");
  prosody.stop();
  EXPECT_EQ(users_in_the_store(), (std::set<std::string>{"kept"}));
}

TEST_F(StorageCalls, PurgeTheHostOfItsOwn) {
  EXPECT_EQ(run(R"(
    local table_of = open("keyval");
    table_of:set(nil, { owner = "host" });
    table_of:set("user", { owner = "user" });
    open("archive"):append(nil, "key", stanza("a"), 1);
    assert(driver:purge(nil));
    return tostring(table_of:get(nil)).." "..table_of:get("user").owner.." "..keys(open("archive"):find(nil)); )"),
            "nil user ");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
