// 100,000 nodes with ten items each in the gateway's store: how long Prosody takes to start and to tell of them, in how
// much memory, beside as many nodes without items that mod_pubsub alone has in Prosody's files.
#include <filesystem>
#include <memory>

#include "monotonic_time.h"
#include "mqtt_client.h"
#include "payload.h"
#include "prosody.h"
#include "rows.h"
#include "start_time.h"
#include "xmpp_stream.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr int nodes = 100'000;
constexpr int items_a_node = 10;
constexpr double mebibyte = 1024 * 1024;

const Prosody::Configuration also_on_files{.component = R"(
Component "files.localhost" "pubsub"
  storage = "internal"
)"};

// A Prosody with many nodes on one host.
struct Filled {
  explicit Filled(const Prosody::Configuration& configuration)
      : prosody(Prosody::Queues::as_by_default, configuration) {}

  Prosody prosody;
  std::string host;
  std::size_t bytes_of_items = 0;  // of the disk
};

std::size_t stored_bytes(const Prosody& prosody) {
  return std::filesystem::file_size(prosody.path("data/pubsub_mqtt.sqlite"));
}

std::shared_ptr<Filled> fill_store(mqtt::ProtocolLevel level) {
  const auto filled = std::make_shared<Filled>(on_the_store);
  filled->host = "pubsub.localhost";
  filled->prosody.create_persisting_nodes("node", nodes, 20);
  filled->prosody.stop();
  const std::size_t before = stored_bytes(filled->prosody);
  time_to_start(filled->prosody, level);
  filled->prosody.fill_nodes("node", nodes, items_a_node);
  filled->prosody.stop();
  filled->bytes_of_items = stored_bytes(filled->prosody) - before;
  time_to_start(filled->prosody, level);
  return filled;
}

std::shared_ptr<Filled> fill_files(mqtt::ProtocolLevel level) {
  const auto filled = std::make_shared<Filled>(also_on_files);
  filled->host = "files.localhost";
  filled->prosody.create_nodes("node", nodes, filled->host);
  filled->prosody.stop();
  time_to_start(filled->prosody, level);
  return filled;
}

Sample start(Filled& filled, mqtt::ProtocolLevel level) {
  filled.prosody.stop();
  return {.value = time_to_start(filled.prosody, level), .resident_bytes = filled.prosody.resident_bytes()};
}

Sample memory(Filled& filled, mqtt::ProtocolLevel level) {
  start(filled, level);
  return {.value = static_cast<double>(filled.prosody.resident_bytes()) / mebibyte};
}

Sample file(Filled& filled, mqtt::ProtocolLevel) {
  return {.value = static_cast<double>(filled.bytes_of_items) / nodes / items_a_node};
}

Sample disco(Filled& filled, mqtt::ProtocolLevel) {
  EventLoop loop;
  XmppStream stream(loop, filled.prosody.c2s_port());
  std::string answer;
  stream.set_receiver([&](std::string_view bytes) { answer.append(bytes); });
  const std::uint64_t start = monotonic_time();
  stream.send("<iq type='get' id='disco' to='" + filled.host +
              "'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
  loop.run_until([&] { return answer.ends_with("</iq>"); }, "disco#items");
  const double duration = seconds(monotonic_time() - start);
  int count = 0;
  for (std::size_t at = answer.find("<item "); at != answer.npos; at = answer.find("<item ", at + 1)) ++count;
  return {.value = duration, .failure = count >= nodes ? "" : "nodes are missing"};
}

Sample payload(Filled&, mqtt::ProtocolLevel) { return {.value = default_payload_size}; }

Sample subscribe_to_all(const Prosody& prosody, mqtt::ProtocolLevel level) {
  EventLoop loop;
  MqttClient client(loop, prosody.mqtt_port(), {.level = level, .client_identifier = "wildcard"});
  loop.run_until([&] { return client.connected(); }, "CONNACK");
  const std::string filter = "pubsub.localhost/#";
  const std::uint64_t start = monotonic_time();
  client.subscribe({&filter, 1}, mqtt::QoS::at_most_once);
  loop.run_until([&] { return client.subscribed(); }, "SUBACK");
  return {.value = seconds(monotonic_time() - start)};
}

Sample wildcard(Filled& filled, mqtt::ProtocolLevel level) { return subscribe_to_all(filled.prosody, level); }

// Of nodes that nothing is stored of.
Sample wildcard_in_memory(Filled&, mqtt::ProtocolLevel level) {
  const Prosody prosody;
  prosody.create_nodes("node", nodes);
  return subscribe_to_all(prosody, level);
}

// The two are made when the first row is run, and stay for the others.
struct Both {
  std::shared_ptr<Filled> store;
  std::shared_ptr<Filled> files;
};

using Measure = Sample (*)(Filled&, mqtt::ProtocolLevel);

Row row(const std::shared_ptr<Both>& both, std::string name, std::string what, std::string unit,
        Target target, Measure of_store, Measure of_reference, std::string reference = "files") {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = std::move(unit),
          .subject = "store",
          .reference = std::move(reference),
          .targets = {target},
          .prepare = [=](const Settings& settings) {
            if (!both->store) both->store = fill_store(settings.level);
            if (!both->files) both->files = fill_files(settings.level);
            return Sides{.subject = [=] { return of_store(*both->store, settings.level); },
                         .reference = [=] { return of_reference(*both->files, settings.level); }};
          }};
}

}  // namespace

std::vector<Row> scale_rows() {
  using enum Target::Figure;
  using enum Target::Bound;
  const auto both = std::make_shared<Both>();
  return {
      row(both, "scale_start", "start with 100,000 nodes, and 1,000,000 items in the store", "seconds",
          {ratio, at_most, 1.5}, start, start),
      row(both, "scale_memory", "memory of 100,000 nodes after a start, and 1,000,000 items in the store",
          "MiB", {ratio, at_most, 1.1}, memory, memory),
      row(both, "scale_disco", "disco#items of 100,000 nodes, and 1,000,000 items in the store", "seconds",
          {ratio, at_most, 1.1}, disco, disco),
      row(both, "scale_wildcard", "SUBSCRIBE to HOST/# of 100,000 nodes, and 1,000,000 items in the store",
          "seconds", {ratio, at_most, 1.1}, wildcard, wildcard_in_memory, "memory"),
      row(both, "scale_file", "what each of 1,000,000 items takes of the disk, beside its payload", "bytes",
          {value, at_most, 2 * default_payload_size + 150}, file, payload, "payload")};
}

}  // namespace pubsub_mqtt::bench
