#pragma once
// The names of axle's own files in an environment, relative to its root. docs/store-format.md describes them.

namespace axle::own {

inline constexpr const char* directory = ".axle";
inline constexpr const char* lock = ".axle/lock";
inline constexpr const char* receipt = ".axle/receipt";
inline constexpr const char* next_receipt = ".axle/receipt-next";
inline constexpr const char* journal = ".axle/journal";
inline constexpr const char* next_journal = ".axle/journal-next";
inline constexpr const char* journal_done = ".axle/journal-done";
// Facts of wheels that were installed without a store, by digest.
inline constexpr const char* facts = ".axle/facts";
inline constexpr const char* trash = ".axle/trash";

}  // namespace axle::own
