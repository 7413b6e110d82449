#include "summary.h"

#include <algorithm>

namespace pubsub_mqtt::bench {
namespace {

double figure_of(const Pair& pair, Target::Figure figure) {
  switch (figure) {
    case Target::Figure::value:
      return pair.subject.value;
    case Target::Figure::ratio:
      return pair.ratio();
    case Target::Figure::delivered:
      return pair.subject.delivered.value_or(0);
    case Target::Figure::latency_p99:
      return pair.subject.latencies ? static_cast<double>(pair.subject.latencies->percentile(0.99)) / 1e6 : 0;
    case Target::Figure::resident_bytes:
      return static_cast<double>(pair.subject.resident_bytes);
  }
  return 0;
}

}  // namespace

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {.min = values.front(), .median = median, .max = values.back()};
}

Spread ratios(const Result& result) {
  std::vector<double> all;
  for (const Pair& pair : result.pairs) all.push_back(pair.ratio());
  return spread(std::move(all));
}

Spread values(const Result& result, Sample Pair::*side) {
  std::vector<double> all;
  for (const Pair& pair : result.pairs) all.push_back((pair.*side).value);
  return spread(std::move(all));
}

double figure(const Result& result, Target::Figure figure) {
  std::vector<double> all;
  for (const Pair& pair : result.pairs) all.push_back(figure_of(pair, figure));
  return spread(std::move(all)).median;
}

bool is_met(const Result& result, const Target& target) {
  const double value = figure(result, target.figure);
  return target.bound == Target::Bound::at_least ? value >= target.limit : value <= target.limit;
}

}  // namespace pubsub_mqtt::bench
