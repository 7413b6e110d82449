// HTML fragments as Atom carries them in `type="html"` (RFC 4287, 3.1.1.2). Any thread.
#pragma once

#include <string>
#include <string_view>

namespace pubsub_mqtt::payload {

// The text a reader would see: without tags and comments, with character references resolved. A reference
// that is none of HTML's, or stands for what XML 1.0 cannot carry, stays as it is.
std::string plain_text_of_html(std::string_view html);

}  // namespace pubsub_mqtt::payload
