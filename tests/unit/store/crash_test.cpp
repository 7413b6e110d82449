// A process that dies at each of its writes: what was committed is there, and nothing of a unit that was not.
#include <gtest/gtest.h>

#include "faulty_vfs.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

constexpr RowNumber units = 60;

// Each unit has a session, with a message in flight; every third one ends a session.
std::vector<Change> unit(RowNumber i) {
  std::vector<Change> changes{new_session(i), new_audience(i), new_inflight(i, 1, i), new_message(i)};
  if (i % 3 == 0) changes.emplace_back(RemoveSession{i - 1});
  return changes;
}

class CrashTest : public StoreTest {
 protected:
  // Returns what was committed when the process died, after so many writes; nullopt: it did not.
  std::optional<CommitNumber> run_until_death(int writes) {
    FaultyVfs vfs;
    auto faulty = settings();
    faulty.vfs = FaultyVfs::name;
    RunningStore store(faulty);
    vfs.die_after(writes);
    for (RowNumber i = 1; i <= units && !vfs.is_dead(); ++i) {
      const auto number = store.post(unit(i), i);
      store.await([&] { return store.committed() >= number || vfs.is_dead(); });
    }
    return vfs.is_dead() ? std::optional(store.committed()) : std::nullopt;
  }

  // It holds the first units, whole, and none beyond.
  void check(CommitNumber committed) {
    const FaultyVfs vfs;
    auto faultless = settings();
    faultless.vfs = FaultyVfs::name;
    RunningStore store(faultless);
    ASSERT_TRUE(store.is_open());
    const Contents& contents = store.contents();
    const auto last = static_cast<RowNumber>(query(path(), "SELECT coalesce(max(number), 0) FROM message"));
    EXPECT_GE(last, committed);
    EXPECT_LE(last, committed + 1) << "a unit whose commit was not said";
    EXPECT_EQ(contents.last_number, last);
    std::size_t ended = 0;
    for (RowNumber i = 3; i <= last; i += 3) ++ended;
    EXPECT_EQ(query(path(), "SELECT count(*) FROM message"), static_cast<std::int64_t>(last));
    EXPECT_EQ(contents.sessions.size(), last - ended);
    EXPECT_EQ(contents.inflight.size(), last - ended);
  }
};

TEST_F(CrashTest, AtEachWrite) {
  int deaths = 0;
  for (int writes = 1; writes < 400; ++writes) {
    const auto committed = run_until_death(writes);
    if (!committed) break;
    ++deaths;
    check(*committed);
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
  }
  EXPECT_GT(deaths, 100);
}

}  // namespace
}  // namespace pubsub_mqtt::store
