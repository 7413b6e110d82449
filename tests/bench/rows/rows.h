// All rows, each kind in a file of its own.
#pragma once

#include <vector>

#include "row.h"

namespace pubsub_mqtt::bench {

std::vector<Row> one_to_one_rows();
std::vector<Row> fan_out_rows();

}  // namespace pubsub_mqtt::bench
