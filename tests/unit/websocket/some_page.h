// A page for tests, in which one file is compressed.
#pragma once

#include <memory>
#include <string>

#include "pubsub_mqtt/net/access.h"

namespace pubsub_mqtt::net {

inline const std::string start_of_page = "<!DOCTYPE html><title>Nodes</title>";

inline std::shared_ptr<const Page> some_page() {
  Page page;
  page.emplace("/index.html", make_page_file("text/html; charset=utf-8", start_of_page, ""));
  page.emplace("/page.js", make_page_file("text/javascript; charset=utf-8", "whole", "compressed"));
  page.emplace("/large.txt", make_page_file("text/plain", std::string(3'000'000, 'x'), ""));
  page.emplace("/empty.txt", make_page_file("text/plain", "", ""));
  return std::make_shared<const Page>(std::move(page));
}

inline Access with_page() { return {.page = some_page()}; }

}  // namespace pubsub_mqtt::net
