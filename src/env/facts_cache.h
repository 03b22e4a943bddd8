#pragma once
// Interpreter facts kept between runs: one small text file an interpreter, named by the hash of its path.

#include <optional>
#include <string>

#include "env/interpreter_files.h"

namespace axle {

// The facts of the program at `executable` (a real path) as far as they were kept and still hold: its inode,
// size and modification time and those of its C library are the same. nullopt otherwise; a damaged file
// counts as none.
std::optional<Interpreter> read_cached_facts(const std::string& cache_dir, const std::string& executable);
// Keeps them. A cache that cannot be written is no error: the next run derives them again.
void write_cached_facts(const std::string& cache_dir, const std::string& executable,
                        const DescribedInterpreter& described);

}  // namespace axle
