// What is published as `any`, and what a subscriber of it gets (docs/mapping.md, "TYPE").
#include <gtest/gtest.h>

#include <string>

#include "pubsub_mqtt/payload/translate.h"
#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

using namespace std::string_literals;

TEST(Any, IsJsonForAnObjectOrAnArray) {
  for (const std::string_view json : {"{}", "[]", " \t\r\n{\"a\": [1, 2]} ", "[\"\xC3\xBC\"]"}) {
    EXPECT_EQ(type_of_any(json), Type::json) << json;
  }
}

// HOST/json/... does not see them.
TEST(Any, IsTextForJsonScalars) {
  for (const std::string_view scalar : {"21.5", "true", "null", "\"text\"", " 1 "}) {
    EXPECT_EQ(type_of_any(scalar), Type::utf8) << scalar;
  }
}

TEST(Any, IsTextForWhatXmlCanCarry) {
  for (const std::string_view text : {"", " ", "ON", "{", "{'a': 1}", "[1", "{} {}", "<a xmlns='b'/>",
                                      "\xEF\xBB\xBF{}", "\xF0\x9F\x8C\xA1\r\n\t"}) {
    EXPECT_EQ(type_of_any(text), Type::utf8) << text;
  }
}

TEST(Any, IsBinaryForAllElse) {
  for (const std::string& bytes :
       {"a\0"s, "\xFF\xD8\xFF"s, "\x1B"s, "\xEF\xBF\xBE"s, "\xED\xA0\x80"s, "\xC3"s, "{\"a\": \"\xFF\"}"s,
        "[\"\xEF\xBF\xBF\"]"s, "{\"a\": \"\x01\"}"s}) {
    EXPECT_EQ(type_of_any(bytes), Type::binary) << bytes;
  }
}

TEST(Any, IsNeverRefused) {
  for (const std::string& bytes : {""s, "21.5"s, "[1]"s, "\xFF\0"s}) {
    EXPECT_EQ(check_text(Type::any, bytes), std::nullopt);
    EXPECT_EQ(carried(Type::any, Type::any, bytes), bytes);
    EXPECT_EQ(carried(Type::any, type_of_any(bytes), bytes), bytes);
  }
  EXPECT_EQ(as_text(element_of(Type::any, "[1]")), "<json xmlns='urn:xmpp:json:0'>[1]</json>");
  EXPECT_EQ(as_text(element_of(Type::any, "1")), "<data xmlns='https://prosody.im/protocol/mqtt'>1</data>");
}

TEST(Any, IsEachItemInItsNaturalForm) {
  EXPECT_EQ(carried_from_xmpp(Type::any, "<json xmlns='urn:xmpp:json:0'>1</json>"), "1");
  EXPECT_EQ(carried_from_xmpp(Type::any, "<data xmlns='https://prosody.im/protocol/mqtt'/>"), "");
  EXPECT_EQ(
      carried_from_xmpp(Type::any, "<entry xmlns='http://www.w3.org/2005/Atom'><title>a</title></entry>"),
      "a");
  EXPECT_EQ(carried_from_xmpp(Type::any, "<data xmlns='urn:xmpp:bob'>/w==</data>"), "\xFF");
  EXPECT_EQ(carried_from_xmpp(Type::any, "<a xmlns='b'/>"), "<a xmlns='b'/>");
  // Neither is binary data: XML, like all else.
  EXPECT_EQ(carried_from_xmpp(Type::any, "<data xmlns='urn:xmpp:bob' cid='a'/>"),
            "<data xmlns='urn:xmpp:bob' cid='a'/>");
  EXPECT_EQ(carried_from_xmpp(Type::any, "<data xmlns='urn:xmpp:bob'>?</data>"),
            "<data xmlns='urn:xmpp:bob'>?</data>");
}

TEST(Any, IsNobodysNaturalType) {
  for (const Type type : {Type::json, Type::utf8, Type::atom_title, Type::binary, Type::any}) {
    const auto element = element_of(type, "[1]");
    EXPECT_NE(natural_type(std::get<pugi::xml_document>(element).document_element()), Type::any);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::payload
