// Any bytes as XML: they are refused, or give a tree in the one form, which survives being written and read.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <variant>
#include <vector>

#include "check_tree.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace {

using namespace pubsub_mqtt::payload;

std::size_t size_of(const pugi::xml_node& node) {
  const auto attributes = node.attributes();
  auto size = static_cast<std::size_t>(std::distance(attributes.begin(), attributes.end()));
  size += node.type() == pugi::node_element;
  for (const pugi::xml_node& child : node.children()) size += size_of(child);
  return size;
}

// A limit only ever refuses, and bounds the tree, where every element has an `xmlns` that the text need not
// have.
void check_limit(std::string_view text, const std::variant<pugi::xml_document, Refused>& unlimited) {
  constexpr std::size_t limit = 20;
  const auto limited = parse_element(text, limit);
  if (!std::holds_alternative<pugi::xml_document>(limited)) return;
  require(std::holds_alternative<pugi::xml_document>(unlimited), "a limit makes nothing acceptable");
  require(size_of(std::get<pugi::xml_document>(limited)) <= 2 * limit, "a limit holds for the tree");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> text(data, data + size);
  const auto result = parse_element({text.data(), text.size()});
  check_limit({text.data(), text.size()}, result);
  if (const auto* document = std::get_if<pugi::xml_document>(&result)) {
    require(is_xml_text({text.data(), text.size()}), "only XML text is accepted");
    check_tree(*document);
  } else {
    require(!std::get<Refused>(result).reason.empty(), "a refusal has a reason");
  }
  return 0;
}
