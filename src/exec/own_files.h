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
// One of those, until it is whole.
inline constexpr const char* next_facts = ".axle/facts-next";
inline constexpr const char* trash = ".axle/trash";
// Where links are tried out.
inline constexpr const char* probe = ".axle/probe";
// The store of a command with --no-store; gone when the command ends.
inline constexpr const char* store = ".axle/store";

}  // namespace axle::own
