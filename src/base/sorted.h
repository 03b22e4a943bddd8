#pragma once
// What is built in order needs no sorting, but somebody must look: one pass of comparisons instead of a sort.

#include <algorithm>

namespace axle {

template <class Range, class Less>
void sort_unless_sorted(Range& range, Less less) {
  if (!std::is_sorted(range.begin(), range.end(), less)) std::stable_sort(range.begin(), range.end(), less);
}

}  // namespace axle
