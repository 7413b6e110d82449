#include "stanza.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "protected_call.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::lua {
namespace {

class StanzaTest : public ::testing::Test {
 protected:
  StanzaTest() {
    luaL_openlibs(L);
    EXPECT_EQ(luaL_dostring(L, "mt = { __name = 'stanza' }"), LUA_OK);
  }

  // Builds the stanza of some XML as the global `s`.
  void push(std::string_view xml) {
    auto parsed = payload::parse_element(xml);
    ASSERT_TRUE(std::holds_alternative<pugi::xml_document>(parsed))
        << std::get<payload::Refused>(parsed).reason;
    const auto element = std::get<pugi::xml_document>(parsed).document_element();
    auto body = [&](lua_State* state) {
      lua_getglobal(state, "mt");
      push_stanza(state, element, 1);
      lua_setglobal(state, "s");
      return 0;
    };
    ASSERT_EQ(protected_call(L, 0, 0, body), LUA_OK) << pop_error(L);
  }

  // The XML of the stanza that a Lua expression gives; "refused" where it cannot be read.
  std::string read(const std::string& expression) {
    EXPECT_EQ(luaL_dostring(L, ("return " + expression).c_str()), LUA_OK) << lua_tostring(L, -1);
    pugi::xml_document document;
    bool is_read = false;
    auto body = [&](lua_State* state) {
      is_read = read_stanza(state, 1, document);
      EXPECT_EQ(lua_gettop(state), 1);
      return 0;
    };
    EXPECT_EQ(protected_call(L, 1, 0, body), LUA_OK) << pop_error(L);
    return is_read ? payload::serialize(document.document_element()) : "refused";
  }

  bool holds(const std::string& condition) {
    EXPECT_EQ(luaL_dostring(L, ("return " + condition).c_str()), LUA_OK) << lua_tostring(L, -1);
    const bool result = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return result;
  }

  struct Close {
    void operator()(lua_State* state) const { lua_close(state); }
  };
  std::unique_ptr<lua_State, Close> owner_{luaL_newstate()};
  lua_State* L = owner_.get();
};

TEST_F(StanzaTest, HasTheFormOfUtilStanza) {
  push("<a xmlns='urn:a' k='v'>one<b/>two<c xmlns='urn:c'>three</c></a>");
  EXPECT_TRUE(
      holds("getmetatable(s) == mt and s.name == 'a' and s.attr.xmlns == 'urn:a' and s.attr.k == 'v'"));
  EXPECT_TRUE(holds("#s == 4 and s[1] == 'one' and s[3] == 'two'"));
  EXPECT_TRUE(holds("#s.tags == 2 and s.tags[1] == s[2] and s.tags[2] == s[4]"));
  EXPECT_TRUE(
      holds("getmetatable(s[2]) == mt and s[2].attr.xmlns == 'urn:a' and #s[2] == 0 and #s[2].tags == 0"));
  EXPECT_TRUE(holds("s[4].attr.xmlns == 'urn:c' and s[4][1] == 'three'"));
}

TEST_F(StanzaTest, NamespacedAttributesHaveProsodysKeys) {
  push("<a xmlns='urn:a' xmlns:p='urn:p' p:k='v' xml:lang='de'/>");
  EXPECT_TRUE(holds("s.attr['urn:p\\1k'] == 'v' and s.attr['xml:lang'] == 'de'"));
  EXPECT_TRUE(
      holds("(function () local n = 0; for _ in pairs(s.attr) do n = n + 1 end; return n end)() == 3"));
}

// In time that grows with their number: Prosody waits meanwhile. With the square of it, this would not end
// before ctest's patience does.
TEST_F(StanzaTest, NamespacedAttributesMayBeMany) {
  std::string xml = "<a xmlns='urn:a' xmlns:p='urn:p'";
  for (int i = 0; i < 200000; ++i) xml += " p:k" + std::to_string(i) + "=''";
  xml += "/>";
  push(xml);
  EXPECT_TRUE(holds("s.attr['urn:p\\1k199999'] == ''"));
}

TEST_F(StanzaTest, RoundTrip) {
  for (const std::string xml :
       {"<a xmlns='urn:a'/>",
        "<a xmlns='urn:a'>&lt;&amp;\xC3\xA4\n<b>x</b> <c xmlns='urn:c' k='&quot;'/></a>",
        "<a xmlns='urn:a' xmlns:ns1='urn:p' ns1:k='v'/>"}) {
    push(xml);
    const std::string once = read("s");
    push(once);
    EXPECT_EQ(read("s"), once);
    EXPECT_NE(once, "refused");
  }
}

TEST_F(StanzaTest, ChildrenInheritTheirNamespace) {
  EXPECT_EQ(
      read("{ name = 'a', attr = { xmlns = 'urn:a' }, tags = {}, { name = 'b', attr = {}, tags = {} } }"),
      "<a xmlns='urn:a'><b/></a>");
}

TEST_F(StanzaTest, WhatXmlCannotCarryIsRefused) {
  EXPECT_EQ(read("{ name = 'a', attr = { xmlns = 'urn:a' }, tags = {}, '\\u{FFFE}' }"), "refused");
  EXPECT_EQ(read("{ name = 'a', attr = { xmlns = 'urn:a', k = '\\20' }, tags = {} }"), "refused");
  EXPECT_EQ(read("{ name = 'a', attr = { xmlns = 'urn:a', k = 7 }, tags = {} }"), "refused");
  EXPECT_EQ(read("{ name = 'a', attr = { xmlns = 'urn:a' }, tags = {}, true }"), "refused");
  EXPECT_EQ(read("{ name = 'a' }"), "refused");
  EXPECT_EQ(read("{}"), "refused");
  EXPECT_EQ(read("7"), "refused");
}

TEST_F(StanzaTest, DepthIsLimited) {
  const std::string nest =
      "(function (n) local s = { name = 'a', attr = { xmlns = 'urn:a' }, tags = {} }; "
      "for _ = 2, n do s = { name = 'a', attr = { xmlns = 'urn:a' }, tags = {}, s } end; return s end)";
  EXPECT_NE(read(nest + "(" + std::to_string(payload::max_xml_depth) + ")"), "refused");
  EXPECT_EQ(read(nest + "(" + std::to_string(payload::max_xml_depth + 1) + ")"), "refused");
}

TEST_F(StanzaTest, ALongNamespaceOnManyElementsIsRefused) {
  const std::string many =
      "(function (n) local s = { name = 'a', attr = { xmlns = ('u'):rep(100000) }, tags = {} }; "
      "for i = 1, n do s[i] = { name = 'b', attr = {}, tags = {} } end; return s end)";
  EXPECT_NE(read(many + "(5)"), "refused");
  EXPECT_EQ(read(many + "(20000)"), "refused");
}

}  // namespace
}  // namespace pubsub_mqtt::lua
