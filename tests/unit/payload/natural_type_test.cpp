#include <gtest/gtest.h>

#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

Type natural_type_of(std::string_view element) { return natural_type(tree_of(element).document_element()); }

Type natural_type_of_published(Type type, std::string_view payload) {
  const Result result = element_of(type, payload);
  return natural_type(std::get<pugi::xml_document>(result).document_element());
}

TEST(NaturalType, OfWhatMqttPublishesIsTheTypeItWasPublishedTo) {
  EXPECT_EQ(natural_type_of_published(Type::json, "{}"), Type::json);
  EXPECT_EQ(natural_type_of_published(Type::utf8, ""), Type::utf8);
  EXPECT_EQ(natural_type_of_published(Type::utf8, "a"), Type::utf8);
  EXPECT_EQ(natural_type_of_published(Type::atom_title, ""), Type::atom_title);
  EXPECT_EQ(natural_type_of_published(Type::atom_title, "a"), Type::atom_title);
  EXPECT_EQ(natural_type_of_published(Type::xml, "<a xmlns='urn:a'/>"), Type::xml);
}

TEST(NaturalType, IsThatOfTheElementWhateverItWasPublishedTo) {
  EXPECT_EQ(natural_type_of_published(Type::xml, "<json xmlns='urn:xmpp:json:0'>1</json>"), Type::json);
}

TEST(NaturalType, IsFoundByNameAndNamespace) {
  EXPECT_EQ(natural_type_of("<json xmlns='urn:xmpp:json:0'>1</json>"), Type::json);
  EXPECT_EQ(natural_type_of("<data xmlns='https://prosody.im/protocol/mqtt'/>"), Type::utf8);
  EXPECT_EQ(natural_type_of("<data xmlns='https://prosody.im/protocol/data'/>"), Type::utf8);
  EXPECT_EQ(natural_type_of("<a:entry xmlns:a='http://www.w3.org/2005/Atom'><a:title/></a:entry>"),
            Type::atom_title);
}

TEST(NaturalType, IsXmlForAllElse) {
  EXPECT_EQ(natural_type_of("<a xmlns='urn:a'/>"), Type::xml);
  EXPECT_EQ(natural_type_of("<json xmlns='urn:a'>1</json>"), Type::xml);
  EXPECT_EQ(natural_type_of("<value xmlns='urn:xmpp:json:0'>1</value>"), Type::xml);
  EXPECT_EQ(natural_type_of("<data xmlns='urn:a'/>"), Type::xml);
  EXPECT_EQ(natural_type_of("<entry xmlns='urn:a'><title/></entry>"), Type::xml);
  EXPECT_EQ(natural_type_of("<feed xmlns='http://www.w3.org/2005/Atom'><title/></feed>"), Type::xml);
}

// What a subscriber of the TYPE would not get is not of the TYPE.
TEST(NaturalType, IsXmlWhereTheInsideDoesNotMatch) {
  EXPECT_EQ(natural_type_of("<json xmlns='urn:xmpp:json:0'>not JSON</json>"), Type::xml);
  EXPECT_EQ(natural_type_of("<json xmlns='urn:xmpp:json:0'/>"), Type::xml);
  EXPECT_EQ(natural_type_of("<json xmlns='urn:xmpp:json:0'>1<a/></json>"), Type::xml);
  EXPECT_EQ(natural_type_of("<data xmlns='https://prosody.im/protocol/mqtt'><a/></data>"), Type::xml);
  EXPECT_EQ(natural_type_of("<entry xmlns='http://www.w3.org/2005/Atom'><id>urn:a</id></entry>"), Type::xml);
}

NaturalPayload natural_payload_of(std::string_view element) {
  return natural_payload(tree_of(element).document_element());
}

TEST(NaturalPayload, IsTheTypeWithItsMqttPayload) {
  const auto json = natural_payload_of("<json xmlns='urn:xmpp:json:0'>{&quot;a&quot;: 1}</json>");
  EXPECT_EQ(json.type, Type::json);
  EXPECT_EQ(json.payload, "{\"a\": 1}");
  const auto utf8 = natural_payload_of("<data xmlns='https://prosody.im/protocol/mqtt'/>");
  EXPECT_EQ(utf8.type, Type::utf8);
  EXPECT_EQ(utf8.payload, "");
  const auto title = natural_payload_of(
      "<entry xmlns='http://www.w3.org/2005/Atom'><title type='html'>&amp;lt;</title></entry>");
  EXPECT_EQ(title.type, Type::atom_title);
  EXPECT_EQ(title.payload, "<");
}

TEST(NaturalPayload, OfXmlIsLeftToToMqtt) {
  for (const char* element : {"<a xmlns='urn:a'>1</a>", "<json xmlns='urn:xmpp:json:0'>not JSON</json>",
                              "<data xmlns='https://prosody.im/protocol/mqtt'><a/></data>",
                              "<entry xmlns='http://www.w3.org/2005/Atom'/>"}) {
    EXPECT_EQ(natural_payload_of(element).type, Type::xml) << element;
    EXPECT_EQ(natural_payload_of(element).payload, std::nullopt) << element;
  }
}

TEST(NaturalPayload, OfWhatMqttPublishesIsWhatWasPublished) {
  for (const Type type : {Type::json, Type::utf8, Type::atom_title}) {
    const Result result = element_of(type, "\"&lt;<\" \r\n");
    const auto natural = natural_payload(std::get<pugi::xml_document>(result).document_element());
    EXPECT_EQ(natural.type, type);
    EXPECT_EQ(natural.payload, "\"&lt;<\" \r\n");
  }
}

}  // namespace
}  // namespace pubsub_mqtt::payload
