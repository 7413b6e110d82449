#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pubsub_mqtt/payload/xml_text.h"
#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

// XML 1.0, 2.2: Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]
bool is_char(char32_t c) {
  return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
         (c >= 0x10000 && c <= 0x10FFFF);
}

TEST(XmlCharacters, AreExactlyTheProductionChar) {
  for (char32_t c = 0; c < 0x120000; ++c) {
    ASSERT_EQ(is_xml_text("a" + utf8(c) + "b"), is_char(c)) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(XmlCharacters, MayBeNone) { EXPECT_TRUE(is_xml_text("")); }

TEST(XmlCharacters, AreCompleteAtTheEnd) {
  for (const char32_t c : {U'\u07FF', U'\uFFFD', U'\U0010FFFF'}) {
    const std::string bytes = utf8(c);
    EXPECT_TRUE(is_xml_text("a" + bytes));
    for (std::size_t length = 1; length < bytes.size(); ++length) {
      EXPECT_FALSE(is_xml_text("a" + bytes.substr(0, length))) << bytes.size() << " cut to " << length;
      EXPECT_FALSE(is_xml_text(bytes.substr(0, length) + "aaa")) << bytes.size() << " cut to " << length;
    }
  }
}

TEST(XmlCharacters, AreWellFormedUtf8) {
  const std::vector<std::string> malformed{
      "\x80",              // a tail without a lead
      "\xBF",              //
      "\xC0\x80",          // U+0000, overlong
      "\xC1\xBF",          // U+007F, overlong
      "\xE0\x80\x80",      // U+0000, overlong
      "\xE0\x9F\xBF",      // U+07FF, overlong
      "\xED\xA0\x80",      // U+D800, a surrogate
      "\xED\xBF\xBF",      // U+DFFF, a surrogate
      "\xF0\x80\x80\x80",  // U+0000, overlong
      "\xF0\x8F\xBF\xBF",  // U+FFFF, overlong
      "\xF4\x90\x80\x80",  // U+110000
      "\xF5\x80\x80\x80",  // above any
      "\xF8\x88\x80\x80\x80",
      "\xFE",
      "\xFF",
      "\xC3\x28",          // a wrong second byte
      "\xE2\x28\xA1",      //
      "\xE2\x82\x28",      // a wrong third one
      "\xF0\x90\x28\xBC",  //
      "\xF0\x90\x8C\x28",  // a wrong fourth one
      "caf\xE9",           // Latin 1
  };
  for (const std::string& bytes : malformed) {
    EXPECT_FALSE(is_xml_text(bytes)) << testing::PrintToString(bytes);
    EXPECT_FALSE(is_xml_text("aaaaaaaa" + bytes + "aaaaaaaa")) << testing::PrintToString(bytes);
  }
}

TEST(XmlCharacters, DoNotEndAtANul) { EXPECT_FALSE(is_xml_text(std::string_view("a\0b", 3))); }

}  // namespace
}  // namespace pubsub_mqtt::payload
