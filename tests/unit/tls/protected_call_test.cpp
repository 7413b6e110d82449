#include "lua/protected_call.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <stdexcept>

namespace pubsub_mqtt::tests {
namespace {

using lua::pop_error;
using lua::protected_call;

class ProtectedCallTest : public testing::Test {
 protected:
  void SetUp() override { lua_pushliteral(L, "below"); }

  void TearDown() override {
    EXPECT_EQ(lua_gettop(L), 1);
    EXPECT_STREQ(lua_tostring(L, 1), "below");
  }

  std::unique_ptr<lua_State, decltype(&lua_close)> state{luaL_newstate(), lua_close};
  lua_State* L = state.get();
};

TEST_F(ProtectedCallTest, TakesArgumentsAndLeavesResults) {
  lua_pushinteger(L, 4);
  lua_pushinteger(L, 5);
  int arguments = 0;
  const int status = protected_call(L, 2, 2, [&](lua_State* inner) {
    arguments = lua_gettop(inner);
    lua_pushinteger(inner, lua_tointeger(inner, 1) + lua_tointeger(inner, 2));
    lua_pushinteger(inner, lua_tointeger(inner, 1) * lua_tointeger(inner, 2));
    return 2;
  });
  EXPECT_EQ(status, LUA_OK);
  EXPECT_EQ(arguments, 2);
  EXPECT_EQ(lua_tointeger(L, -2), 9);
  EXPECT_EQ(lua_tointeger(L, -1), 20);
  lua_pop(L, 2);
}

TEST_F(ProtectedCallTest, LuaErrorIsAStatus) {
  lua_pushinteger(L, 4);
  const int status =
      protected_call(L, 1, 3, [](lua_State* inner) -> int { return luaL_error(inner, "no %s", "luck"); });
  EXPECT_EQ(status, LUA_ERRRUN);
  EXPECT_EQ(pop_error(L), "no luck");
}

TEST_F(ProtectedCallTest, CxxExceptionIsALuaError) {
  EXPECT_EQ(protected_call(L, 0, 0, [](lua_State*) -> int { throw std::runtime_error("no luck"); }),
            LUA_ERRRUN);
  EXPECT_EQ(pop_error(L), "no luck");
  EXPECT_EQ(protected_call(L, 0, 0, [](lua_State*) -> int { throw 1; }), LUA_ERRRUN);
  EXPECT_EQ(pop_error(L), "unknown C++ exception");
}

TEST_F(ProtectedCallTest, LongExceptionTextIsCut) {
  EXPECT_EQ(
      protected_call(L, 0, 0, [](lua_State*) -> int { throw std::runtime_error(std::string(1000, 'x')); }),
      LUA_ERRRUN);
  EXPECT_EQ(pop_error(L), std::string(199, 'x'));
}

TEST_F(ProtectedCallTest, ErrorThatIsNoStringHasAText) {
  const int status = protected_call(L, 0, 0, [](lua_State* inner) -> int {
    lua_pushinteger(inner, 7);
    return lua_error(inner);
  });
  EXPECT_EQ(status, LUA_ERRRUN);
  EXPECT_EQ(pop_error(L), "the error is not a string");
}

TEST_F(ProtectedCallTest, BodyMayHoldWhatCannotBeCopied) {
  auto owned = std::make_unique<int>(3);
  auto body = [owned = std::move(owned)](lua_State*) mutable {
    ++*owned;
    return 0;
  };
  EXPECT_EQ(protected_call(L, 0, 0, body), LUA_OK);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
