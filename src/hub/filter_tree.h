// Which sessions have a filter with a wildcard that selects a node: a tree of levels, so that the answer does
// not depend on how many filters do not match. Prosody's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "pubsub_mqtt/boundary/requests.h"

namespace pubsub_mqtt::hub {

class FilterTree {
 public:
  // `filter` has passed topic::parse_filter(). A session inserts a filter once.
  void insert(std::string_view filter, SessionId session);
  void erase(std::string_view filter, SessionId session);

  // The sessions with a filter that selects a topic of the node, of whichever TYPE.
  std::set<SessionId> match(std::string_view host, std::string_view node) const;

 private:
  struct Level {
    std::map<std::string, std::unique_ptr<Level>, std::less<>> next;
    std::set<SessionId> sessions;  // of the filters that end here
  };
  static bool erase_below(Level& level, std::string_view rest, bool at_end, SessionId session);
  static void match_node(const Level& level, std::string_view rest, bool at_end, std::set<SessionId>& found);
  static void match_type(const Level& level, std::string_view node, std::set<SessionId>& found);
  static void add_multi_level(const Level& level, std::set<SessionId>& found);

  Level root_;
};

}  // namespace pubsub_mqtt::hub
