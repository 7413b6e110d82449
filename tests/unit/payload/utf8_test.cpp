#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

TEST(Utf8, BecomesADataElement) {
  EXPECT_EQ(as_text(element_of(Type::utf8, "21.5 < 22")),
            "<data xmlns='https://prosody.im/protocol/mqtt'>21.5 &lt; 22</data>");
}

TEST(Utf8, IsCarriedByteForByte) {
  for (const std::string& text : std::vector<std::string>{"",
                                                          "a",
                                                          " ",
                                                          "\n",
                                                          "\r",
                                                          "\r\n",
                                                          " \t\r\n a \r\r\n ",
                                                          "<a/>",
                                                          "&amp;",
                                                          "]]>",
                                                          "<![CDATA[a]]>",
                                                          "\"'",
                                                          "\x7F",
                                                          "caf\xC3\xA9",
                                                          "\xE2\x82\xAC",
                                                          "\xF0\x9F\x98\x80",
                                                          "\xEF\xBB\xBFxyz",
                                                          "\xEF\xBF\xBD",
                                                          "\xC2\x85\xE2\x80\xA8",
                                                          std::string(300000, 'x')}) {
    EXPECT_EQ(carried(Type::utf8, Type::utf8, text), text);
  }
}

TEST(Utf8, MayBeEmpty) {
  EXPECT_EQ(as_text(element_of(Type::utf8, "")), "<data xmlns='https://prosody.im/protocol/mqtt'/>");
  EXPECT_EQ(carried_from_xmpp(Type::utf8, "<data xmlns='https://prosody.im/protocol/mqtt'></data>"), "");
}

TEST(Utf8, IsRefusedUnlessItIsUtf8) {
  for (const char* text :
       {"caf\xE9", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF\xFEx"}) {
    EXPECT_EQ(as_text(element_of(Type::utf8, text)), not_xml_text);
  }
}

TEST(Utf8, IsRefusedWhereXmlCannotCarryIt) {
  for (const char* text : {"\x01", "a\x14", "\x1B[0m", "\f", "\v", "\xEF\xBF\xBE", "a\xEF\xBF\xBF"}) {
    EXPECT_EQ(as_text(element_of(Type::utf8, text)), not_xml_text);
  }
  EXPECT_EQ(as_text(element_of(Type::utf8, std::string_view("a\0b", 3))), not_xml_text);
  EXPECT_EQ(as_text(element_of(Type::utf8, std::string_view("\0", 1))), not_xml_text);
}

TEST(Utf8, IsReadFromTheElementOfTheOlderModuleToo) {
  EXPECT_EQ(carried_from_xmpp(Type::utf8, "<data xmlns='https://prosody.im/protocol/data'>a &amp; b</data>"),
            "a & b");
}

TEST(Utf8, IsNoneInAnElementWithElements) {
  EXPECT_EQ(carried_from_xmpp(Type::utf8, "<data xmlns='https://prosody.im/protocol/mqtt'>a<b/></data>"),
            std::nullopt);
}

TEST(Utf8, IsNoneInAnotherElement) {
  EXPECT_EQ(carried_from_xmpp(Type::utf8, "<data xmlns='urn:a'>a</data>"), std::nullopt);
  EXPECT_EQ(carried_from_xmpp(Type::utf8, "<text xmlns='https://prosody.im/protocol/mqtt'>a</text>"),
            std::nullopt);
}

TEST(Utf8, IsNoneInItemsOfOtherTypes) {
  EXPECT_EQ(carried(Type::json, Type::utf8, "\"a\""), std::nullopt);
  EXPECT_EQ(carried(Type::atom_title, Type::utf8, "a"), std::nullopt);
  EXPECT_EQ(carried(Type::xml, Type::utf8, "<a xmlns='urn:a'>a</a>"), std::nullopt);
}

// The tree of an item that another module of Prosody made, past any XML parser.
TEST(Utf8, IsNoneWhereXmlCannotCarryIt) {
  pugi::xml_document document = tree_of("<data xmlns='https://prosody.im/protocol/mqtt'>a</data>");
  document.document_element().first_child().set_value("\xEF\xBF\xBE");
  EXPECT_EQ(to_mqtt(Type::utf8, document.document_element()), std::nullopt);
  EXPECT_EQ(to_mqtt(Type::xml, document.document_element()), std::nullopt);
  EXPECT_EQ(natural_type(document.document_element()), Type::xml);
}

}  // namespace
}  // namespace pubsub_mqtt::payload
