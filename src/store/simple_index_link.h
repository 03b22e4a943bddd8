#pragma once
// What the JSON and the HTML form of an index page have in common: links that become files.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "axle/store/simple_index.h"

namespace axle {

// Throws Error(bad_input): `what` about the page `url`.
[[noreturn]] void throw_page_error(const std::string& url, const std::string& what);

// Throws Error(bad_input) unless `filename` is one safe path component.
void check_filename(const std::string& url, std::string_view filename);

// Whether a link's last component is one that indexes offer as an archive.
bool is_archive_name(std::string_view filename);

// The absolute URL of `reference` on the page, without fragment and credentials. Throws Error(bad_input) for
// what is no URL of http, https or file, and for a file URL on a page that came over the network.
std::string resolve_link(const std::string& page_url, const std::string& base_url,
                         std::string_view reference);

// "sha256=..." or "sha256:..." of what the page says about `file`; an algorithm that is not known says
// nothing. Throws Error(bad_input) for a value of the wrong shape.
void add_hash(IndexFile& file, std::string_view text);

// One note for all files of the page that have a fault, and for `nameless` entries that tell of no file.
void note_faults(ProjectPage& page, const std::string& url, std::size_t nameless);

// spec: PEP 629, PEP 700. Throws Error(bad_input) for what is no version, Error(unsupported) for another
// major one; notes a newer minor one.
void check_api_version(const std::string& url, std::string_view version, Diagnostics& notes);

// spec: PEP 792. A quarantined project offers nothing.
void apply_status(ProjectPage& page, std::string_view status, std::string_view reason);

}  // namespace axle
