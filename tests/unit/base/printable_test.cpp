#include "pubsub_mqtt/base/printable.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt {
namespace {

TEST(PrintableTest, OrdinaryTextStays) { EXPECT_EQ(printable("Zähler 7"), "Zähler 7"); }

TEST(PrintableTest, ControlCharactersCannotForgeALogLine) {
  EXPECT_EQ(printable("a\nerror\x1b[2J\x7f"), "a\\x0aerror\\x1b[2J\\x7f");
  EXPECT_EQ(printable("a\xC2\x85z"), "a\\xc2\\x85z");
  EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0");
  EXPECT_EQ(printable("\"\\"), "\\x22\\x5c");
}

TEST(PrintableTest, LongTextIsCutAtACharacter) {
  EXPECT_EQ(printable(std::string(max_printable, 'a')), std::string(max_printable, 'a'));
  std::string text(max_printable - 1, 'a');
  EXPECT_EQ(printable(text + "\xC3\xA4"), text + "...");
}

}  // namespace
}  // namespace pubsub_mqtt
