// A row of the bench: one load, against the gateway and against what it is compared with.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "latencies.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::bench {

// What one run of a load gave.
struct Sample {
  double value = 0;                      // in the row's unit
  std::uint32_t published = 0;           // messages, where that is counted
  std::optional<double> delivered = {};  // share of the messages that arrived
  std::optional<Latencies> latencies = {};
  std::optional<Latencies> synchronizations = {};  // of the disk (synchronizations.h), where they matter
  std::size_t resident_bytes = 0;                  // of the server's process, at its peak
  std::string failure = {};                        // a wrong answer; empty: none
};

struct Target {
  enum class Figure { value, ratio, delivered, latency_p99, resident_bytes };  // latency in milliseconds
  enum class Bound { at_least, at_most };

  Figure figure = Figure::ratio;
  Bound bound = Bound::at_least;
  double limit = 0;
};

// Both sides of a pair. They may share what they hold, a server for instance. Either throws where it fails.
struct Sides {
  std::function<Sample()> subject;
  std::function<Sample()> reference;
};

struct Settings {
  int pairs = 5;
  double seconds = 2;                                           // of load, in each run
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;  // that the clients speak
};

struct Row {
  std::string name;
  std::string what;  // is measured
  std::string unit;
  std::string subject = "gateway";
  std::string reference = "mosquitto";
  std::vector<Target> targets;
  std::function<Sides(const Settings&)> prepare;
};

struct Pair {
  Sample subject;
  Sample reference;

  double ratio() const { return reference.value > 0 ? subject.value / reference.value : 0; }
};

struct Result {
  const Row* row;
  std::vector<Pair> pairs;
  std::string failure;  // the first of all; empty: none
};

// Runs the pairs, alternately; `after_each` sees each as it is done. A side that throws ends the row.
Result run(const Row& row, const Settings& settings, const std::function<void(const Pair&)>& after_each);

}  // namespace pubsub_mqtt::bench
