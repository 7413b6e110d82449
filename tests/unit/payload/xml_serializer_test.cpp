#include <gtest/gtest.h>

#include <string>

#include "pubsub_mqtt/payload/xml_text.h"
#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

std::string written(std::string_view text) { return serialize(tree_of(text).document_element()); }

TEST(XmlSerializer, WritesANamespaceWhereItDiffersFromTheParents) {
  EXPECT_EQ(written("<p:a xmlns:p='urn:p'><p:b/><c xmlns='urn:c'><d/></c><p:b/></p:a>"),
            "<a xmlns='urn:p'><b/><c xmlns='urn:c'><d/></c><b/></a>");
  EXPECT_EQ(written("<p:a xmlns:p='urn:p'><b><c/><p:d/></b></p:a>"),
            "<a xmlns='urn:p'><b xmlns=''><c/><d xmlns='urn:p'/></b></a>");
}

TEST(XmlSerializer, WritesTheNamespaceOfAnElementInsideATree) {
  const pugi::xml_document document = tree_of("<a xmlns='urn:a'><b c='1'><d/>e</b><f/></a>");
  EXPECT_EQ(serialize(document.document_element().first_child()), "<b xmlns='urn:a' c='1'><d/>e</b>");
}

TEST(XmlSerializer, WritesAttributesWithTheirNamespaces) {
  EXPECT_EQ(written("<a xmlns='urn:a' xmlns:p='urn:p' p:b='1' xml:lang='en' c=''/>"),
            "<a xmlns='urn:a' xmlns:ns1='urn:p' ns1:b='1' xml:lang='en' c=''/>");
}

TEST(XmlSerializer, EscapesWhatWouldBeMarkup) {
  EXPECT_EQ(
      written(
          "<a xmlns='urn:a&amp;&apos;' b='&lt;&gt;&amp;&quot;&apos;'>&lt;&gt;&amp;&quot;&apos;]]&gt;</a>"),
      "<a xmlns='urn:a&amp;&apos;' b='&lt;&gt;&amp;&quot;&apos;'>&lt;&gt;&amp;&quot;&apos;]]&gt;</a>");
}

TEST(XmlSerializer, EscapesWhiteSpaceThatAParserWouldAlter) {
  EXPECT_EQ(written("<a xmlns='urn:a' b='&#13;&#10;&#9; '>&#13;&#10;&#9; </a>"),
            "<a xmlns='urn:a' b='&#13;&#10;&#9; '>&#13;\n\t </a>");
}

TEST(XmlSerializer, AddsNothingToMixedContent) {
  const std::string mixed = "<a xmlns='urn:a'> <b>c</b>\nd<b/>\n\n<b> </b>e</a>";
  EXPECT_EQ(written(mixed), mixed);
}

TEST(XmlSerializer, NeedsNoStackForDepth) {
  pugi::xml_document document;
  pugi::xml_node node = document.root();
  constexpr int depth = 20000;
  std::string expected;
  for (int i = 0; i < depth; ++i) {
    node = node.append_child("a");
    expected += i + 1 < depth ? "<a>" : "<a/>";
  }
  for (int i = 1; i < depth; ++i) expected += "</a>";
  EXPECT_TRUE(serialize(document.document_element()) == expected);
}

}  // namespace
}  // namespace pubsub_mqtt::payload
