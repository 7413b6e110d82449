// How much work an XML text would be, before the work is done. Any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace pubsub_mqtt::payload {

// The number of elements, attributes and namespace declarations of a well-formed XML text without a DOCTYPE;
// something between none and its size for any other text. Stops counting at some number above `limit`.
// libexpat reads all attributes of an element before it reports the first, so it could not be stopped in
// time.
std::size_t count_elements(std::string_view text, std::size_t limit);

}  // namespace pubsub_mqtt::payload
