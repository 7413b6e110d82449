#include "page_reader.h"

#include <algorithm>
#include <new>
#include <string>

#include "message_reader.h"

namespace pubsub_mqtt::store {

PageReader::PageReader(Database& database)
    : find_(database.handle(),
            "SELECT number FROM message WHERE audience = ? AND number > ? AND number <= ? ORDER BY number "
            "LIMIT ?"),
      message_(database.handle(),
               std::string("SELECT ") + message_columns + " FROM message WHERE number = ?") {}

int PageReader::read(const PageRequest& request, RowNumber committed, Page& into) {
  into.number = request.number;
  into.complete_up_to = std::min(request.up_to, committed);
  try {
    const int error = read_numbers(request, into);
    return error == SQLITE_OK ? read_messages(request, into) : error;
  } catch (const std::bad_alloc&) {
    find_.reset();
    message_.reset();
    throw;
  }
}

// Of each audience its first ones: where that has more, nothing behind them is known of the others either.
int PageReader::read_numbers(const PageRequest& request, Page& into) {
  constexpr std::size_t least = 8;
  const std::size_t of_each = request.messages / std::max<std::size_t>(1, request.audiences.size()) + least;
  numbers_.clear();
  for (const RowNumber audience : request.audiences) {
    find_.bind(integer(audience)).bind(integer(request.after)).bind(integer(into.complete_up_to));
    find_.bind(integer(of_each));
    std::size_t found = 0;
    for (; find_.step(); ++found) numbers_.push_back(static_cast<RowNumber>(find_.integer()));
    if (find_.result() != SQLITE_DONE) return find_.result();
    if (found == of_each) into.complete_up_to = numbers_.back();
  }
  std::ranges::sort(numbers_);
  std::erase_if(numbers_, [&](RowNumber number) { return number > into.complete_up_to; });
  return SQLITE_OK;
}

int PageReader::read_messages(const PageRequest& request, Page& into) {
  std::size_t bytes = 0;
  for (const RowNumber number : numbers_) {
    if (into.messages.size() == request.messages || (bytes >= request.bytes && !into.messages.empty())) {
      into.complete_up_to = into.messages.back().number;
      return SQLITE_OK;
    }
    message_.bind(integer(number));
    if (message_.step()) {
      into.messages.push_back(read_message(message_));
      bytes += into.messages.back().publication->size();
    } else if (is_damage(message_.result()) || message_.result() == SQLITE_DONE) {
      into.is_damaged = true;  // or the index names what is not there
    } else {
      return message_.result();
    }
    message_.reset();
  }
  return SQLITE_OK;
}

}  // namespace pubsub_mqtt::store
