// What the pairs of a row say together.
#pragma once

#include <vector>

#include "row.h"

namespace pubsub_mqtt::bench {

struct Spread {
  double min = 0;
  double median = 0;
  double max = 0;
};

Spread spread(std::vector<double> values);  // not empty

Spread ratios(const Result& result);
Spread values(const Result& result, Sample Pair::*side);

// The median over the pairs: of the subject, but for the ratio.
double figure(const Result& result, Target::Figure figure);
bool is_met(const Result& result, const Target& target);

}  // namespace pubsub_mqtt::bench
