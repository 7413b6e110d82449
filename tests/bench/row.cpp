#include "row.h"

#include <exception>

namespace pubsub_mqtt::bench {
namespace {

// Who comes first changes, so that neither profits from what the machine does meanwhile.
Pair run_pair(const Sides& sides, bool subject_first) {
  Pair pair;
  if (subject_first) pair.subject = sides.subject();
  pair.reference = sides.reference();
  if (!subject_first) pair.subject = sides.subject();
  return pair;
}

}  // namespace

Result run(const Row& row, const Settings& settings, const std::function<void(const Pair&)>& after_each) {
  Result result{.row = &row, .pairs = {}, .failure = {}};
  try {
    const Sides sides = row.prepare(settings);
    for (int i = 0; i < settings.pairs; ++i) {
      result.pairs.push_back(run_pair(sides, i % 2 == 0));
      const Pair& pair = result.pairs.back();
      after_each(pair);
      if (result.failure.empty() && !pair.subject.failure.empty()) {
        result.failure = row.subject + ": " + pair.subject.failure;
      }
      if (result.failure.empty() && !pair.reference.failure.empty()) {
        result.failure = row.reference + ": " + pair.reference.failure;
      }
    }
  } catch (const std::exception& exception) {
    if (result.failure.empty()) result.failure = exception.what();
  }
  return result;
}

}  // namespace pubsub_mqtt::bench
