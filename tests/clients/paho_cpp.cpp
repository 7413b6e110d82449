// The scenario with Eclipse Paho for C++: paho_cpp PORT. tests/clients/run says what the transcript is for.
#include <mqtt/async_client.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;
const std::string base = "pubsub.localhost/utf8/paho_cpp";
std::string server;

const std::string& large() {
  static const std::string text = [] {
    std::string letters(100000, ' ');
    for (std::size_t i = 0; i < letters.size(); ++i) letters[i] = static_cast<char>('a' + i % 26);
    return letters;
  }();
  return text;
}

std::string shown(const std::string& payload) {
  if (payload.size() > 200) {
    return std::to_string(payload.size()) + " bytes, " + (payload == large() ? "as sent" : "CHANGED");
  }
  std::string text = "\"";
  for (const char c : payload) {
    char hex[5];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
    text += c >= 32 && c < 127 ? std::string(1, c) : hex;
  }
  return text + '"';
}

struct Options {
  std::string client_id{};
  bool clean = true;
  std::optional<mqtt::message> will{};
};

// A client and what it has received. Every call waits for the server's answer.
class Client {
 public:
  Client(std::string name, const Options& options = {})
      : name_(std::move(name)), mqtt_(server, options.client_id) {
    mqtt_.start_consuming();
    mqtt::connect_options connect;
    if (!options.clean) connect.set_clean_session(false);
    if (options.will) connect.set_will_message(std::make_shared<mqtt::message>(*options.will));
    const mqtt::token_ptr token = mqtt_.connect(connect);
    wait(*token, "connect");
    std::cout << name_ << " connects: code " << token->get_return_code() << ", session present "
              << token->get_connect_response().is_session_present() << std::endl;
  }

  void subscribe(const std::string& filter, int qos) {
    const mqtt::token_ptr token = mqtt_.subscribe(filter, qos);
    wait(*token, "subscribe");
    std::cout << name_ << " subscribes to " << filter << " at " << qos << ": granted "
              << static_cast<int>(token->get_subscribe_response().get_reason_codes().at(0)) << std::endl;
  }

  void unsubscribe(const std::string& filter) {
    wait(*mqtt_.unsubscribe(filter), "unsubscribe");
    std::cout << name_ << " unsubscribes from " << filter << std::endl;
  }

  void publish(const std::string& topic, const std::string& payload, int qos, bool retained = false) {
    burst(topic, {payload}, qos, retained);
  }

  void burst(const std::string& topic, const std::vector<std::string>& payloads, int qos,
             bool retained = false) {
    std::vector<mqtt::token_ptr> tokens;
    for (const std::string& payload : payloads) {
      tokens.push_back(mqtt_.publish(topic, payload.data(), payload.size(), qos, retained));
    }
    for (const mqtt::token_ptr& token : tokens) wait(*token, "publish");
  }

  // Waits for so many messages, then publishes one to itself: what is unexpected has come before that.
  void collect(int count) {
    const std::string sync = base + "/sync/" + name_;
    for (int i = 0; i < count; ++i) {
      if (!receive(sync)) return;
    }
    publish(sync, "sync", 2);
    while (receive(sync)) {
    }
  }

  void disconnect() {
    const mqtt::token_ptr token = mqtt_.disconnect();
    wait(*token, "disconnect");
    std::cout << name_ << " disconnects: code " << token->get_return_code() << std::endl;
  }

 private:
  void wait(mqtt::token& token, const std::string& what) {
    if (!token.wait_for(patience)) throw std::runtime_error(name_ + ": " + what + " is not answered");
  }

  // Prints the next message. False: none came, or its topic is `last`.
  bool receive(const std::string& last) {
    mqtt::const_message_ptr message;
    if (!mqtt_.try_consume_message_for(&message, patience) || !message) {
      std::cout << "MISSING: no message comes" << std::endl;
      return false;
    }
    if (message->get_topic() == last) return false;
    std::cout << name_ << " receives " << message->get_topic() << " qos " << message->get_qos() << " retain "
              << message->is_retained() << ' ' << shown(message->get_payload_str()) << std::endl;
    return true;
  }

  std::string name_;
  mqtt::async_client mqtt_;
};

// A process that connects with a will and is killed. It is forked before the library has threads.
class Mortal {
 public:
  Mortal() {
    if (pipe(go_) != 0 || pipe(connected_) != 0) throw std::runtime_error("pipe");
    process_ = fork();
    if (process_ == 0) live();
    close(go_[0]);
    close(connected_[1]);
  }

  void connect_and_die() {
    char byte = '.';
    if (write(go_[1], &byte, 1) != 1 || read(connected_[0], &byte, 1) != 1) {
      throw std::runtime_error("the client that is to be killed does not connect");
    }
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

 private:
  [[noreturn]] void live() {
    close(go_[1]);  // so that a read ends with the parent
    char byte = '.';
    if (read(go_[0], &byte, 1) == 1) {
      Client client("mortal", {.will = mqtt::message(base + "/will", "last words", 1, true)});
      if (write(connected_[1], &byte, 1) == 1 && read(go_[0], &byte, 1) == 1) _exit(2);
    }
    _exit(1);
  }

  int go_[2];
  int connected_[2];
  pid_t process_;
};

void scenario(Mortal& mortal) {
  std::cout << "== connect" << std::endl;
  Client client("main");
  client.subscribe(base + "/sync/main", 2);

  std::cout << "== quality of service" << std::endl;
  client.subscribe(base + "/qos", 2);
  for (int qos = 0; qos <= 2; ++qos) {
    client.publish(base + "/qos", "published at " + std::to_string(qos), qos);
    client.collect(1);
  }
  client.subscribe(base + "/qos", 0);
  client.publish(base + "/qos", "published at 2", 2);
  client.collect(1);
  client.unsubscribe(base + "/qos");
  client.publish(base + "/qos", "nobody listens", 1);
  client.collect(0);

  std::cout << "== bursts" << std::endl;
  client.subscribe(base + "/burst", 2);
  for (int qos = 0; qos <= 2; ++qos) {
    std::vector<std::string> payloads;
    for (int i = 0; i < 20; ++i) payloads.push_back(std::to_string(i) + " at " + std::to_string(qos));
    client.burst(base + "/burst", payloads, qos);
    client.collect(20);
  }

  std::cout << "== retained" << std::endl;
  client.publish(base + "/retained", "kept", 1, true);
  client.subscribe(base + "/retained", 1);
  client.collect(1);
  client.publish(base + "/retained", "newer", 0, true);
  client.collect(1);
  client.publish(base + "/retained", "passing", 1);
  client.collect(1);
  client.subscribe(base + "/retained", 1);
  client.collect(1);
  client.publish(base + "/retained", "", 1, true);
  client.collect(1);
  client.subscribe(base + "/retained", 1);
  client.collect(0);

  std::cout << "== will" << std::endl;
  client.subscribe(base + "/will", 1);
  mortal.connect_and_die();
  client.collect(1);
  client.subscribe(base + "/will", 1);
  client.collect(1);
  client.publish(base + "/will", "", 1, true);
  client.collect(1);
  Client polite("polite", {.will = mqtt::message(base + "/will", "never sent", 1, false)});
  polite.disconnect();
  client.collect(0);

  std::cout << "== session" << std::endl;
  const Options session{.client_id = "paho_cpp_again", .clean = false};
  {
    Client again("again", session);
    again.subscribe(base + "/sync/again", 2);
    again.subscribe(base + "/session", 1);
    again.disconnect();
  }
  for (int qos = 0; qos <= 2; ++qos) {
    client.publish(base + "/session", "while away, at " + std::to_string(qos), qos);
  }
  {
    Client again("again", session);
    again.collect(2);
    client.publish(base + "/session", "still subscribed", 1);
    again.collect(1);
    again.disconnect();
  }
  Client("again", {.client_id = session.client_id}).disconnect();
  Client("again", session).disconnect();

  std::cout << "== wildcards" << std::endl;
  client.subscribe(base + "/house/+/temperature", 1);
  client.subscribe(base + "/house/attic/#", 1);
  client.publish(base + "/house/kitchen/light", "not selected", 1);
  client.collect(0);
  for (const std::string level :
       {"kitchen/temperature", "/temperature", "attic", "attic/a/b", "attic/wörld/温度", "attic//"}) {
    client.publish(base + "/house/" + level, "selected", 1);
    client.collect(1);
  }
  client.unsubscribe(base + "/house/+/temperature");
  client.publish(base + "/house/kitchen/temperature", "nobody listens", 1);
  client.collect(0);

  std::cout << "== payloads" << std::endl;
  client.subscribe(base + "/payload", 2);
  client.publish(base + "/payload", "\ufeff\t\r\n ]]>&amp;<a b='c'>\"\\ €, \U0001d11e \x7f\xc2\x85 ", 1);
  client.publish(base + "/payload", "", 1);
  client.collect(2);
  for (int qos = 0; qos <= 2; ++qos) {
    client.publish(base + "/payload", large(), qos);
    client.collect(1);
  }

  std::cout << "== end" << std::endl;
  client.disconnect();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  server = std::string("tcp://127.0.0.1:") + argv[1];
  try {
    Mortal mortal;
    scenario(mortal);
    return 0;
  } catch (const std::exception& error) {
    std::cout << "fails: " << error.what() << std::endl;
    return 1;
  }
}
