#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

constexpr std::string_view not_json = "refused: the payload is not one valid JSON value";

std::string in_element(std::string_view escaped_text) {
  return "<json xmlns='urn:xmpp:json:0'>" + std::string(escaped_text) + "</json>";
}

TEST(Json, BecomesTheElementOfXep0335) {
  EXPECT_EQ(as_text(element_of(Type::json, "[1]")), in_element("[1]"));
  EXPECT_EQ(as_text(element_of(Type::json, R"({"t":"<&>"})")),
            in_element("{&quot;t&quot;:&quot;&lt;&amp;&gt;&quot;}"));
}

std::vector<std::string> valid_json() {
  return {
      "0",
      "-0",
      "1",
      "-1.5",
      "123.456e78",
      "1E5",
      "1e+5",
      "1e-5",
      "0e1",
      "0.0000000000000000000000000000000000000000000000000001",
      "true",
      "false",
      "null",
      R"("")",
      R"("a")",
      "[]",
      "{}",
      "[[],{},[[]]]",
      R"({"a":1,"a":2})",
      R"({"":0})",
      R"({"a":{"b":[1,2,{"c":null}]}})",
      " \t\r\n [ \n1\r\n,\t2 ] \r\n\t ",
      "\n1",
      "1\n",
      R"("\"\\\/\b\f\n\r\t")",
      R"("A\u00e9\u20AC\uFFFE\u0000\u001f")",
      R"("\uD83D\uDE00")",
      "\"\x7F\"",
      "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"",
      "\"\xEF\xBB\xBF\"",      // U+FEFF inside a string is a character like any other
      "\"\xE2\x80\xA8\"",      // U+2028
      "\"\xF0\x9F\xBF\xBE\"",  // U+1FFFE: no character, but one that XML carries
      R"({"<":"&amp;","]]>":"'"})",
  };
}

TEST(Json, IsCarriedByteForByte) {
  for (const std::string& json : valid_json()) {
    EXPECT_EQ(carried(Type::json, Type::json, json), json);
  }
}

TEST(Json, HoldsNumbersThatADoubleCannot) {
  std::vector<std::string> numbers{"1e999", "-1E+999", "1e-999"};
  const std::string many(1000, '7');
  const std::string zeros(1000, '0');
  for (const char* before : {"", "-", "0.", "-1.", "1e", "1E+", "0.1e-"}) numbers.push_back(before + many);
  numbers.push_back("0." + zeros + "1e" + many);
  numbers.push_back(many + "." + zeros);
  numbers.back() += "e" + many;
  for (const std::string& number : numbers) {
    EXPECT_EQ(carried(Type::json, Type::json, number), number);
    const std::string in_array = "[" + number + ", 1]";
    EXPECT_EQ(carried(Type::json, Type::json, in_array), in_array);
    EXPECT_EQ(as_text(element_of(Type::json, number + "..")), not_json);
    EXPECT_EQ(as_text(element_of(Type::json, number + "e")), not_json);
    EXPECT_EQ(as_text(element_of(Type::json, number + "-")), not_json);
    EXPECT_EQ(as_text(element_of(Type::json, number + " 1")), not_json);
  }
}

TEST(Json, EscapesThatLookLikeNumbersStayWhole) {
  for (const char* json : {R"("\u1e99\u9e99\u12e9\u1234\u1e9e")", R"("\ue999\uE123\uae99\uee99")",
                           R"("\u1e991e999999\u1e9912345678901234567890")", R"("1e\u5678")",
                           R"("1e+\u5678e+5678\u5678")", R"("12345678901234567890\u1234")"}) {
    EXPECT_EQ(carried(Type::json, Type::json, json), json);
  }
  for (const char* json : {R"("\u1e9")", R"("\ue99")", R"("\u123")", R"("1e999\u1e9x")"}) {
    EXPECT_EQ(as_text(element_of(Type::json, json)), not_json) << json;
  }
}

// RFC 8259, 8.2: the grammar takes what is no character of Unicode; what a reader makes of it is open.
TEST(Json, HoldsSurrogatesWithoutTheirPartner) {
  for (const std::string surrogate :
       {R"(\ud800)", R"(\uD800)", R"(\uDBFF)", R"(\udc00)", R"(\uDfFf)", R"(\udc00\ud800)", R"(\ud800\ud800)",
        R"(\ud83d\u0041)", R"(\ud83d\n)", R"(\ud83dud83d\\ud83d)", R"(\ud800 \udc00)"}) {
    for (const std::string& json :
         {'"' + surrogate + '"', "{\"" + surrogate + "\":[\"d" + surrogate + "D\"]}"}) {
      EXPECT_EQ(carried(Type::json, Type::json, json), json);
      EXPECT_EQ(as_text(element_of(Type::json, json + "d")), not_json) << json;
      EXPECT_EQ(as_text(element_of(Type::json, json.substr(0, json.size() - 1))), not_json) << json;
    }
  }
  for (const char* json : {"d", "D", "{d:1}", "1d5", "1D", "c", "fad", "[d]"}) {
    EXPECT_EQ(as_text(element_of(Type::json, json)), not_json) << json;
  }
}

TEST(Json, IsRefusedUnlessItIsOneValidValue) {
  for (const std::string& text : std::vector<std::string>{
           "",
           " ",
           "\n\r\t",
           // No value, or more than one
           "nul",
           "nulll",
           "True",
           "tru",
           "undefined",
           "NaN",
           "Infinity",
           "-Infinity",
           "-",
           "abc",
           "'a'",
           "1 2",
           "[][]",
           "{}1",
           "1,",
           ",",
           "1]",
           "[1]]",
           "{}}",
           "[]a",
           // Numbers
           "01",
           "-01",
           "00",
           "+1",
           ".5",
           "-.5",
           "1.",
           "1.e5",
           "1e",
           "1e+",
           "1e5.5",
           "1.2.3",
           "0x10",
           "1_000",
           "--1",
           "1-",
           "1e5e5",
           "- 1",
           "1 .5",
           "1e 5",
           // Arrays and objects
           "[",
           "]",
           "[1",
           "[1,",
           "[1,]",
           "[,1]",
           "[,]",
           "[1,,2]",
           "[1 2]",
           "[1:2]",
           "[\"a\":1]",
           "[1}",
           "{",
           "}",
           R"({"a")",
           R"({"a":)",
           R"({"a":1)",
           R"({"a":1,)",
           R"({"a":1,})",
           R"({,"a":1})",
           R"({"a"})",
           R"({"a":})",
           R"({"a":1 "b":2})",
           R"({"a"::1})",
           R"({"a",1})",
           "{a:1}",
           "{'a':1}",
           "{1:1}",
           "{[]:1}",
           "{null:1}",
           "{:1}",
           R"({"a":1])",
           R"({"a":1,,"b":2})",
           // Strings
           "\"",
           "\"a",
           "a\"",
           R"("\)",
           R"("\")",
           R"("\x41")",
           R"("\a")",
           R"("\'")",
           R"("\u")",
           R"("\u12")",
           R"("\u12G4")",
           R"("\U0041")",
           R"("\u 041")",
           "\"a\nb\"",
           "\"a\tb\"",
           "\"a\rb\"",
           R"("\d800")",
           R"("\c800")",
           R"("\ud8")",
           R"("\uD83")",
           R"("\ud800\u")",
           R"("\ud800\udc0")",
           R"("\ud800\d")",
           R"({"\ud80":1})",
           // Extensions
           "// a\n1",
           "/* a */ 1",
           "1 // a",
           "[1] /* a */",
           "# a\n1",
           "[1,2,3...]",
           // White space that is none
           "\xC2\xA0[]",
           "1\xE2\x80\x83",
           "[\xE2\x80\xA8]",
           // Byte order mark (RFC 8259, 8.1)
           "\xEF\xBB\xBF[]",
           "\xEF\xBB\xBF",
           // Looks like the other formats
           "<json xmlns='urn:xmpp:json:0'>1</json>",
           "&quot;a&quot;",
       }) {
    EXPECT_EQ(as_text(element_of(Type::json, text)), not_json) << text;
  }
}

TEST(Json, IsRefusedWhereXmlCannotCarryIt) {
  EXPECT_EQ(as_text(element_of(Type::json, "\"\xEF\xBF\xBE\"")), not_xml_text);  // U+FFFE
  EXPECT_EQ(as_text(element_of(Type::json, "\"\xEF\xBF\xBF\"")), not_xml_text);  // U+FFFF
  EXPECT_EQ(as_text(element_of(Type::json, "\"\x01\"")), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::json, "\f1")), not_xml_text);
}

TEST(Json, IsRefusedUnlessItIsUtf8) {
  EXPECT_EQ(as_text(element_of(Type::json, "\"caf\xE9\"")), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::json, "\"\xED\xA0\x80\"")), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::json, std::string_view("\xFF\xFE[\0]\0", 6))), not_xml_text);  // UTF-16
}

TEST(Json, IsRefusedWithANul) {
  EXPECT_EQ(as_text(element_of(Type::json, std::string_view("1\0", 2))), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::json, std::string_view("[1]\0garbage", 11))), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::json, std::string_view("\0[1]", 4))), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::json, std::string_view("\"\0\"", 3))), not_xml_text);
}

TEST(Json, MayBeNestedAsDeepAsAPacketHolds) {
  constexpr std::size_t depth = 1000000;
  const std::string arrays = std::string(depth, '[') + std::string(depth, ']');
  EXPECT_TRUE(carried(Type::json, Type::json, arrays) == arrays);
  EXPECT_EQ(as_text(element_of(Type::json, std::string(depth, '['))), not_json);
  std::string objects;
  for (std::size_t i = 0; i < depth; ++i) objects += "{\"\":";
  EXPECT_EQ(as_text(element_of(Type::json, objects)), not_json);
}

TEST(Json, OfAnXmppClientIsItsText) {
  EXPECT_EQ(carried_from_xmpp(Type::json, in_element("{&quot;t&quot;: <![CDATA[21.5]]>}")), R"({"t": 21.5})");
  EXPECT_EQ(carried_from_xmpp(Type::json, "<j:json xmlns:j='urn:xmpp:json:0' id='1'> 1 </j:json>"), " 1 ");
}

TEST(Json, OfAnXmppClientIsNoneIfItIsInvalid) {
  for (const char* text : {"", " ", "{", "[1,]", "hello", "1 2", "1<b/>", "<b>1</b>"}) {
    EXPECT_EQ(carried_from_xmpp(Type::json, in_element(text)), std::nullopt) << text;
  }
}

TEST(Json, IsNoneInAnotherElement) {
  EXPECT_EQ(carried_from_xmpp(Type::json, "<json xmlns='urn:xmpp:json:1'>1</json>"), std::nullopt);
  EXPECT_EQ(carried_from_xmpp(Type::json, "<jsonx xmlns='urn:xmpp:json:0'>1</jsonx>"), std::nullopt);
  EXPECT_EQ(carried_from_xmpp(Type::json, "<a xmlns='urn:a'><json xmlns='urn:xmpp:json:0'>1</json></a>"),
            std::nullopt);
}

TEST(Json, IsNoneInItemsOfOtherTypes) {
  EXPECT_EQ(carried(Type::utf8, Type::json, "1"), std::nullopt);
  EXPECT_EQ(carried(Type::atom_title, Type::json, "1"), std::nullopt);
  EXPECT_EQ(carried(Type::xml, Type::json, "<a xmlns='urn:a'>1</a>"), std::nullopt);
}

TEST(Json, PublishedAsXmlIsJson) { EXPECT_EQ(carried(Type::xml, Type::json, in_element("[1]")), "[1]"); }

}  // namespace
}  // namespace pubsub_mqtt::payload
