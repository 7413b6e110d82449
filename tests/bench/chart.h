// The ratios as an SVG picture: a bar for each row, its spread, and its target.
#pragma once

#include <ostream>
#include <span>

#include "row.h"

namespace pubsub_mqtt::bench {

void write_chart(std::ostream& out, std::span<const Result> results);

}  // namespace pubsub_mqtt::bench
