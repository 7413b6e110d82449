#include "text_report.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "summary.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double mebibyte = 1024 * 1024;

std::string with_decimals(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

// Three digits at least, thousands apart.
std::string number(double value) {
  if (value < 100) return with_decimals(value, value < 10 ? 2 : 1);
  std::string text = with_decimals(value, 0);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

// Nothing but all is 100 %.
std::string percent(double share) {
  return share == 1 ? "100 %" : with_decimals(std::min(100 * share, 99.99), 2) + " %";
}

std::string milliseconds(std::uint64_t nanoseconds) { return number(static_cast<double>(nanoseconds) / 1e6); }

void print_side(std::ostream& out, const std::string& who, const Sample& sample) {
  out << "  " << who << ' ' << number(sample.value);
  if (sample.delivered) out << ", delivered " << percent(*sample.delivered);
  if (sample.latencies) {
    out << ", ms p50 " << milliseconds(sample.latencies->percentile(0.5)) << " p99 "
        << milliseconds(sample.latencies->percentile(0.99)) << " max "
        << milliseconds(sample.latencies->max());
  }
  if (sample.synchronizations) {
    out << ", fsync ms p50 " << milliseconds(sample.synchronizations->percentile(0.5)) << " p99 "
        << milliseconds(sample.synchronizations->percentile(0.99));
  }
  if (sample.resident_bytes != 0) {
    out << ", " << number(static_cast<double>(sample.resident_bytes) / mebibyte) << " MiB";
  }
  if (!sample.failure.empty()) out << ", FAILED: " << sample.failure;
  out << " |";
}

std::string text_of(const Target& target) {
  const std::string bound = target.bound == Target::Bound::at_least ? " >= " : " <= ";
  switch (target.figure) {
    case Target::Figure::value:
      return "value" + bound + number(target.limit);
    case Target::Figure::ratio:
      return "ratio" + bound + number(target.limit);
    case Target::Figure::delivered:
      return "delivered" + bound + percent(target.limit);
    case Target::Figure::latency_p99:
      return "p99" + bound + number(target.limit) + " ms";
    case Target::Figure::resident_bytes:
      return "resident" + bound + number(target.limit / mebibyte) + " MiB";
  }
  return {};
}

void print_spread(std::ostream& out, const std::string& who, const Spread& spread) {
  out << who << ' ' << number(spread.median) << " (" << number(spread.min) << " to " << number(spread.max)
      << ')';
}

}  // namespace

void print_heading(std::ostream& out, const Row& row) {
  out << '\n' << row.name << ": " << row.what << ", " << row.unit << std::endl;
}

void print_pair(std::ostream& out, const Row& row, const Pair& pair) {
  print_side(out, row.subject, pair.subject);
  print_side(out, row.reference, pair.reference);
  out << " ratio " << number(pair.ratio()) << std::endl;
}

void print_summary(std::ostream& out, const Result& result) {
  if (!result.failure.empty()) {
    out << "  FAILED: " << result.failure << std::endl;
    return;
  }
  print_spread(out, "  = " + result.row->subject, values(result, &Pair::subject));
  print_spread(out, ", " + result.row->reference, values(result, &Pair::reference));
  print_spread(out, ", ratio", ratios(result));
  for (const Target& target : result.row->targets) {
    out << "; target " << text_of(target) << ": " << (is_met(result, target) ? "met" : "missed");
  }
  out << std::endl;
}

}  // namespace pubsub_mqtt::bench
