// The client's side of a SCRAM exchange (RFC 5802; RFC 7677 for SHA-256), without channel binding.
#pragma once

#include <string>
#include <string_view>

namespace pubsub_mqtt::tests {

class Scram {
 public:
  struct Client {
    std::string method = "SCRAM-SHA-1";  // or SCRAM-SHA-256
    std::string name;                    // as it stands in n=
    std::string password;
    std::string nonce = "rOprNGfwEbeRWgbNEkqO";
    std::string gs2_header = "n,,";
  };
  explicit Scram(Client client);

  const std::string& method() const { return client_.method; }

  // client-first-message
  std::string first() const;

  // client-final-message, which answers the server-first-message.
  std::string last(std::string_view server_first);

  // The server-final-message that proves that the server knows the password, too. After last().
  const std::string& proof_of_server() const { return proof_of_server_; }

 private:
  Client client_;
  std::string proof_of_server_;
};

// The value of an attribute of a SCRAM message: "r", "s", "i".
std::string attribute(std::string_view message, char name);

}  // namespace pubsub_mqtt::tests
