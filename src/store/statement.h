// A prepared statement of SQLite's. The thread that has the database only.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string_view>

namespace pubsub_mqtt::store {

// SQLite's integers have a sign: the bits are the same.
inline std::int64_t integer(std::uint64_t number) { return static_cast<std::int64_t>(number); }

class Statement {
 public:
  // Where that fails the statement does nothing, and run() returns the error. For lack of memory std::bad_alloc is
  // thrown: there may be some when it is made again.
  Statement(sqlite3* database, std::string_view sql);

  // Parameters and columns in their order. What is bound must last until run() or reset().
  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  Statement& bind_null();

  // Carries out a statement without rows, to be bound again. Returns SQLITE_OK or the error.
  int run();

  // Returns true where there is a row; then its columns can be read, from the first.
  bool step();
  // Whoever does not step to the end says so: an open statement keeps the write-ahead log from being taken up.
  void reset();
  std::int64_t integer();
  double real();
  std::string_view bytes();  // good until the next step
  bool next_is_null() const;
  // What ended the rows: SQLITE_DONE, or the error.
  int result() const { return result_; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int result_ = SQLITE_OK;
  int next_ = 0;  // parameter bound last, or column read last
};

}  // namespace pubsub_mqtt::store
