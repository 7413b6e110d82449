// Who has a filter that selects a node: a tree of levels, so that the answer does not depend on how many filters do
// not match. A value; any thread, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace pubsub_mqtt::topic {

class FilterTree {
 public:
  using Owner = std::uint64_t;

  // `filter` has passed parse_filter(). Who inserts one twice erases it twice.
  void insert(std::string_view filter, Owner owner);
  void erase(std::string_view filter, Owner owner);

  // Those with a filter that selects a topic of the node, of whichever TYPE.
  std::set<Owner> match(std::string_view host, std::string_view node) const;

 private:
  struct Level {
    std::map<std::string, std::unique_ptr<Level>, std::less<>> next;
    std::multiset<Owner> owners;  // of the filters that end here
  };
  static bool erase_below(Level& level, std::string_view rest, bool at_end, Owner owner);
  static void match_node(const Level& level, std::string_view rest, bool at_end, std::set<Owner>& found);
  static void match_type(const Level& level, std::string_view node, std::set<Owner>& found);
  static void add_multi_level(const Level& level, std::set<Owner>& found);

  Level root_;
};

}  // namespace pubsub_mqtt::topic
