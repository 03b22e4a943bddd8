#pragma once
// The licence of a distribution as its metadata tells it: an SPDX expression where there is one or where the
// old fields leave no doubt, otherwise names. spec: PEP 639, "Core metadata" License and Classifier.

#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct LicenceFields {
  std::string_view expression;                // License-Expression
  std::string_view text;                      // License
  std::vector<std::string_view> classifiers;  // "License :: OSI Approved :: MIT License"
};

struct Licence {
  std::string expression;          // SPDX; "" when unknown
  bool is_id = false;              // the expression is one SPDX identifier
  std::vector<std::string> names;  // what is said instead, one line each; empty: nothing is said
  std::string str() const;         // for people; "unknown" when nothing is said
};

// Pure.
Licence find_licence(const LicenceFields& fields);

}  // namespace axle
