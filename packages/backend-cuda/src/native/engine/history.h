/* What a stream queued last: named when its device is lost. One thread adds, any may read. */
#ifndef MB_HISTORY_H
#define MB_HISTORY_H

#include <atomic>
#include <string>

#include "engine/table.h"

class mb_history {
public:
  void add(int32_t operation) { operations[added++ % remembered] = operation; }

  /* The last ones, the first of them first. */
  std::string names() const {
    std::string text;
    const int64_t end = added;
    for (int64_t at = end < remembered ? 0 : end - remembered; at < end; at++)
      text += std::string(text.empty() ? "" : ", ") + shown_operation(operations[at % remembered]);
    return text;
  }

private:
  static constexpr int remembered = 8;
  std::atomic<int32_t> operations[remembered] = {};
  std::atomic<int64_t> added{0};
};

#endif
