#include "axle/wheel/licence.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace axle {
namespace {

// Identifiers that Python distributions use. A License field that is exactly one of them means it.
constexpr std::string_view identifiers[] = {
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "Artistic-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "EPL-2.0",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "W3C",
    "WTFPL",
    "ZPL-2.1",
    "Zlib",
};

// Classifiers that mean one licence. "BSD License" and "Apache Software License" name families, and stay
// names.
constexpr std::pair<std::string_view, std::string_view> of_classifier[] = {
    {"Academic Free License (AFL)", "AFL-3.0"},
    {"Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"},
    {"CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"},
    {"Eclipse Public License 2.0 (EPL-2.0)", "EPL-2.0"},
    {"GNU Affero General Public License v3", "AGPL-3.0-only"},
    {"GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"},
    {"GNU General Public License v2 (GPLv2)", "GPL-2.0-only"},
    {"GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"},
    {"GNU General Public License v3 (GPLv3)", "GPL-3.0-only"},
    {"GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"},
    {"GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"},
    {"GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"},
    {"GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"},
    {"Historical Permission Notice and Disclaimer (HPND)", "HPND"},
    {"ISC License (ISCL)", "ISC"},
    {"MIT License", "MIT"},
    {"MIT No Attribution License (MIT-0)", "MIT-0"},
    {"Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"},
    {"The Unlicense (Unlicense)", "Unlicense"},
    {"Zero-Clause BSD (0BSD)", "0BSD"},
    {"zlib/libpng License", "Zlib"},
};

std::string_view find_identifier(std::string_view text) noexcept {
  for (const std::string_view id : identifiers) {
    if (ascii_iequal(id, text)) return id;
  }
  return {};
}

std::string_view last_part(std::string_view classifier) noexcept {
  const std::size_t at = classifier.rfind(" :: ");
  return trim(at == std::string_view::npos ? classifier : classifier.substr(at + 4));
}

}  // namespace

std::string Licence::str() const {
  if (!expression.empty()) return expression;
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "unknown" : text;
}

Licence find_licence(const LicenceFields& fields) {
  Licence licence;
  if (const std::string_view expression = trim(fields.expression); !expression.empty()) {
    const std::string_view id = find_identifier(expression);
    licence.expression = std::string(id.empty() ? expression : id);
    licence.is_id = !id.empty();
    return licence;
  }
  if (const std::string_view id = find_identifier(trim(fields.text)); !id.empty()) {
    licence.expression = std::string(id);
    licence.is_id = true;
    return licence;
  }
  std::string_view sure;
  for (const std::string_view classifier : fields.classifiers) {
    const std::string_view name = last_part(classifier);
    if (name == "OSI Approved") continue;  // a heading
    licence.names.emplace_back(name);
    const auto* found = std::find_if(std::begin(of_classifier), std::end(of_classifier),
                                     [&](const auto& row) { return row.first == name; });
    if (found != std::end(of_classifier)) sure = found->second;
  }
  // Of several classifiers nobody knows whether they mean "and" or "or".
  if (licence.names.size() == 1 && !sure.empty()) {
    licence.expression = std::string(sure);
    licence.is_id = true;
    licence.names.clear();
    return licence;
  }
  if (licence.names.empty()) {
    // Some put the whole text there: its first line names it.
    const std::vector<std::string_view> lines = split_lines(trim(fields.text));
    constexpr std::size_t max_name = 120;
    if (!lines.empty()) licence.names.emplace_back(trim(lines.front()).substr(0, max_name));
  }
  return licence;
}

}  // namespace axle
