#pragma once
// What of a startup file runs. spec: CPython Lib/site.py; PEP 829.

#include <string>
#include <string_view>
#include <vector>

namespace axle {

// The lines of a startup file of this name (*.pth, *.start, a module) that run at every start of the
// interpreter; of a module one entry that says so.
std::vector<std::string> startup_code(std::string_view name, std::string_view text);

// What a well-known code line is, judged by what it does and not by the name of its file; "" when it is not
// known.
std::string known_startup_code(std::string_view line);

}  // namespace axle
