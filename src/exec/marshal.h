#pragma once
// CPython's marshal format, brought into one form.
//
// Problem. What marshal writes for a code object depends on more than the code: a back reference is announced
// (FLAG_REF) where the object had more than one owner at that moment, a string is "interned" where any module
// of the process had interned an equal one, and before 3.11 the elements of a frozenset come in the order of
// addresses and hash seeds. So two processes, or one process in another order of files, write different bytes
// for the same source.
//
// Algorithm. The stream is read into values, equal values are made one (they are immutable, so nobody can
// tell), elements of frozensets are sorted, and the values are written again: what occurs twice is announced
// and referred to, everything else is not; strings of at most one character count as interned, any other when
// one of its occurrences is. The result is a function of the values alone, and loads as the same code.

#include <optional>
#include <string>
#include <string_view>

#include "axle/env/interpreter.h"

namespace axle {

// `bytes`: one marshalled object of CPython of this version. nullopt when it is not understood to its end (a
// newer format): the bytes can be used as they are, but nobody knows whether they would come again. Pure;
// linear in time but for frozensets.
std::optional<std::string> normalize_marshal(std::string_view bytes, PythonMinor version);

}  // namespace axle
