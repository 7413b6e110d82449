// How much memory the program holds through operator new, to show what the reader keeps.
#pragma once

#include <cstddef>

namespace pubsub_mqtt {

std::size_t allocated_bytes();

// The most that allocated_bytes() was since the last call of forget_peak().
std::size_t peak_of_allocated_bytes();
void forget_peak();

}  // namespace pubsub_mqtt
