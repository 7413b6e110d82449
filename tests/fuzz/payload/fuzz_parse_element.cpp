// Any bytes as XML: they are refused, or give a tree in the one form, which survives being written and read.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "check_tree.h"
#include "pubsub_mqtt/payload/xml_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pubsub_mqtt::payload;
  const std::vector<char> text(data, data + size);
  const auto result = parse_element({text.data(), text.size()});
  if (const auto* document = std::get_if<pugi::xml_document>(&result)) {
    require(is_xml_text({text.data(), text.size()}), "only XML text is accepted");
    check_tree(*document);
  } else {
    require(!std::get<Refused>(result).reason.empty(), "a refusal has a reason");
  }
  return 0;
}
