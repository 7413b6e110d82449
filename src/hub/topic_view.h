// What topics and filters mean, as the administrator sees it: by the rules for clients. Prosody's thread only.
#pragma once

#include <string_view>

#include "pubsub_mqtt/hub/administration.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

TopicView meaning_of_topic(std::string_view named, std::string_view account,
                           std::string_view client_identifier, const Shared& shared);
TopicView meaning_of_filter(std::string_view named, const Shared& shared);

}  // namespace pubsub_mqtt::hub
