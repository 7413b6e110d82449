// What the project's documents show, so that a test runs it as it stands there.
#pragma once

#include <string>

namespace pubsub_mqtt::tests {

// The indented text under a heading of a document ("README.md", "docs/recipes.md") of which the first line begins so,
// with its indentation. Throws where there is none.
std::string documented(const std::string& document, const std::string& heading, const std::string& begins);

inline std::string recipe(const std::string& heading, const std::string& begins) {
  return documented("docs/recipes.md", heading, begins);
}

// `text` with the first `old` replaced. Throws where there is none: the document has changed.
std::string with(std::string text, const std::string& old, const std::string& replacement);

// The documents' example.org is the tests' localhost.
std::string at_localhost(const std::string& text);

}  // namespace pubsub_mqtt::tests
