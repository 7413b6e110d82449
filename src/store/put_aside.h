// A database that is damaged, out of the way of a new one. Any thread, while nobody has it open.
#pragma once

#include <string>

namespace pubsub_mqtt::store {

// Gives the database and what SQLite keeps beside it another name, which is returned. Where that fails, the next
// attempt to open it will as well.
std::string put_aside(const std::string& path);

}  // namespace pubsub_mqtt::store
