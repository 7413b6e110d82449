#include "serialized_text.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace pubsub_mqtt::lua {
namespace {

class SerializedTextTest : public ::testing::Test {
 protected:
  SerializedTextTest() { luaL_openlibs(L); }

  // What a Lua expression with `value` gives for that of the text; "not understood" where there is none.
  std::string read(std::string_view text, const std::string& expression) {
    if (!push_serialized(L, text)) return "not understood";
    lua_setglobal(L, "value");
    EXPECT_EQ(lua_gettop(L), 0);
    EXPECT_EQ(luaL_dostring(L, ("return tostring(" + expression + ")").c_str()), LUA_OK)
        << lua_tostring(L, -1);
    std::string result(lua_tostring(L, -1));
    lua_settop(L, 0);
    return result;
  }

  // The same as the compiler's.
  bool is_as_lua_reads(const std::string& text) {
    const std::string same = R"((function ()
      local function equal(a, b)
        if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b); end
        for key, each in pairs(a) do if not equal(each, b[key]) then return false; end end
        for key in pairs(b) do if a[key] == nil then return false; end end
        return true;
      end
      return equal(value, )" +
                             text + "); end)()";
    return read(text, same) == "true";
  }

  struct Close {
    void operator()(lua_State* state) const { lua_close(state); }
  };
  std::unique_ptr<lua_State, Close> owner_{luaL_newstate()};
  lua_State* const L = owner_.get();
};

TEST_F(SerializedTextTest, ReadsValues) {
  for (const char* text : {"\"\"", "\"text\"", "0", "-12", "21.5", "1e+300", "-0.10000000000000001", "true",
                           "false", R"("\a\b\f\n\r\t\v\\\"\'\000\127\255")", R"("a\010b")"}) {
    EXPECT_TRUE(is_as_lua_reads(text)) << text;
  }
}

TEST_F(SerializedTextTest, ReadsTables) {
  for (const char* text : {"{}", "{name=\"kitchen\";\n}", "{\"a\";\"b\";\n}",
                           "{1;2;[5]=3;key={max_items=20;persist_items=true;\n};\n}",
                           R"({["a b"]=1;["end"]={};[true]=false;[0.5]="half";
})",
                           "{true;false;\n}", "{truth=1;\n}"}) {
    EXPECT_TRUE(is_as_lua_reads(text)) << text;
  }
}

TEST_F(SerializedTextTest, ReadsAStringWithBytesOfAllKinds) {
  EXPECT_EQ(read(R"("\000\"")", "#value"), "2");
  EXPECT_EQ(read(std::string_view("\"a\0b\"", 5), "#value"), "3");
}

TEST_F(SerializedTextTest, LeavesToLuaWhatItDoesNotUnderstand) {
  for (const char* text :
       {"",     " ",      "nil",   "(1/0)",  "(0/0)",     "os.exit()", "{",         "{a=",   "{a=1",
        "{=1}", "{[]=1}", "{[1]}", "\"open", R"("\x41")", R"("\25")",  R"("\256")", R"("\)", "\"a\nb\"",
        "1 2",  "{} {}",  "-",     "e",      "1..2",      "{nil}",     "{a b}",     "<a/>"}) {
    EXPECT_EQ(read(text, "value"), "not understood") << text;
  }
}

TEST_F(SerializedTextTest, GoesNoDeeperThanProsodyDoes) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '{') + std::string(depth, '}'); };
  EXPECT_EQ(read(nested(127), "type(value)"), "table");
  EXPECT_EQ(read(nested(128), "value"), "not understood");
  EXPECT_EQ(read(nested(1'000'000), "value"), "not understood");
}

}  // namespace
}  // namespace pubsub_mqtt::lua
