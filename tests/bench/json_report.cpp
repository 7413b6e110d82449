#include "json_report.h"

#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>

#include "summary.h"

namespace pubsub_mqtt::bench {
namespace {

using Writer = rapidjson::PrettyWriter<rapidjson::OStreamWrapper>;

void write(Writer& json, const char* key, const std::string& value) {
  json.Key(key);
  json.String(value.c_str());
}

void write(Writer& json, const char* key, double value) {
  json.Key(key);
  json.Double(value);
}

void write(Writer& json, const char* key, std::size_t value) {
  json.Key(key);
  json.Uint64(value);
}

void write_sample(Writer& json, const char* key, const Sample& sample) {
  json.Key(key);
  json.StartObject();
  write(json, "value", sample.value);
  if (sample.delivered) write(json, "delivered", *sample.delivered);
  if (sample.latencies) {
    write(json, "latency_p50_ns", sample.latencies->percentile(0.5));
    write(json, "latency_p99_ns", sample.latencies->percentile(0.99));
    write(json, "latency_max_ns", sample.latencies->max());
  }
  if (sample.synchronizations) {
    write(json, "fsync_p50_ns", sample.synchronizations->percentile(0.5));
    write(json, "fsync_p99_ns", sample.synchronizations->percentile(0.99));
  }
  write(json, "resident_bytes", sample.resident_bytes);
  if (!sample.failure.empty()) write(json, "failure", sample.failure);
  json.EndObject();
}

void write_spread(Writer& json, const char* key, const Spread& spread) {
  json.Key(key);
  json.StartObject();
  write(json, "min", spread.min);
  write(json, "median", spread.median);
  write(json, "max", spread.max);
  json.EndObject();
}

const char* name_of(Target::Figure figure) {
  switch (figure) {
    case Target::Figure::value:
      return "value";
    case Target::Figure::ratio:
      return "ratio";
    case Target::Figure::delivered:
      return "delivered";
    case Target::Figure::latency_p99:
      return "latency_p99_ms";
    case Target::Figure::resident_bytes:
      return "resident_bytes";
  }
  return "";
}

void write_targets(Writer& json, const Result& result) {
  json.Key("targets");
  json.StartArray();
  for (const Target& target : result.row->targets) {
    json.StartObject();
    write(json, "figure", std::string(name_of(target.figure)));
    write(json, target.bound == Target::Bound::at_least ? "at_least" : "at_most", target.limit);
    write(json, "measured", figure(result, target.figure));
    json.Key("met");
    json.Bool(is_met(result, target));
    json.EndObject();
  }
  json.EndArray();
}

void write_result(Writer& json, const Result& result) {
  json.StartObject();
  write(json, "row", result.row->name);
  write(json, "unit", result.row->unit);
  write(json, "subject", result.row->subject);
  write(json, "reference", result.row->reference);
  if (!result.failure.empty()) write(json, "failure", result.failure);
  json.Key("pairs");
  json.StartArray();
  for (const Pair& pair : result.pairs) {
    json.StartObject();
    write_sample(json, "subject", pair.subject);
    write_sample(json, "reference", pair.reference);
    write(json, "ratio", pair.ratio());
    json.EndObject();
  }
  json.EndArray();
  if (!result.pairs.empty()) {
    write_spread(json, "ratio", ratios(result));
    write_targets(json, result);
  }
  json.EndObject();
}

}  // namespace

void write_json(std::ostream& out, std::span<const Result> results) {
  rapidjson::OStreamWrapper stream(out);
  Writer json(stream);
  json.StartArray();
  for (const Result& result : results) write_result(json, result);
  json.EndArray();
  out << '\n';
}

}  // namespace pubsub_mqtt::bench
