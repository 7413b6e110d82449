// Topics and retained messages as the administrator asks for them.
#include "pubsub_mqtt/hub/administration.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

class AdministrationTest : public HubTest {
 protected:
  std::vector<RetainedView> all_retained(const std::string& filter, std::size_t most = 1000) {
    std::vector<RetainedView> all;
    RetainedPosition from;
    pages = 0;
    while (true) {
      auto page = hub.retained(filter, from, most);
      EXPECT_LE(page.messages.size(), most);
      all.insert(all.end(), page.messages.begin(), page.messages.end());
      ++pages;
      if (page.is_last) return all;
      from = page.next;
    }
  }

  void mount(const std::string& setting) {
    hub.set_mountpoint(std::get<topic::Mountpoint>(topic::Mountpoint::parse(setting, {"pubsub"})));
  }

  int pages = 0;
};

TEST_F(AdministrationTest, RetainedMessagesComeAPageAtATime) {
  for (int i = 0; i < 30; ++i) {
    create("room/" + std::to_string(i));
    retain("pubsub/json/room/" + std::to_string(i), "[1,\n2]");
  }
  for (int i = 0; i < 3000; ++i) create("sensor/" + std::to_string(i));
  retain("pubsub/utf8/node", "text");
  const auto all = all_retained("#", 7);
  EXPECT_EQ(all.size(), 31U);
  EXPECT_GT(pages, 7) << "and nodes are gone through in pieces";
  const auto rooms = all_retained("pubsub/json/room/+");
  ASSERT_EQ(rooms.size(), 30U);
  EXPECT_EQ(rooms[0].topic, "pubsub/json/room/0");
  EXPECT_EQ(rooms[0].node, "room/0");
  EXPECT_EQ(rooms[0].excerpt, "[1, 2]");
  EXPECT_EQ(rooms[0].bytes, 6U);
  EXPECT_FALSE(rooms[0].expires_in);
  EXPECT_TRUE(all_retained("pubsub/utf8/room/#").empty()) << "of another TYPE";
  EXPECT_EQ(all_retained("pubsub/xml/room/3").size(), 1U);
  EXPECT_TRUE(all_retained("pubsub/xml/room/nowhere").empty());
}

TEST_F(AdministrationTest, AnExcerptIsALineOfText) {
  retain("pubsub/binary/node", std::string("\xFF\x00", 2));
  EXPECT_EQ(all_retained("#").at(0).excerpt, "");
  std::string text(98, 'x');
  retain("pubsub/utf8/node", text + "\u00E4\u00E4");
  EXPECT_EQ(all_retained("#").at(0).excerpt, text + "\u00E4...");
}

TEST_F(AdministrationTest, ARetainedMessageIsClearedAsByAClient) {
  retain("pubsub/json/node", "1");
  subscribe(1, "pubsub/json/node");
  take<ItemPublished>();
  EXPECT_TRUE(hub.clear_retained("pubsub", "node"));
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<ItemPublished>().payloads[json], "");
  EXPECT_EQ(service.retracted, 1);
  EXPECT_FALSE(hub.clear_retained("pubsub", "node"));
  EXPECT_FALSE(hub.clear_retained("pubsub", "nowhere"));
}

TEST_F(AdministrationTest, ATopicIsWhatAClientMeans) {
  const auto view = hub.topic("pubsub/json/a/b", "", "");
  EXPECT_EQ(view.host, "pubsub");
  EXPECT_EQ(view.type, "json");
  EXPECT_EQ(view.node, "a/b");
  EXPECT_FALSE(view.is_mounted);
  EXPECT_NE(hub.topic("pubsub/nonsense/a", "", "").fault, "");
  EXPECT_NE(hub.topic("pubsub/json/#", "", "").fault, "");
  EXPECT_NE(hub.topic("", "", "").fault, "");
  mount("pubsub/any/%u/%c");
  EXPECT_EQ(hub.topic("lamp", "juliet@capulet.lit", "meter").topic,
            "pubsub/any/juliet@capulet.lit/meter/lamp");
  EXPECT_TRUE(hub.topic("lamp", "", "").is_mounted);
}

TEST_F(AdministrationTest, AFilterIsWhatAClientMeans) {
  EXPECT_EQ(hub.filter("#").fault, "");
  EXPECT_NE(hub.filter("a/#/b").fault, "");
  EXPECT_NE(hub.filter("$SYS/#").fault, "");
  EXPECT_NE(hub.filter("a/b").fault, "");
  mount("pubsub/any/home");
  EXPECT_EQ(hub.filter("a/b").topic, "pubsub/any/home/a/b");
}

TEST_F(AdministrationTest, ASessionIsEnded) {
  hub.end_session(7);
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<EndSession>().session, 7U);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
