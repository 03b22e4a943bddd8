#pragma once
// The text fields of an Interpreter by the names that facts files, probes and the cache use.

#include <string_view>

#include "axle/env/interpreter.h"

namespace axle {

// Calls visit(key, field) for every text field but `version`, `platform` and `executable`, which the others
// are derived from.
template <typename Facts, typename Visit>
void for_each_text_fact(Facts& facts, Visit visit) {
  visit("base_executable", facts.base_executable);
  visit("implementation", facts.implementation);
  visit("implementation_version", facts.implementation_version);
  visit("abi", facts.abi);
  visit("abi_flags", facts.abi_flags);
  visit("base_prefix", facts.base_prefix);
  visit("stdlib", facts.stdlib);
  visit("platlibdir", facts.platlibdir);
  visit("ext_suffix", facts.ext_suffix);
  visit("cache_tag", facts.cache_tag);
  visit("venv", facts.venv);
  visit("found", facts.found);
}

template <typename Scheme, typename Visit>
void for_each_scheme_path(Scheme& scheme, Visit visit) {
  visit("purelib", scheme.purelib);
  visit("platlib", scheme.platlib);
  visit("scripts", scheme.scripts);
  visit("data", scheme.data);
  visit("headers", scheme.headers);
}

}  // namespace axle
