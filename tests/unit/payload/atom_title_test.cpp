#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "html.h"
#include "html_entities_table.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "trees.h"

namespace pubsub_mqtt::payload {
namespace {

std::string entry(std::string_view inside) {
  return "<entry xmlns='http://www.w3.org/2005/Atom'>" + std::string(inside) + "</entry>";
}

std::optional<std::string> title_of(std::string_view title_element) {
  return carried_from_xmpp(Type::atom_title, entry("<id>urn:a</id>" + std::string(title_element)));
}

// RFC 4287, 4.1.2
TEST(AtomTitle, BecomesACompleteEntry) {
  EXPECT_EQ(as_text(element_of(Type::atom_title, "Rain & wind")),
            entry("<title>Rain &amp; wind</title><id>urn:uuid:1</id><updated>2026-11-22T12:34:56Z</updated>"
                  "<author><name>anonymous</name></author>"));
}

TEST(AtomTitle, IsCarriedByteForByte) {
  for (const std::string& title : std::vector<std::string>{"", "a", " \r\n\ta\n ", "<b>bold</b>", "&amp;",
                                                           "]]>", "caf\xC3\xA9 \xF0\x9F\x98\x80"}) {
    EXPECT_EQ(carried(Type::atom_title, Type::atom_title, title), title);
  }
}

TEST(AtomTitle, MayBeEmpty) {
  EXPECT_EQ(title_of("<title/>"), "");
  EXPECT_EQ(title_of("<title type='xhtml'/>"), "");
}

TEST(AtomTitle, IsRefusedAsUtf8Is) {
  const std::string refused =
      "refused: the payload is not UTF-8, or holds a character that XML 1.0 cannot carry";
  EXPECT_EQ(as_text(element_of(Type::atom_title, "caf\xE9")), refused);
  EXPECT_EQ(as_text(element_of(Type::atom_title, "\xEF\xBF\xBE")), refused);
  EXPECT_EQ(as_text(element_of(Type::atom_title, "\x14")), refused);
  EXPECT_EQ(as_text(element_of(Type::atom_title, std::string_view("a\0", 2))), refused);
}

// RFC 4287, 3.1.1.1
TEST(AtomTitle, OfTypeTextIsItsText) {
  EXPECT_EQ(title_of("<title>a &lt;b&gt; &amp;amp; c</title>"), "a <b> &amp; c");
  EXPECT_EQ(title_of("<title type='text'> a\n<![CDATA[<b>]]></title>"), " a\n<b>");
  EXPECT_EQ(title_of("<atom:title xmlns:atom='http://www.w3.org/2005/Atom' xml:lang='en'>a</atom:title>"),
            "a");
}

// RFC 4287, 3.1.1.2
TEST(AtomTitle, OfTypeHtmlIsWhatAReaderSees) {
  const auto title_of_html = [](std::string_view html) {
    return title_of("<title type='html'><![CDATA[" + std::string(html) + "]]></title>");
  };
  EXPECT_EQ(title_of("<title type='html'>Less: &lt;em> &amp;lt; &lt;/em></title>"), "Less:  < ");
  EXPECT_EQ(title_of_html("<b>a</b> <a href='x?a>b' title=\"c>'d\">link</a><br/>."), "a link.");
  EXPECT_EQ(title_of_html("1 < 2 > 1 <3 &lt;b&gt;"), "1 < 2 > 1 <3 <b>");
  EXPECT_EQ(title_of_html("a<!-- don't > show -->b<!doctype html>c<?php echo ?>d"), "abcd");
  EXPECT_EQ(title_of_html("a<!---->b<!-- open"), "ab");
  EXPECT_EQ(title_of_html("a<b"), "a");
  EXPECT_EQ(title_of_html("a<b title='>"), "a");
  EXPECT_EQ(title_of_html("a<"), "a<");
  EXPECT_EQ(title_of_html(""), "");
}

TEST(AtomTitle, OfTypeHtmlHasItsReferencesResolvedOnce) {
  const auto title_of_html = [](std::string_view html) {
    return title_of("<title type='html'><![CDATA[" + std::string(html) + "]]></title>");
  };
  EXPECT_EQ(title_of_html("&lt;&gt;&amp;&quot;&apos;&nbsp;"), "<>&\"'\xC2\xA0");
  EXPECT_EQ(title_of_html("&#65;&#x42;&#X43;&#xe9;&#8217;&#128512;&#x10FFFF;"),
            "ABC\xC3\xA9\xE2\x80\x99\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF");
  EXPECT_EQ(title_of_html("&amp;lt;&amp;#65;"), "&lt;&#65;");
  for (const char* untouched : {"&",
                                "&;",
                                "&#;",
                                "&#x;",
                                "&unknown;",
                                "AT&T",
                                "a & b;",
                                "&#65",
                                "&#-65;",
                                "&#+65;",
                                "&# 65;",
                                "&#65x;",
                                "&#xG;",
                                "&#0;",
                                "&#1;",
                                "&#xFFFE;",
                                "&#xD800;",
                                "&#x110000;",
                                "&#xC40041;",
                                "&#4294967361;",
                                "&#99999999999999999999;"}) {
    EXPECT_EQ(title_of_html(untouched), untouched);
  }
}

// https://html.spec.whatwg.org/#named-character-reference-state
TEST(AtomTitle, OfTypeHtmlHasHtmlsNamedReferencesResolved) {
  const auto title_of_html = [](std::string_view html) {
    return title_of("<title type='html'><![CDATA[" + std::string(html) + "]]></title>");
  };
  EXPECT_EQ(title_of_html("Caf&eacute;&hellip; &Eacute;&EACUTE;"), "Caf\u00E9\u2026 \u00C9&EACUTE;");
  EXPECT_EQ(title_of_html("&CounterClockwiseContourIntegral;&zwnj;&AElig;"), "\u2233\u200C\u00C6");
  EXPECT_EQ(title_of_html("&Zopf;&bopf;"), "\u2124\U0001D553");
  EXPECT_EQ(title_of_html("&NotEqualTilde;&fjlig;&ThickSpace;"), "\u2242\u0338fj\u205F\u200A");
  EXPECT_EQ(title_of_html("&Tab;&NewLine;"), "\t\n");
  // Some need no semicolon, and the longest name counts.
  EXPECT_EQ(title_of_html("&lt&eacute &copy2026"), "<\u00E9 \u00A92026");
  EXPECT_EQ(title_of_html("&not &notin; &notit; &notin"), "\u00AC \u2209 \u00ACit; \u00ACin");
  for (const char* untouched :
       {"&hellip", "&hellip ;", "& eacute;", "&eacut;", "&A", "&z", "&frac;", "&1;", "&_;"}) {
    EXPECT_EQ(title_of_html(untouched), untouched);
  }
}

TEST(AtomTitle, OfTypeHtmlKnowsEveryNameOfHtml) {
  std::size_t names = 0;
  std::string_view table = html_entities_table;
  while (!table.empty()) {
    const std::string_view entry = table.substr(0, table.find('\0'));
    const std::string name(entry.substr(0, entry.find(' ')));
    const std::string characters(entry.substr(name.size() + 1));
    EXPECT_TRUE(is_xml_text(characters)) << name;
    EXPECT_EQ(plain_text_of_html("&" + name), characters) << name;
    EXPECT_EQ(plain_text_of_html("&" + name + " &" + name + "-"), characters + ' ' + characters + '-')
        << name;
    table.remove_prefix(entry.size() + 1);
    ++names;
  }
  EXPECT_EQ(names, 2231U);
}

// RFC 4287, 3.1.1.3
TEST(AtomTitle, OfTypeXhtmlIsTheTextOfItsDiv) {
  EXPECT_EQ(title_of("<title type='xhtml'>\n <div xmlns='http://www.w3.org/1999/xhtml'>a <b>b<i>c</i></b> "
                     "&lt;d></div>\n "
                     "</title>"),
            "a bc <d>");
  EXPECT_EQ(title_of("<title type='xhtml'><div>no <b>XHTML</b></div></title>"), "no XHTML");
}

TEST(AtomTitle, IsTheFirstOfSeveral) { EXPECT_EQ(title_of("<title>a</title><title>b</title>"), "a"); }

TEST(AtomTitle, IsNoneWithoutATitle) {
  EXPECT_EQ(title_of(""), std::nullopt);
  EXPECT_EQ(title_of("<title xmlns='urn:a'>a</title>"), std::nullopt);
  EXPECT_EQ(title_of("<title xmlns=''>a</title>"), std::nullopt);
  EXPECT_EQ(title_of("<source><title>a</title></source>"), std::nullopt);
}

TEST(AtomTitle, IsNoneInAnotherElement) {
  EXPECT_EQ(carried_from_xmpp(Type::atom_title,
                              "<feed xmlns='http://www.w3.org/2005/Atom'><title>a</title></feed>"),
            std::nullopt);
  EXPECT_EQ(carried_from_xmpp(Type::atom_title, "<entry xmlns='urn:a'><title>a</title></entry>"),
            std::nullopt);
}

TEST(AtomTitle, IsNoneInItemsOfOtherTypes) {
  EXPECT_EQ(carried(Type::json, Type::atom_title, "\"a\""), std::nullopt);
  EXPECT_EQ(carried(Type::utf8, Type::atom_title, "a"), std::nullopt);
  EXPECT_EQ(carried(Type::xml, Type::atom_title, "<a xmlns='urn:a'>a</a>"), std::nullopt);
}

}  // namespace
}  // namespace pubsub_mqtt::payload
