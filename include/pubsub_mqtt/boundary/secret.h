// A password on its way to Prosody. Its bytes are overwritten when it is destroyed or moved from. A value;
// any thread.
#pragma once

#include <string.h>

#include <string>
#include <string_view>
#include <utility>

namespace pubsub_mqtt {

class Secret {
 public:
  explicit Secret(std::string_view bytes) : bytes_(bytes) {}
  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    bytes_ = std::move(other.bytes_);
    other.wipe();
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::string_view bytes() const { return bytes_; }

 private:
  // Not optimised away, as memset() may be. A short string leaves its bytes behind when it is moved from.
  void wipe() {
    bytes_.resize(bytes_.capacity());
    explicit_bzero(bytes_.data(), bytes_.size());
    bytes_.clear();
  }

  std::string bytes_;
};

}  // namespace pubsub_mqtt
