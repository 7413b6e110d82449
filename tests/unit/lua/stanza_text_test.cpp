#include "stanza_text.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace pubsub_mqtt::lua {
namespace {

class StanzaTextTest : public ::testing::Test {
 protected:
  StanzaTextTest() {
    luaL_openlibs(L);
    push_stanza_text(L);
    lua_setglobal(L, "stanza_text");
  }

  // Of the table that a Lua expression gives.
  std::string text(const std::string& expression) {
    EXPECT_EQ(luaL_dostring(L, ("return tostring((stanza_text(" + expression + ")))").c_str()), LUA_OK)
        << lua_tostring(L, -1);
    return lua_tostring(L, -1);
  }

  struct Close {
    void operator()(lua_State* state) const { lua_close(state); }
  };
  std::unique_ptr<lua_State, Close> owner_{luaL_newstate()};
  lua_State* const L = owner_.get();
};

TEST_F(StanzaTextTest, HasElementsAndTextInTheirOrder) {
  EXPECT_EQ(
      text("{ name = 'a', attr = { xmlns = 'urn:a' }, 'one', { name = 'b', attr = {}, 'two' }, 'three' }"),
      "<a xmlns='urn:a'>one<b>two</b>three</a>");
  EXPECT_EQ(text("{ name = 'a', attr = {} }"), "<a/>");
}

TEST_F(StanzaTextTest, NamesANamespaceWhereItIsAnother) {
  EXPECT_EQ(text("{ name = 'a', attr = { xmlns = 'urn:a' }, { name = 'b', attr = { xmlns = 'urn:a' } }, "
                 "{ name = 'c', attr = { xmlns = 'urn:c' } } }"),
            "<a xmlns='urn:a'><b/><c xmlns='urn:c'/></a>");
  EXPECT_EQ(text("{ name = 'a', attr = { xmlns = 'urn:a' }, { name = 'b', attr = {}, "
                 "{ name = 'c', attr = { xmlns = '' } }, { name = 'd', attr = { xmlns = 'urn:a' } } } }"),
            "<a xmlns='urn:a'><b><c xmlns=''/><d/></b></a>");
}

TEST_F(StanzaTextTest, GivesAttributesOfOtherNamespacesAPrefix) {
  EXPECT_EQ(text(R"({ name = 'a', attr = { ['urn:b\1c'] = 'd' } })"), "<a xmlns:ns1='urn:b' ns1:c='d'/>");
}

TEST_F(StanzaTextTest, EscapesWhatAParserWouldReadOtherwise) {
  EXPECT_EQ(text(R"({ name = 'a', attr = { b = '<&>\'"\t\n\r' }, '<&>\'"\t\n\r' })"),
            "<a b='&lt;&amp;&gt;&apos;&quot;&#9;&#10;&#13;'>&lt;&amp;&gt;&apos;&quot;\t\n&#13;</a>");
}

TEST_F(StanzaTextTest, LeavesToProsodyWhatIsNotAsItsStanzasAre) {
  for (const char* other :
       {"'text'", "nil", "{}", "{ name = 'a' }", "{ name = 'a', attr = {}, 1 }",
        "{ name = 'a', attr = { b = 1 } }", "{ name = 'a', attr = {}, { attr = {} } }",
        R"({ name = 'a', attr = {}, '\1' })", R"({ name = 'a', attr = { b = '\255' } })"}) {
    EXPECT_EQ(text(other), "nil") << other;
  }
  const std::string deep =
      "(function () local s = { name = 'a', attr = {} }; "
      "for _ = 1, 100 do s = { name = 'a', attr = {}, s } end; return s end)()";
  EXPECT_EQ(text(deep), "nil");
}

}  // namespace
}  // namespace pubsub_mqtt::lua
