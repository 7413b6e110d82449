// The results for machines: a JSON array with an object for each row, which holds every figure.
#pragma once

#include <ostream>
#include <span>

#include "row.h"

namespace pubsub_mqtt::bench {

void write_json(std::ostream& out, std::span<const Result> results);

}  // namespace pubsub_mqtt::bench
