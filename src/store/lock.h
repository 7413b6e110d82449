// One process at a time has a store. And a file that takes up space, to be given back where the disk is full: removals
// need some, too. Both are the one file PATH-lock, which says nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pubsub_mqtt::store {

class Lock {
 public:
  Lock() = default;
  ~Lock() { release(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  enum class Taken : std::uint8_t { yes, by_another, failed };
  // Of the store at `path`. failed: errno tells why.
  Taken take(const std::string& path);

  void release();

  // Takes up so many bytes, where the store is taken: else they are another process's. Returns false where there are not
  // that many.
  bool reserve(std::size_t bytes);
  // Gives them back.
  void free_reserve();

 private:
  int fd_ = -1;
};

}  // namespace pubsub_mqtt::store
