#include "chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "summary.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double left = 330;  // where a ratio of lowest stands
constexpr double width = 480;
constexpr double row_height = 26;
constexpr double top = 50;

// The axis is logarithmic: twice and half are equally far from 1.
constexpr double lowest = 0.03125;
constexpr double highest = 32;

double x_of(double ratio) {
  const double share = std::log2(std::clamp(ratio, lowest, highest) / lowest) / std::log2(highest / lowest);
  return left + share * width;
}

std::string two_decimals(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

void write_text(std::ostream& out, double x, double y, const std::string& anchor, const std::string& text) {
  out << "<text x='" << x << "' y='" << y << "' text-anchor='" << anchor << "'>" << text << "</text>\n";
}

void write_line(std::ostream& out, double x1, double y1, double x2, double y2, const std::string& style) {
  out << "<line x1='" << x1 << "' y1='" << y1 << "' x2='" << x2 << "' y2='" << y2 << "' " << style << "/>\n";
}

void write_axis(std::ostream& out, double bottom) {
  for (double ratio = lowest; ratio <= highest; ratio *= 2) {
    write_line(out, x_of(ratio), top, x_of(ratio), bottom, ratio == 1 ? "stroke='#000'" : "stroke='#ddd'");
    char label[64];
    std::snprintf(label, sizeof label, "%g", ratio >= 1 ? ratio : 1 / ratio);
    write_text(out, x_of(ratio), top - 6, "middle", ratio >= 1 ? label : std::string("1/") + label);
  }
}

void write_bar(std::ostream& out, const Result& result, double y) {
  const Spread ratio = ratios(result);
  const double from = std::min(x_of(1), x_of(ratio.median));
  const double size = std::abs(x_of(ratio.median) - x_of(1));
  const double middle = y + row_height / 2;
  out << "<rect x='" << from << "' y='" << y + 5 << "' width='" << size << "' height='" << row_height - 10
      << "' fill='#69b'/>\n";
  write_line(out, x_of(ratio.min), middle, x_of(ratio.max), middle, "stroke='#000' stroke-width='2'");
  for (const Target& target : result.row->targets) {
    if (target.figure != Target::Figure::ratio) continue;
    write_line(out, x_of(target.limit), y + 2, x_of(target.limit), y + row_height - 2,
               is_met(result, target) ? "stroke='#080' stroke-width='3'" : "stroke='#c00' stroke-width='3'");
  }
  write_text(out, left + width + 10, middle + 4, "start", two_decimals(ratio.median));
}

}  // namespace

void write_chart(std::ostream& out, std::span<const Result> results) {
  const double bottom = top + row_height * static_cast<double>(results.size());
  out << "<svg xmlns='http://www.w3.org/2000/svg' width='" << left + width + 70 << "' height='" << bottom + 10
      << "' font-family='sans-serif' font-size='12'>\n"
      << "<rect width='100%' height='100%' fill='#fff'/>\n";
  write_text(out, 10, 20, "start",
             "Ratios: the bar is the median, the black line the spread, the coloured line the target");
  write_axis(out, bottom);
  double y = top;
  for (const Result& result : results) {
    const Row& row = *result.row;
    write_text(out, left - 8, y + row_height / 2 + 4, "end",
               row.name + ", " + row.subject + " / " + row.reference);
    if (result.failure.empty()) write_bar(out, result, y);
    if (!result.failure.empty()) write_text(out, left + 8, y + row_height / 2 + 4, "start", "FAILED");
    y += row_height;
  }
  out << "</svg>\n";
}

}  // namespace pubsub_mqtt::bench
