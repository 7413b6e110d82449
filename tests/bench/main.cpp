// bench [--version 3.1|3.1.1|5] [--pairs N] [--seconds S] [--json FILE] [--chart FILE] [row ...]: see
// docs/performance.md.
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "chart.h"
#include "json_report.h"
#include "row.h"
#include "rows/rows.h"
#include "text_report.h"

namespace pubsub_mqtt::bench {
namespace {

struct Options {
  Settings settings = {};
  std::string json = {};
  std::string chart = {};
  std::vector<std::string> rows = {};  // beginnings of names; none: all rows
};

constexpr std::string_view usage =
    "usage: tests/bench/run [--version 3.1|3.1.1|5] [--pairs N] [--seconds S] [--json FILE] [--chart FILE] "
    "[row ...]\n"
    "A row is named as below, or by the beginning of its name; without any, all are run.\n\n";

std::vector<Row> all_rows() {
  std::vector<Row> all;
  for (const auto& rows :
       {one_to_one_rows(), fan_out_rows(), through_pubsub_rows(), no_xmpp_subscriber_rows(), idle_rows(),
        websocket_rows(), ping_rows(), growth_rows(), memory_rows(), version_rows(), mounted_rows(),
        attack_rows(), durable_rows(), durable_puback_rows(), durable_start_rows(), scale_rows(),
        persisting_rows(), persisting_publish_rows(), persisting_ping_rows()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

mqtt::ProtocolLevel level_of(const std::string& version) {
  if (version == "3.1") return mqtt::ProtocolLevel::mqtt_3_1;
  if (version == "3.1.1") return mqtt::ProtocolLevel::mqtt_3_1_1;
  if (version == "5") return mqtt::ProtocolLevel::mqtt_5;
  throw std::invalid_argument("unknown version of MQTT " + version);
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with("--")) {
      options.rows.push_back(argument);
      continue;
    }
    if (i + 1 == arguments.size()) throw std::invalid_argument("a value is missing after " + argument);
    const std::string& value = arguments[++i];
    if (argument == "--version") {
      options.settings.level = level_of(value);
    } else if (argument == "--pairs") {
      options.settings.pairs = std::stoi(value);
    } else if (argument == "--seconds") {
      options.settings.seconds = std::stod(value);
    } else if (argument == "--json") {
      options.json = value;
    } else if (argument == "--chart") {
      options.chart = value;
    } else {
      throw std::invalid_argument("unknown option " + argument);
    }
  }
  if (options.settings.pairs < 1 || options.settings.seconds <= 0) {
    throw std::invalid_argument("--pairs and --seconds must be more than 0");
  }
  return options;
}

std::vector<Row> chosen(const std::vector<Row>& all, const std::vector<std::string>& names) {
  if (names.empty()) return all;
  std::vector<Row> rows;
  for (const std::string& name : names) {
    const std::size_t before = rows.size();
    for (const Row& row : all) {
      if (row.name.starts_with(name)) rows.push_back(row);
    }
    if (rows.size() == before) throw std::invalid_argument("no row begins with " + name);
  }
  return rows;
}

// Ten thousand connections have ten thousand descriptors.
void raise_open_files() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// Returns the exit status: what is slow is no failure, what is wrong is one.
int run_rows(const std::vector<Row>& rows, const Options& options) {
  std::vector<Result> results;
  bool failed = false;
  for (const Row& row : rows) {
    print_heading(std::cout, row);
    results.push_back(
        run(row, options.settings, [&](const Pair& pair) { print_pair(std::cout, row, pair); }));
    print_summary(std::cout, results.back());
    failed = failed || !results.back().failure.empty();
  }
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    write_json(file, results);
  }
  if (!options.chart.empty()) {
    std::ofstream file(options.chart);
    write_chart(file, results);
  }
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void print_usage(std::ostream& out, const std::vector<Row>& rows) {
  out << usage;
  for (const Row& row : rows) out << "  " << row.name << ": " << row.what << '\n';
}

int main_of(const std::vector<std::string>& arguments) {
  const std::vector<Row> all = all_rows();
  if (std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
    print_usage(std::cout, all);
    return EXIT_SUCCESS;
  }
  Options options;
  std::vector<Row> rows;
  try {
    options = parse(arguments);
    rows = chosen(all, options.rows);
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << "\n\n";
    print_usage(std::cerr, all);
    return 2;
  }
  raise_open_files();
  return run_rows(rows, options);
}

}  // namespace
}  // namespace pubsub_mqtt::bench

int main(int argc, char** argv) { return pubsub_mqtt::bench::main_of({argv + 1, argv + argc}); }
