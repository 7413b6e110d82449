// 100,000 nodes with ten items each in the gateway's store: what Prosody takes to start and to tell of them, in how
// much memory, beside as many nodes without items that mod_pubsub alone has in Prosody's files. Time is the processor's:
// all of it is work.
#include <unistd.h>

#include <chrono>
#include <memory>

#include "monotonic_time.h"
#include "mqtt_client.h"
#include "payload.h"
#include "prosody.h"
#include "rows.h"
#include "start_time.h"
#include "stored_items.h"
#include "xmpp_stream.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr int nodes = 100'000;
constexpr int items_a_node = 10;
constexpr int max_items = 20;  // as mod_pubsub makes them
constexpr std::chrono::seconds patience{300};
constexpr double mebibyte = 1024 * 1024;

const Prosody::Configuration also_on_files{.component = R"(
Component "files.localhost" "pubsub"
  storage = "internal"
)"};

// A Prosody with many nodes on one host.
struct Filled {
  Filled(const Prosody::Configuration& configuration, std::string of_nodes)
      : prosody(Prosody::Queues::as_by_default, configuration), host(std::move(of_nodes)) {}

  Prosody prosody;
  const std::string host;
  std::size_t bytes_of_items = 0;  // of the disk
  bool has_started = false;        // with its nodes
};

std::size_t store_size(const Filled& filled) {
  return stored_bytes(filled.prosody.path("data/pubsub_mqtt.sqlite"));
}

std::shared_ptr<Filled> fill_store() {
  const auto filled = std::make_shared<Filled>(on_the_store, "pubsub.localhost");
  const std::size_t before = store_size(*filled);
  filled->prosody.store_items("node", nodes, items_a_node, filled->host);
  filled->prosody.stop();
  filled->bytes_of_items = store_size(*filled) - before;
  filled->prosody.start_again();
  filled->prosody.store_nodes("node", nodes, max_items, filled->host);
  return filled;
}

std::shared_ptr<Filled> fill_files() {
  const auto filled = std::make_shared<Filled>(also_on_files, "files.localhost");
  filled->prosody.store_nodes("node", nodes, max_items, filled->host);
  return filled;
}

// Returns the seconds of the processor until a client has its CONNACK.
double start_again(Filled& filled, mqtt::ProtocolLevel level) {
  filled.prosody.stop();
  time_to_start(filled.prosody, level);
  filled.has_started = true;
  return filled.prosody.processor_seconds();
}

void start_once(Filled& filled, mqtt::ProtocolLevel level) {
  if (!filled.has_started) start_again(filled, level);
}

// Until the gateway has found out what its nodes retain. What remains is the check of the database, which takes little
// at a time.
void await_rest(const Filled& filled) {
  constexpr double little = 0.1;  // seconds of the processor
  double before = 0;
  double now = filled.prosody.processor_seconds();
  do {
    before = now;
    usleep(2'000'000);
    now = filled.prosody.processor_seconds();
  } while (now > before + little);
}

Sample start(Filled& filled, mqtt::ProtocolLevel level) { return {.value = start_again(filled, level)}; }

// All that is to be done for the nodes.
Sample whole_start(Filled& filled, mqtt::ProtocolLevel level) {
  start_again(filled, level);
  await_rest(filled);
  return {.value = filled.prosody.processor_seconds()};
}

Sample memory(Filled& filled, mqtt::ProtocolLevel level) {
  start_again(filled, level);
  await_rest(filled);
  return {.value = static_cast<double>(filled.prosody.resident_bytes()) / mebibyte};
}

Sample file(Filled& filled, mqtt::ProtocolLevel) {
  return {.value = static_cast<double>(filled.bytes_of_items) / nodes / items_a_node};
}

Sample disco(Filled& filled, mqtt::ProtocolLevel level) {
  start_once(filled, level);
  await_rest(filled);
  EventLoop loop;
  XmppStream stream(loop, filled.prosody.c2s_port());
  std::string answer;
  stream.set_receiver([&](std::string_view bytes) { answer.append(bytes); });
  const double before = filled.prosody.processor_seconds();
  stream.send("<iq type='get' id='disco' to='" + filled.host +
              "'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
  loop.run_until([&] { return answer.ends_with("</iq>"); }, "disco#items", patience);
  const double duration = filled.prosody.processor_seconds() - before;
  int count = 0;
  for (std::size_t at = answer.find("<item "); at != answer.npos; at = answer.find("<item ", at + 1)) ++count;
  return {.value = duration, .failure = count >= nodes ? "" : "nodes are missing"};
}

Sample subscribe_to_all(const Prosody& prosody, mqtt::ProtocolLevel level) {
  EventLoop loop;
  MqttClient client(loop, prosody.mqtt_port(), {.level = level, .client_identifier = "wildcard"});
  loop.run_until([&] { return client.connected(); }, "CONNACK");
  const std::string filter = "pubsub.localhost/#";
  const double before = prosody.processor_seconds();
  client.subscribe({&filter, 1}, mqtt::QoS::at_most_once);
  loop.run_until([&] { return client.subscribed(); }, "SUBACK", patience);
  return {.value = prosody.processor_seconds() - before};
}

Sample wildcard(Filled& filled, mqtt::ProtocolLevel level) {
  start_once(filled, level);
  await_rest(filled);
  return subscribe_to_all(filled.prosody, level);
}

// The servers are made when the first row is run that needs them, and stay for the others.
struct Servers {
  std::shared_ptr<Filled> store;
  std::shared_ptr<Filled> files;
  std::shared_ptr<Prosody> memory;  // with nodes that nothing is stored of
};

using Measure = Sample (*)(Filled&, mqtt::ProtocolLevel);

std::function<Sample()> of_store(const std::shared_ptr<Servers>& servers, Measure measure,
                                 mqtt::ProtocolLevel level) {
  if (!servers->store) servers->store = fill_store();
  return [=] { return measure(*servers->store, level); };
}

// Beside nodes in files.
Row row(const std::shared_ptr<Servers>& servers, std::string name, std::string what, std::string unit,
        Target target, Measure measure) {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = std::move(unit),
          .subject = "store",
          .reference = "files",
          .targets = {target},
          .prepare = [=](const Settings& settings) {
            if (!servers->files) servers->files = fill_files();
            return Sides{.subject = of_store(servers, measure, settings.level),
                         .reference = [=] { return measure(*servers->files, settings.level); }};
          }};
}

Row wildcard_row(const std::shared_ptr<Servers>& servers) {
  return {.name = "scale_wildcard",
          .what = "SUBSCRIBE to HOST/# of 100,000 nodes, and 1,000,000 items in the store",
          .unit = "seconds of the processor",
          .subject = "store",
          .reference = "memory",
          .targets = {{Target::Figure::ratio, Target::Bound::at_most, 1.1}},
          .prepare = [=](const Settings& settings) {
            if (!servers->memory) {
              servers->memory = std::make_shared<Prosody>();
              servers->memory->create_nodes("node", nodes);
            }
            return Sides{.subject = of_store(servers, wildcard, settings.level),
                         .reference = [=] { return subscribe_to_all(*servers->memory, settings.level); }};
          }};
}

Row file_row(const std::shared_ptr<Servers>& servers) {
  return {.name = "scale_file",
          .what = "what each of 1,000,000 items takes of the disk, beside its payload",
          .unit = "bytes",
          .subject = "store",
          .reference = "payload",
          .targets = {{Target::Figure::value, Target::Bound::at_most, 2 * default_payload_size + 150}},
          .prepare = [=](const Settings& settings) {
            return Sides{.subject = of_store(servers, file, settings.level),
                         .reference = [] { return Sample{.value = default_payload_size}; }};
          }};
}

}  // namespace

std::vector<Row> scale_rows() {
  using enum Target::Figure;
  using enum Target::Bound;
  const auto servers = std::make_shared<Servers>();
  return {
      row(servers, "scale_start",
          "start with 100,000 nodes, and 1,000,000 items in the store, until a client has its CONNACK",
          "seconds of the processor", {ratio, at_most, 1.5}, start),
      row(servers, "scale_start_whole", "the same until the gateway knows what each node retains",
          "seconds of the processor", {ratio, at_most, 1.5}, whole_start),
      row(servers, "scale_memory", "memory of 100,000 nodes after a start, and 1,000,000 items in the store",
          "MiB", {ratio, at_most, 1.1}, memory),
      row(servers, "scale_disco", "disco#items of 100,000 nodes, and 1,000,000 items in the store",
          "seconds of the processor", {ratio, at_most, 1.1}, disco),
      wildcard_row(servers),
      file_row(servers)};
}

}  // namespace pubsub_mqtt::bench
