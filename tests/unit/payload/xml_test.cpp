#include <gtest/gtest.h>

#include <string>

#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

TEST(Xml, IsCarriedAsTheElementItself) {
  const std::string element = "<a xmlns='urn:a' b='1'>c<d/></a>";
  EXPECT_EQ(as_text(element_of(Type::xml, element)), element);
  EXPECT_EQ(carried(Type::xml, Type::xml, element), element);
}

TEST(Xml, IsGivenOfItemsOfEveryType) {
  EXPECT_EQ(carried(Type::json, Type::xml, R"(["<"])"),
            "<json xmlns='urn:xmpp:json:0'>[&quot;&lt;&quot;]</json>");
  EXPECT_EQ(carried(Type::utf8, Type::xml, "a\r"),
            "<data xmlns='https://prosody.im/protocol/mqtt'>a&#13;</data>");
  EXPECT_EQ(carried(Type::atom_title, Type::xml, "a"),
            "<entry xmlns='http://www.w3.org/2005/Atom'><title>a</title><id>urn:uuid:1</id>"
            "<updated>2026-11-22T12:34:56Z</updated><author><name>anonymous</name></author></entry>");
  EXPECT_EQ(carried_from_xmpp(Type::xml, "<json xmlns='urn:xmpp:json:0'>{</json>"),
            "<json xmlns='urn:xmpp:json:0'>{</json>");
}

TEST(Xml, IsRefusedUnlessItIsOneWellFormedElementWithANamespace) {
  for (const char* text :
       {"", "a", "<a/>", "<a xmlns='urn:a'>", "<a xmlns='urn:a'/><a xmlns='urn:a'/>", "<p:a xmlns='urn:a'/>",
        "<a xmlns='urn:a' b='1' b='2'/>", "<!DOCTYPE a><a xmlns='urn:a'/>",
        "<?xml version='1.0'?><a xmlns='urn:a'/>", "<a xmlns='urn:a'>\x01</a>", "<a xmlns='urn:a'>&#1;</a>",
        "<a xmlns='urn:a'>\xE9</a>"}) {
    EXPECT_TRUE(as_text(element_of(Type::xml, text)).starts_with("refused: ")) << text;
  }
  EXPECT_TRUE(
      as_text(element_of(Type::xml, std::string_view("<a xmlns='urn:a'/>\0", 19))).starts_with("refused: "));
}

}  // namespace
}  // namespace pubsub_mqtt::payload
