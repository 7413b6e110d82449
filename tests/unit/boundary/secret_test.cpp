#include "pubsub_mqtt/boundary/secret.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>

namespace {

constexpr std::string_view long_password = "a password that no short string holds";
bool watching = false;
bool was_freed_as_it_was = false;

// What is given back is looked at: the tests run in one thread.
// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
void look_and_free(void* memory) noexcept {
  if (memory != nullptr && watching) {
    const std::string_view bytes(static_cast<const char*>(memory), malloc_usable_size(memory));
    was_freed_as_it_was = was_freed_as_it_was || bytes.find(long_password) != std::string_view::npos;
  }
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::calloc(1, size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { look_and_free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { look_and_free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

namespace pubsub_mqtt {
namespace {

constexpr std::string_view short_password = "lark";

// The bytes of an object, which outlive it here.
struct Place {
  std::string_view bytes() const { return {storage, sizeof storage}; }
  // A string that is moved from or cleared has only its first byte overwritten.
  bool remembers_short_password() const {
    return bytes().find(short_password.substr(1)) != std::string_view::npos;
  }

  alignas(Secret) char storage[sizeof(Secret)] = {};
};

class SecretTest : public ::testing::Test {
 protected:
  SecretTest() { watching = true; }
  ~SecretTest() override { watching = false; }

  static bool anything_was_freed_as_it_was() { return std::exchange(was_freed_as_it_was, false); }

  Place place;
};

TEST_F(SecretTest, AShortOneIsWipedWhenItIsDestroyed) {
  auto* secret = std::construct_at(reinterpret_cast<Secret*>(place.storage), short_password);
  EXPECT_EQ(secret->bytes(), short_password);
  EXPECT_TRUE(place.remembers_short_password());
  std::destroy_at(secret);
  EXPECT_FALSE(place.remembers_short_password());
}

TEST_F(SecretTest, AShortOneIsWipedWhenItIsMovedFrom) {
  auto* secret = std::construct_at(reinterpret_cast<Secret*>(place.storage), short_password);
  const Secret moved(std::move(*secret));
  EXPECT_FALSE(place.remembers_short_password());
  EXPECT_EQ(moved.bytes(), short_password);
  *secret = Secret(short_password);
  EXPECT_TRUE(place.remembers_short_password());
  Secret assigned("x");
  assigned = std::move(*secret);
  EXPECT_FALSE(place.remembers_short_password());
  EXPECT_EQ(assigned.bytes(), short_password);
  std::destroy_at(secret);
}

TEST_F(SecretTest, AShortOneIsWipedWhenAnotherTakesItsPlace) {
  auto* secret = std::construct_at(reinterpret_cast<Secret*>(place.storage), short_password);
  *secret = Secret("");
  EXPECT_FALSE(place.remembers_short_password());
  std::destroy_at(secret);
}

TEST_F(SecretTest, ALongOneIsWipedBeforeItsMemoryIsGivenBack) {
  { const Secret secret(long_password); }
  EXPECT_FALSE(anything_was_freed_as_it_was());
  {
    Secret secret(long_password);
    const Secret moved(std::move(secret));
    EXPECT_EQ(moved.bytes(), long_password);
  }
  EXPECT_FALSE(anything_was_freed_as_it_was());
  {
    Secret secret(long_password);
    secret = Secret("short");
    EXPECT_EQ(secret.bytes(), "short");
    Secret other(long_password);
    secret = std::move(other);
    secret = Secret("another one that no short string would hold");
  }
  EXPECT_FALSE(anything_was_freed_as_it_was());
}

TEST_F(SecretTest, ThisTestSeesWhatIsNotWiped) {
  { const std::string password(long_password); }
  EXPECT_TRUE(anything_was_freed_as_it_was());
}

}  // namespace
}  // namespace pubsub_mqtt
