#include "pubsub_mqtt/topic/filter_tree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::topic {
namespace {

const std::vector<std::string> filters = {
    "#",        "+/#",        "h/#",      "h/json/#",       "h/+/#",      "h/+/a",
    "h/json/+", "h/json/a/+", "+/json/a", "+/+/+/b",        "h/utf8/a/#", "h/json/+/b",
    "other/#",  "h/json/+/+", "h/xml/#",  "+/atom_title/#", "h/json//+",  "h/json/+/#"};
const std::vector<std::string> nodes = {"a", "b", "a/b", "a/b/c", "/a", "a/", "/", "a//b"};

// The tree finds what each pattern by itself selects, and nothing else.
TEST(FilterTreeTest, AgreesWithThePatternsOneByOne) {
  FilterTree tree;
  for (std::size_t i = 0; i < filters.size(); ++i) tree.insert(filters[i], i);
  for (const std::string_view host : {"h", "other", "third"}) {
    for (const auto& node : nodes) {
      std::set<FilterTree::Owner> expected;
      for (std::size_t i = 0; i < filters.size(); ++i) {
        if (std::get<NodePattern>(parse_filter(filters[i])).selects(host, node)) expected.insert(i);
      }
      EXPECT_EQ(tree.match(host, node), expected) << host << ' ' << node;
    }
  }
}

TEST(FilterTreeTest, WhatIsErasedMatchesNoMore) {
  FilterTree tree;
  for (std::size_t i = 0; i < filters.size(); ++i) tree.insert(filters[i], i);
  for (std::size_t i = 1; i < filters.size(); ++i) tree.erase(filters[i], i);
  EXPECT_EQ(tree.match("h", "a"), std::set<FilterTree::Owner>{0});
  tree.erase("#", 0);
  tree.erase("never/inserted/#", 7);
  EXPECT_TRUE(tree.match("h", "a").empty());
}

TEST(FilterTreeTest, OwnersShareFilters) {
  FilterTree tree;
  tree.insert("h/#", 1);
  tree.insert("h/#", 2);
  EXPECT_EQ(tree.match("h", "a"), (std::set<FilterTree::Owner>{1, 2}));
  tree.erase("h/#", 1);
  EXPECT_EQ(tree.match("h", "a"), std::set<FilterTree::Owner>{2});
}

// In two groups, say.
TEST(FilterTreeTest, AFilterThatWasInsertedTwiceIsErasedTwice) {
  FilterTree tree;
  tree.insert("h/json/a", 1);
  tree.insert("h/json/a", 1);
  tree.erase("h/json/a", 1);
  EXPECT_EQ(tree.match("h", "a"), std::set<FilterTree::Owner>{1});
  EXPECT_TRUE(tree.match("h", "b").empty());
  tree.erase("h/json/a", 1);
  EXPECT_TRUE(tree.match("h", "a").empty());
}

}  // namespace
}  // namespace pubsub_mqtt::topic
