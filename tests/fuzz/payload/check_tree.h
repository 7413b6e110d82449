// What holds for every tree that the room payload lets into an item.
#pragma once

#include <pugixml.hpp>

namespace pubsub_mqtt::payload {

// Aborts, and says why, if it does not hold.
void require(bool holds, const char* what);

// The form that translate.h describes, characters that XML can carry, and the same tree again after XML text.
void check_tree(const pugi::xml_document& document);

}  // namespace pubsub_mqtt::payload
