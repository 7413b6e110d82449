#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/payload/xml_text.h"
#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

// Every attribute and text, so that nothing of the form stays unseen: [name|attribute=value|... children],
// "text".
std::string shape(const pugi::xml_node& node) {
  if (node.type() == pugi::node_pcdata) return "\"" + std::string(node.value()) + "\"";
  std::string out = "[";
  out += node.name();
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    out += "|" + std::string(attribute.name()) + "=" + attribute.value();
  }
  for (const pugi::xml_node& child : node.children()) out += " " + shape(child);
  return out + "]";
}

std::string parsed(std::string_view text, std::size_t max_elements = no_xml_limit) {
  const Result result = parse_element(text, max_elements);
  if (const auto* refused = std::get_if<Refused>(&result)) return "refused: " + std::string(refused->reason);
  const auto& document = std::get<pugi::xml_document>(result);
  EXPECT_EQ(document.first_child(), document.last_child());
  return shape(document.document_element());
}

std::string nested(std::size_t depth) {
  std::string text = "<a xmlns='urn:a'>";
  for (std::size_t i = 1; i < depth; ++i) text += "<b>";
  for (std::size_t i = 1; i < depth; ++i) text += "</b>";
  return text + "</a>";
}

TEST(XmlParser, GivesEveryElementItsNamespaceAndNoPrefix) {
  EXPECT_EQ(parsed("<a xmlns='urn:a'/>"), "[a|xmlns=urn:a]");
  EXPECT_EQ(parsed("<a xmlns='urn:a'><b><c/></b></a>"), "[a|xmlns=urn:a [b|xmlns=urn:a [c|xmlns=urn:a]]]");
  EXPECT_EQ(parsed("<p:a xmlns:p='urn:p' xmlns='urn:b'><b/><p:c/></p:a>"),
            "[a|xmlns=urn:p [b|xmlns=urn:b] [c|xmlns=urn:p]]");
}

TEST(XmlParser, KeepsElementsOfNoNamespace) {
  EXPECT_EQ(parsed("<p:a xmlns:p='urn:p'><b/></p:a>"), "[a|xmlns=urn:p [b|xmlns=]]");
  EXPECT_EQ(parsed("<a xmlns='urn:a'><b xmlns=''/></a>"), "[a|xmlns=urn:a [b|xmlns=]]");
}

TEST(XmlParser, RefusesAnElementWithoutNamespace) {
  const std::string refused = "refused: the payload's element has no namespace";
  EXPECT_EQ(parsed("<a/>"), refused);
  EXPECT_EQ(parsed("<a xmlns=''/>"), refused);
  EXPECT_EQ(parsed("<a><b xmlns='urn:b'/></a>"), refused);
}

TEST(XmlParser, DeclaresTheNamespacesOfAttributesOnTheirElement) {
  EXPECT_EQ(parsed("<a xmlns='urn:a' xmlns:p='urn:p' xmlns:q='urn:q' c='1' p:c='2' q:d='3' p:e='4'/>"),
            "[a|xmlns=urn:a|c=1|xmlns:ns1=urn:p|ns1:c=2|xmlns:ns2=urn:q|ns2:d=3|xmlns:ns3=urn:p|ns3:e=4]");
  EXPECT_EQ(
      parsed("<a xmlns='urn:a' xmlns:p='urn:p'><b p:c='1'/><b p:c='2'/></a>"),
      "[a|xmlns=urn:a [b|xmlns=urn:a|xmlns:ns1=urn:p|ns1:c=1] [b|xmlns=urn:a|xmlns:ns1=urn:p|ns1:c=2]]");
  EXPECT_EQ(parsed("<p:a xmlns:p='urn:p' p:c='1'/>"), "[a|xmlns=urn:p|xmlns:ns1=urn:p|ns1:c=1]");
}

TEST(XmlParser, KeepsXmlAttributes) {
  EXPECT_EQ(parsed("<a xmlns='urn:a' xml:lang='en' xml:space='preserve' xml:x='y'/>"),
            "[a|xmlns=urn:a|xml:lang=en|xml:space=preserve|xml:x=y]");
}

// Prosody would write <b xmlns='http://www.w3.org/XML/1998/namespace'/>, which ends its receiver's stream.
TEST(XmlParser, RefusesElementsWithThePrefixXml) {
  const std::string refused = "refused: the payload has an element with the prefix \"xml\"";
  EXPECT_EQ(parsed("<xml:a/>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a'><xml:b/></a>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a' xmlns:xml='http://www.w3.org/XML/1998/namespace'><xml:b/></a>"),
            refused);
}

TEST(XmlParser, RefusesWhatNamespacesForbid) {
  EXPECT_EQ(parsed("<p:a xmlns='urn:a'/>"), "refused: unbound prefix");
  EXPECT_EQ(parsed("<a xmlns='urn:a' p:b='1'/>"), "refused: unbound prefix");
  EXPECT_EQ(parsed("<a xmlns='urn:a'><p:b xmlns:p='urn:p'/><p:b/></a>"), "refused: unbound prefix");
  EXPECT_EQ(parsed("<xmlns:a xmlns='urn:a'/>"), "refused: unbound prefix");
  EXPECT_EQ(parsed("<p:a xmlns:p=''/>"), "refused: must not undeclare prefix");
  for (const char* text : {
           "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
           "<p:a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
           "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
           "<p:a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
           "<a xmlns='urn:a' xmlns:xml='urn:b'/>",
           "<a xmlns='urn:a' xmlns:xmlns='urn:b'/>",
           "<p:b:a xmlns:p='urn:p'/>",
           "<:a xmlns='urn:a'/>",
           "<p: xmlns:p='urn:p'/>",
           "<a xmlns='urn:a' :b='1'/>",
           "<a xmlns='urn:a' xmlns:='urn:b'/>",
       }) {
    EXPECT_TRUE(parsed(text).starts_with("refused: ")) << text;
  }
}

TEST(XmlParser, RefusesDuplicateAttributes) {
  EXPECT_EQ(parsed("<a xmlns='urn:a' b='1' b='2'/>"), "refused: duplicate attribute");
  EXPECT_EQ(parsed("<a xmlns='urn:a' xmlns='urn:b'/>"), "refused: duplicate attribute");
  EXPECT_EQ(parsed("<a xmlns='urn:a' xmlns:p='urn:p' xmlns:q='urn:p' p:b='1' q:b='2'/>"),
            "refused: duplicate attribute");
}

TEST(XmlParser, MakesOneTextOfReferencesSectionsAndComments) {
  EXPECT_EQ(
      parsed("<a xmlns='urn:a'>a&lt;&gt;&amp;&quot;&apos;&#65;&#x42;<![CDATA[<c>&amp;]]>d<!-- e -->f\ng</a>"),
      "[a|xmlns=urn:a \"a<>&\"'AB<c>&amp;df\ng\"]");
  EXPECT_EQ(parsed("<a xmlns='urn:a'> <b/>c<!-- --><b/><!-- --></a>"),
            "[a|xmlns=urn:a \" \" [b|xmlns=urn:a] \"c\" [b|xmlns=urn:a]]");
  EXPECT_EQ(parsed("<a xmlns='urn:a'><![CDATA[]]></a>"), "[a|xmlns=urn:a]");
}

// XML 1.0, 2.11 and 3.3.3
TEST(XmlParser, NormalisesWhiteSpaceThatIsNotEscaped) {
  EXPECT_EQ(parsed("<a xmlns='urn:a' b='1\r\n2\t3\n4&#13;&#10;&#9;'>1\r\n2\r3\t4&#13;&#10;&#9;</a>"),
            "[a|xmlns=urn:a|b=1 2 3 4\r\n\t \"1\n2\n3\t4\r\n\t\"]");
}

TEST(XmlParser, TakesAnyCharacterOfXml) {
  EXPECT_EQ(
      parsed("<\xC3\xA9 xmlns='urn:\xC3\xA9'>\x7F\xC2\x85\xEF\xBF\xBD\xF0\x9F\x98\x80&#x10FFFF;</\xC3\xA9>"),
      "[\xC3\xA9|xmlns=urn:\xC3\xA9 \"\x7F\xC2\x85\xEF\xBF\xBD\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\"]");
}

TEST(XmlParser, TakesWhiteSpaceAndCommentsAroundTheElement) {
  EXPECT_EQ(parsed(" \r\n\t<!-- < & --><a xmlns='urn:a'/>\n<!-- --> "), "[a|xmlns=urn:a]");
}

// XML 1.0, 4.3.3: it is neither markup nor character data.
TEST(XmlParser, TakesAByteOrderMarkOfUtf8) {
  EXPECT_EQ(parsed("\xEF\xBB\xBF<a xmlns='urn:a'>\xEF\xBB\xBF</a>"), "[a|xmlns=urn:a \"\xEF\xBB\xBF\"]");
  EXPECT_TRUE(parsed("\xEF\xBB\xBF\xEF\xBB\xBF<a xmlns='urn:a'/>").starts_with("refused: "));
  EXPECT_TRUE(parsed(" \xEF\xBB\xBF<a xmlns='urn:a'/>").starts_with("refused: "));
}

TEST(XmlParser, TakesTextOfAnyLength) {
  const std::string text(1000000, 'x');
  EXPECT_TRUE(parsed("<a xmlns='urn:a'>" + text + "</a>") == "[a|xmlns=urn:a \"" + text + "\"]");
}

TEST(XmlParser, RefusesAnythingElseAroundTheElement) {
  EXPECT_EQ(parsed("<a xmlns='urn:a'/><a xmlns='urn:a'/>"), "refused: junk after document element");
  EXPECT_EQ(parsed("<a xmlns='urn:a'/>text"), "refused: junk after document element");
  EXPECT_TRUE(parsed("text<a xmlns='urn:a'/>").starts_with("refused: "));
  EXPECT_TRUE(parsed("&amp;<a xmlns='urn:a'/>").starts_with("refused: "));
  EXPECT_TRUE(parsed("<![CDATA[ ]]><a xmlns='urn:a'/>").starts_with("refused: "));
  EXPECT_TRUE(parsed("<a xmlns='urn:a'/><![CDATA[ ]]>").starts_with("refused: "));
}

TEST(XmlParser, RefusesWhatHoldsNoElement) {
  for (const char* text : {"", " \n", "<!-- -->", "text"}) {
    EXPECT_TRUE(parsed(text).starts_with("refused: ")) << text;
  }
}

TEST(XmlParser, RefusesDoctypes) {
  const std::string refused = "refused: the payload has a DOCTYPE";
  EXPECT_EQ(parsed("<!DOCTYPE a><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<!DOCTYPE a []><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a xmlns='urn:a'>&b;</a>"),
            refused);
  EXPECT_EQ(parsed("<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a xmlns='urn:a'/>"), refused);
}

TEST(XmlParser, RefusesABillionLaughs) {
  std::string text = "<!DOCTYPE a [<!ENTITY l0 'lol'>";
  for (int i = 1; i < 10; ++i) {
    text += "<!ENTITY l" + std::to_string(i) + " '";
    for (int times = 0; times < 10; ++times) text += "&l" + std::to_string(i - 1) + ";";
    text += "'>";
  }
  EXPECT_EQ(parsed(text + "]><a xmlns='urn:a'>&l9;</a>"), "refused: the payload has a DOCTYPE");
}

TEST(XmlParser, RefusesUndeclaredEntities) {
  EXPECT_EQ(parsed("<a xmlns='urn:a'>&nbsp;</a>"), "refused: undefined entity");
  EXPECT_EQ(parsed("<a xmlns='urn:a' b='&nbsp;'/>"), "refused: undefined entity");
}

TEST(XmlParser, RefusesProcessingInstructions) {
  const std::string refused = "refused: the payload has a processing instruction";
  EXPECT_EQ(parsed("<?php echo ?><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a'><?b?></a>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a'/><?b?>"), refused);
}

TEST(XmlParser, RefusesXmlDeclarations) {
  const std::string refused = "refused: the payload has an XML declaration";
  EXPECT_EQ(parsed("<?xml version='1.0'?><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<?xml version='1.0' encoding='UTF-8'?><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<?xml version='1.0' encoding='ISO-8859-1'?><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<?xml version='1.0' encoding='UTF-16'?><a xmlns='urn:a'/>"), refused);
  EXPECT_EQ(parsed("<?xml version='1.0' encoding='x-unknown'?><a xmlns='urn:a'/>"), refused);
  EXPECT_TRUE(parsed(" <?xml version='1.0'?><a xmlns='urn:a'/>").starts_with("refused: "));
}

TEST(XmlParser, RefusesDeepNesting) {
  EXPECT_TRUE(parsed(nested(max_xml_depth)).starts_with("[a|xmlns=urn:a [b"));
  EXPECT_EQ(parsed(nested(max_xml_depth + 1)), "refused: the payload's elements are nested too deeply");
  EXPECT_EQ(parsed(nested(100000)), "refused: the payload's elements are nested too deeply");
}

TEST(XmlParser, RefusesCharactersThatXmlCannotCarry) {
  const std::string refused =
      "refused: the payload is not UTF-8, or holds a character that XML 1.0 cannot carry";
  EXPECT_EQ(parsed("<a xmlns='urn:a'>\x01</a>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a'>\xEF\xBF\xBE</a>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a' b='\xEF\xBF\xBF'/>"), refused);
  EXPECT_EQ(parsed(std::string_view("<a xmlns='urn:a'>\0</a>", 22)), refused);
  EXPECT_EQ(parsed(std::string_view("<a xmlns='urn:a'/>\0", 19)), refused);
}

TEST(XmlParser, RefusesReferencesToSuchCharacters) {
  for (const char* reference :
       {"&#0;", "&#1;", "&#x1;", "&#11;", "&#20;", "&#x1F;", "&#xD800;", "&#xDFFF;", "&#xFFFE;", "&#65535;",
        "&#x110000;", "&#4294967361;", "&#99999999999999999999;"}) {
    EXPECT_EQ(parsed("<a xmlns='urn:a'>" + std::string(reference) + "</a>"),
              "refused: reference to invalid character number")
        << reference;
    EXPECT_EQ(parsed("<a xmlns='urn:a' b='" + std::string(reference) + "'/>"),
              "refused: reference to invalid character number")
        << reference;
    EXPECT_EQ(parsed("<a xmlns='urn:a" + std::string(reference) + "'/>"),
              "refused: reference to invalid character number")
        << reference;
  }
}

TEST(XmlParser, RefusesOtherEncodings) {
  const std::string refused =
      "refused: the payload is not UTF-8, or holds a character that XML 1.0 cannot carry";
  EXPECT_EQ(parsed(std::string_view("\xFF\xFE<\0a\0/\0>\0", 10)), refused);
  EXPECT_EQ(parsed(std::string_view("\xFE\xFF\0<\0a\0/\0>", 10)), refused);
  EXPECT_EQ(parsed(std::string_view("<\0a\0/\0>\0", 8)), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a'>caf\xE9</a>"), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a'>\xED\xA0\x80</a>"), refused);
}

TEST(XmlParser, RefusesWhatIsNotWellFormed) {
  for (const char* text : {
           "<",
           "<a",
           "<a xmlns='urn:a'",
           "<a xmlns='urn:a'>",
           "<a xmlns='urn:a'></b>",
           "<a xmlns='urn:a'><b></a></b>",
           "<p:a xmlns:p='urn:p' xmlns:q='urn:p'></q:a>",
           "</a>",
           "<a xmlns='urn:a'>&</a>",
           "<a xmlns='urn:a'>&amp</a>",
           "<a xmlns='urn:a'>&#;</a>",
           "<a xmlns='urn:a'>a < b</a>",
           "<a xmlns='urn:a'>]]></a>",
           "<a xmlns='urn:a'><![CDATA[a</a>",
           "<a xmlns='urn:a'><!-- a</a>",
           "<a xmlns='urn:a'><!-- a -- b --></a>",
           "<a xmlns='urn:a' b/>",
           "<a xmlns='urn:a' b=c/>",
           "<a xmlns='urn:a' b='<'/>",
           "<a xmlns='urn:a'b='c'/>",
           "<1 xmlns='urn:a'/>",
           "< a xmlns='urn:a'/>",
           "{\"a\":1}",
       }) {
    EXPECT_TRUE(parsed(text).starts_with("refused: ")) << text;
  }
}

TEST(XmlParser, RefusesTreesThatNamespaceNamesBlowUp) {
  const std::string name(60000, 'n');
  const std::string refused = "refused: the payload repeats a long namespace name too often";
  std::string elements = "<a xmlns='urn:a' xmlns:p='" + name + "'>";
  std::string attributes = elements;
  std::string inherited = "<a xmlns='" + name + "'>";
  for (int i = 0; i < 10000; ++i) {
    elements += "<p:b/>";
    attributes += "<b p:c=''/>";
    inherited += "<b/>";
  }
  EXPECT_EQ(parsed(elements + "</a>"), refused);
  EXPECT_EQ(parsed(attributes + "</a>"), refused);
  EXPECT_EQ(parsed(inherited + "</a>"), refused);
}

TEST(XmlParser, TakesManyElementsWithAnOrdinaryNamespaceName) {
  std::string text =
      "<p:a xmlns:p='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'>";
  for (int i = 0; i < 10000; ++i) text += "<p:b/>";
  EXPECT_TRUE(parsed(text + "</p:a>").starts_with("[a|xmlns=http://docs.oasis-open.org"));
}

// The number of elements, attributes and namespace declarations that `text` needs as its limit.
std::size_t counted(std::string_view text) {
  std::size_t limit = 0;
  while (parsed(text, limit) ==
         "refused: the payload has more elements and attributes than mqtt_max_xml_elements") {
    ++limit;
  }
  EXPECT_TRUE(parsed(text, limit).starts_with('[')) << parsed(text, limit);
  return limit;
}

TEST(XmlParser, LimitsElementsAttributesAndDeclarationsTogether) {
  EXPECT_EQ(counted("<a xmlns='urn:a'/>"), 2U);
  EXPECT_EQ(counted("<a xmlns='urn:a'>text<!-- --><![CDATA[text]]>&lt;</a>"), 2U);
  EXPECT_EQ(counted("<a xmlns='urn:a'><b/><b><b/></b></a>"), 5U);
  EXPECT_EQ(counted("<a xmlns='urn:a' b='' c='' xml:lang='en'/>"), 5U);
  EXPECT_EQ(counted("<a xmlns='urn:a' xmlns:p='urn:p' xmlns:q='urn:q'/>"), 4U);
  EXPECT_EQ(counted("<a xmlns='urn:a'><b xmlns=''/><c xmlns='urn:a'/></a>"), 6U);
  EXPECT_EQ(counted("<a xmlns = \"urn:a\" b='=>c=' c='&lt;b=&quot;&quot;>'>a=b>'<b c=\"'\">c='</b ></a >"),
            6U);
  EXPECT_EQ(
      counted("<!-- <b c=''>' --><a xmlns='urn:a'><!-- <b> - -> --><![CDATA[<b>]] ' >]]></a> <!--<b>-->"),
      2U);
  // In the tree, each of the attributes declares its namespace.
  EXPECT_EQ(counted("<a xmlns='urn:a' xmlns:p='urn:p' p:b='' p:c=''/>"), 7U);
}

TEST(XmlParser, RefusesTooManyElementsWhateverFollows) {
  constexpr std::string_view refused =
      "refused: the payload has more elements and attributes than mqtt_max_xml_elements";
  EXPECT_EQ(parsed("<a xmlns='urn:a'><b/><", 2), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a' b='' c='' ", 3), refused);
  EXPECT_EQ(parsed("<a xmlns='urn:a' xmlns:b='urn:b' xmlns:c='urn:c", 3), refused);
}

TEST(XmlParser, LimitsWhatIsPublished) {
  const auto published = [](std::size_t elements) {
    std::string text = "<a xmlns='urn:a'>";
    for (std::size_t i = 2; i < elements; ++i) text += "<b/>";
    return as_text(element_of(Type::xml, text + "</a>"));
  };
  EXPECT_TRUE(published(Limits{}.max_xml_elements).starts_with("<a xmlns='urn:a'><b/>"));
  EXPECT_EQ(published(Limits{}.max_xml_elements + 1),
            "refused: the payload has more elements and attributes than mqtt_max_xml_elements");
  EXPECT_EQ(as_text(to_element(Type::xml, "<a xmlns='urn:a'/>", {}, 1)),
            "refused: the payload has more elements and attributes than mqtt_max_xml_elements");
}

}  // namespace
}  // namespace pubsub_mqtt::payload
