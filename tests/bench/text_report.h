// The results for people: a line for each pair as it is done, and a summary for each row.
#pragma once

#include <ostream>

#include "row.h"

namespace pubsub_mqtt::bench {

void print_heading(std::ostream& out, const Row& row);
void print_pair(std::ostream& out, const Row& row, const Pair& pair);
void print_summary(std::ostream& out, const Result& result);

}  // namespace pubsub_mqtt::bench
