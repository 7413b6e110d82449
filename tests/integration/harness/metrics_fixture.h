// A Prosody whose metrics can be read over HTTP, as of the moment when they are asked for.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include "byte_stream.h"
#include "free_port.h"
#include "prosody.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {

class Metrics : public testing::Test {
 protected:
  void SetUp() override { prosody.start(configuration()); }

  // With more settings at the top.
  Configuration configuration(const std::string& global = {}) const {
    return {.global =
                "statistics = \"internal\"\nstatistics_interval = \"manual\"\nhttps_ports = {}\n"
                "http_interfaces = { \"127.0.0.1\" }\nhttp_ports = { " +
                std::to_string(http_port.number()) + " }\n" + global,
            .virtual_host = "modules_enabled = { \"http_openmetrics\" }"};
  }

  // What stands at /metrics.
  std::string scrape() const {
    TcpStream http(http_port.number());
    http.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::string answer;
    std::array<char, 65536> buffer{};
    while (const std::size_t size = http.receive(buffer)) answer.append(buffer.data(), size);
    EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
    return answer;
  }

  void take() { taken = scrape(); }

  // Of what was taken last: clients{transport="tcp",version="5.0"}. NaN: there is none.
  double value(const std::string& sample) const {
    const std::string begin = "\nprosody_mod_pubsub_mqtt__" + sample + ' ';
    const std::size_t at = taken.find(begin);
    return at == std::string::npos ? NAN : std::stod(taken.substr(at + begin.size()));
  }

  FreePort http_port;
  Prosody prosody;
  std::string taken;
};

}  // namespace pubsub_mqtt::tests
