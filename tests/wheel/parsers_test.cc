// WHEEL, METADATA, RECORD, entry_points.txt and startup files as text.

#include <gtest/gtest.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/wheel/entry_points.h"
#include "axle/wheel/metadata.h"
#include "axle/wheel/pth.h"
#include "axle/wheel/record.h"
#include "axle/wheel/wheel_file.h"

namespace axle {
namespace {

template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::io, "no error");
}

TEST(Metadata, ReadsWhatEmailReads) {
  const auto metadata = parse_metadata(
      "Metadata-Version: 2.4\r\nname: Demo_Pkg\r\nVERSION:  1.0rc1 \r\nSummary: A\r\n\tfolded one\r\n"
      "Requires-Dist: a>=1;\r\n  python_version < '3.9'\r\nRequires-Dist: b[x]\r\nRequires-Python: >=3.8\r\n"
      "Provides-Extra: Test\r\nLicense-Expression: MIT\r\nLicense-File: LICENSE\r\n"
      "Classifier: License :: OSI Approved :: MIT License\r\nClassifier: Topic :: X\r\n\r\nName: other\r\n",
      "METADATA");
  EXPECT_EQ(metadata.name, "Demo_Pkg");
  EXPECT_EQ(metadata.version, "1.0rc1");
  EXPECT_EQ(metadata.summary, "A folded one");
  EXPECT_EQ(metadata.requires_dist, (std::vector<std::string>{"a>=1; python_version < '3.9'", "b[x]"}));
  EXPECT_EQ(metadata.requires_python, ">=3.8");
  EXPECT_EQ(metadata.provides_extra, std::vector<std::string>{"Test"});
  EXPECT_EQ(metadata.license_expression, "MIT");
  EXPECT_EQ(metadata.license_files, std::vector<std::string>{"LICENSE"});
  EXPECT_EQ(metadata.license_classifiers, std::vector<std::string>{"License :: OSI Approved :: MIT License"});
  EXPECT_TRUE(metadata.notes.empty());
}

TEST(Metadata, ALineThatIsNoHeaderEndsThem) {
  const auto headers = parse_headers("A: 1\nnot a header\nB: 2\n", "x");
  ASSERT_EQ(headers.fields.size(), 1U);
  EXPECT_EQ(headers.body, "not a header\nB: 2\n");
  // A first line that continues nothing is passed over.
  EXPECT_EQ(parse_headers("  folded\nA: 1\n\nbody", "x").find("a")->value, "1");
  EXPECT_TRUE(parse_headers("", "x").fields.empty());
}

TEST(Metadata, ImportNames) {
  const auto metadata = parse_metadata(
      "Metadata-Version: 2.5\nName: d\nVersion: 1\nImport-Name: d\nImport-Name: _d ; private\n"
      "Import-Namespace: ns\n",
      "METADATA");
  EXPECT_EQ(metadata.import_names, (std::vector<std::string>{"d", "_d"}));
  EXPECT_EQ(metadata.import_namespaces, std::vector<std::string>{"ns"});
  EXPECT_EQ(error_of([] {
              parse_metadata(
                  "Metadata-Version: 2.5\nName: d\nVersion: 1\nImport-Name: d\nImport-Namespace: d\n", "M");
            }).code(),
            ErrorCode::bad_input);
}

TEST(Metadata, FormatVersions) {
  const auto parse = [](std::string_view version) {
    return parse_metadata("Metadata-Version: " + std::string(version) + "\nName: d\nVersion: 1\n",
                          "METADATA");
  };
  for (const auto* known : {"1.0", "1.1", "1.2", "2.0", "2.1", "2.6"})
    EXPECT_TRUE(parse(known).notes.empty()) << known;
  EXPECT_EQ(parse("2.7").notes.size(), 1U);
  EXPECT_EQ(error_of([&] { parse("3.0"); }).code(), ErrorCode::unsupported);
  EXPECT_EQ(error_of([&] { parse("x"); }).code(), ErrorCode::bad_input);
  EXPECT_EQ(parse_metadata("Name: d\nVersion: 1\n", "METADATA").notes.size(), 1U);
}

TEST(Metadata, RefusesWhatCannotBeUsed) {
  const auto code = [](std::string_view text) {
    return error_of([&] { parse_metadata(text, "METADATA"); }).code();
  };
  EXPECT_EQ(code("Metadata-Version: 2.1\nVersion: 1\n"), ErrorCode::bad_input);
  EXPECT_EQ(code("Metadata-Version: 2.1\nName: d\n"), ErrorCode::bad_input);
  EXPECT_EQ(code("Metadata-Version: 2.1\nName: -d\nVersion: 1\n"), ErrorCode::bad_input);
  EXPECT_EQ(code("Metadata-Version: 2.1\nName: d\nVersion: one\n"), ErrorCode::bad_input);
  const auto error =
      error_of([] { parse_metadata("Metadata-Version: 2.1\nName: d\nVersion: 1\nSummary: \xff\n", "M"); });
  EXPECT_EQ(error.code(), ErrorCode::bad_input);
  EXPECT_EQ(error.place().line, 4U);
}

TEST(WheelFile, OnlyTrueIsPurelib) {
  const auto pure = [](std::string_view value) {
    return parse_wheel_file("Wheel-Version: 1.0\nRoot-Is-Purelib: " + std::string(value) + "\n", "WHEEL")
        .root_is_purelib;
  };
  EXPECT_TRUE(pure("true"));
  EXPECT_TRUE(pure(" true "));
  EXPECT_FALSE(pure("false"));
  EXPECT_FALSE(pure("True"));
  EXPECT_FALSE(pure("yes"));
  EXPECT_FALSE(parse_wheel_file("Wheel-Version: 1.0\n", "WHEEL").root_is_purelib);
}

TEST(WheelFile, Versions) {
  const auto parse = [](std::string_view text) { return parse_wheel_file(text, "WHEEL"); };
  EXPECT_TRUE(parse("Wheel-Version: 1.0\n").notes.empty());
  EXPECT_EQ(parse("Wheel-Version: 1.9\n").notes.size(), 1U);
  EXPECT_TRUE(parse("Wheel-Version: 1.0\nWheel-Version: 2.0\n").notes.empty());  // the first counts
  EXPECT_EQ(error_of([&] { parse("Wheel-Version: 2.0\n"); }).code(), ErrorCode::unsupported);
  EXPECT_EQ(error_of([&] { parse("Wheel-Version: 0.1\n"); }).code(), ErrorCode::unsupported);
  EXPECT_EQ(error_of([&] { parse("Wheel-Version: one\n"); }).code(), ErrorCode::bad_input);
  EXPECT_EQ(error_of([&] { parse("Generator: x\n"); }).code(), ErrorCode::bad_input);
}

TEST(WheelFile, TagsAsTheyOccur) {
  const auto file =
      parse_wheel_file("Wheel-Version: 1.0\nTag: py3-none-any\nTag: \nTag: a-b-c\n  d-e-f\nBuild: 3\n", "W");
  EXPECT_EQ(file.tags, (std::vector<std::string>{"py3-none-any", "a-b-c", "d-e-f"}));
  EXPECT_EQ(file.build, "3");
}

TEST(Record, RowsAsTheyOccur) {
  const auto rows = parse_record(
      "a.py,sha256=abc,12\r\n\"b,c \"\"d\"\".py\",,\n\n/abs,md5=xyz,\r../up,,3\nlast,sha512=q=,0", "RECORD");
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0], (RecordRow{"a.py", "sha256", "abc", 12, 1}));
  EXPECT_EQ(rows[1], (RecordRow{"b,c \"d\".py", "", "", std::nullopt, 2}));
  EXPECT_EQ(rows[2], (RecordRow{"/abs", "md5", "xyz", std::nullopt, 4}));
  EXPECT_EQ(rows[3], (RecordRow{"../up", "", "", 3, 5}));
  EXPECT_EQ(rows[4], (RecordRow{"last", "sha512", "q=", 0, 6}));
  EXPECT_TRUE(parse_record("", "RECORD").empty());
  EXPECT_TRUE(parse_record("\n\r\n \n", "RECORD").empty());
}

TEST(Record, WhatIsNotRecord) {
  for (const std::string_view text :
       {std::string_view("a\n"), std::string_view("a,b\n"), std::string_view("a,,,\n"),
        std::string_view(",,\n"), std::string_view("a,sha256,1\n"), std::string_view("a,=x,1\n"),
        std::string_view("a,,x\n"), std::string_view("a,,-1\n"),
        std::string_view("a,,99999999999999999999\n"), std::string_view("\"a,,\n"),
        std::string_view("\xff,,\n"), std::string_view("a\0b,,\n", 7)}) {
    const auto error = error_of([&] { parse_record(std::string("ok,,\n") + std::string(text), "RECORD"); });
    EXPECT_EQ(error.code(), ErrorCode::bad_input) << text;
    EXPECT_EQ(error.place().line, 2U) << text;
  }
}

TEST(Record, RenderedRowsReadBack) {
  const std::vector<RecordRow> rows{{"plain", "sha256", "abc", 1, 1},
                                    {"with,comma", "", "", std::nullopt, 2},
                                    {"with \"quote\"", "sha384", "d", 18446744073709551615U, 3}};
  std::string text;
  for (const auto& row : rows) text += render_record_row(row);
  EXPECT_EQ(parse_record(text, "RECORD"), rows);
}

TEST(Record, APlaceIsFoundAmongSortedRows) {
  std::vector<std::string> paths{"!", "a", "a\"b", "a,b", "a/b", "a/b/c", "ab", "b, \"c\"", "b/\xc3\xa9"};
  std::sort(paths.begin(), paths.end());
  for (std::size_t count = 0; count <= paths.size(); ++count) {
    std::string text;
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < count; ++i) {
      starts.push_back(text.size());
      append_record_row(text, paths[i], std::string(i * 7, 'x'), i);
    }
    starts.push_back(text.size());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(place_in_record(text, paths[i]), starts[i]) << paths[i];
      EXPECT_EQ(place_in_record(text, paths[i] + "!"), starts[i + 1]) << paths[i];
    }
    EXPECT_EQ(place_in_record(text, ""), 0U);
    EXPECT_EQ(place_in_record(text, "\xff"), text.size());
  }
  // What is no RECORD has some place, too.
  for (const std::string_view text : {"\n", "\"", "\"\n\"\"\n", "a", "a,,\nb", "\n\n\n"}) {
    EXPECT_LE(place_in_record(text, "a"), text.size());
  }
}

TEST(Record, PathsAreJudged) {
  for (const auto* path : {"a", "a/b.py", "a b"})
    EXPECT_EQ(classify_record_path(path), RecordPath::normal) << path;
  for (const auto* path : {"./a", "a//b", "a/", "a/../b", "a\\b", "a/.", "b."}) {
    EXPECT_EQ(classify_record_path(path), RecordPath::not_normal) << path;
  }
  for (const auto* path : {"/a", "../a", "a/../../b", "\\a", "..\\a", "C:/x", "c:x", ".."}) {
    EXPECT_EQ(classify_record_path(path), RecordPath::escaping) << path;
  }
}

TEST(EntryPoints, AsConfigparserReadsThem) {
  const auto entries = parse_entry_points(
      "# comment\n; too\n\n[console_scripts]\n  Demo-X = demo.cli:main [extra, b]\n\n  other=demo:Cls.run\n"
      "[gui_scripts]\ndemo.gui = demo:gui\n[plugins.more]\nkey with space = demo.plugin\n: = a\n",
      "entry_points.txt");
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[0], (EntryPoint{"console_scripts", "Demo-X", "demo.cli:main [extra, b]"}));
  EXPECT_EQ(entries[1], (EntryPoint{"console_scripts", "other", "demo:Cls.run"}));
  EXPECT_EQ(entries[2], (EntryPoint{"gui_scripts", "demo.gui", "demo:gui"}));
  EXPECT_EQ(entries[3], (EntryPoint{"plugins.more", "key with space", "demo.plugin"}));
  EXPECT_EQ(entries[4].name, ":");
  EXPECT_TRUE(parse_entry_points("", "e").empty());
}

TEST(EntryPoints, WhatIsMalformed) {
  const auto line_of = [](std::string_view text) {
    const auto error = error_of([&] { parse_entry_points(text, "entry_points.txt"); });
    EXPECT_EQ(error.code(), ErrorCode::bad_input) << text;
    EXPECT_EQ(error.place().file, "entry_points.txt");
    return error.place().line;
  };
  EXPECT_EQ(line_of("a = b:c\n"), 1U);                              // outside a section
  EXPECT_EQ(line_of("[console_scripts]\na = b:c\na = b:d\n"), 3U);  // a key twice
  EXPECT_EQ(line_of("[g]\na = b\n[g]\nc = d\n"), 3U);               // a section twice
  EXPECT_EQ(line_of("[g]\na = \xff\n"), 2U);                        // not UTF-8
  EXPECT_EQ(line_of("[console_scripts]\na: b:c\n"), 2U);            // '=' is the only delimiter
  EXPECT_EQ(line_of("[console_scripts]\na = b\n"), 2U);             // no function
  EXPECT_EQ(line_of("[console_scripts]\na = b:\n"), 2U);
  EXPECT_EQ(line_of("[console_scripts]\na = b:c; import os\n"), 2U);
  EXPECT_EQ(line_of("[console_scripts]\na = b:c()\n"), 2U);
  EXPECT_EQ(line_of("[console_scripts]\na = 1b:c\n"), 2U);
  EXPECT_EQ(line_of("[console_scripts]\na = b:c\n  d = e:f\n"), 2U);  // a continuation, to configparser
  for (const auto* name : {"a/b", "../a", "a b", "..", ".", "a!", "con",
                           "a\xE2\x80\xA8"
                           "b"}) {
    EXPECT_EQ(line_of("[gui_scripts]\n" + std::string(name) + " = b:c\n"), 2U) << name;
  }
  EXPECT_EQ(line_of("[g]\n= b\n"), 2U);
}

TEST(EntryPoints, References) {
  const auto reference = parse_object_reference("a.b : c.d [x, y]");
  EXPECT_EQ(reference.module, "a.b");
  EXPECT_EQ(reference.attribute, "c.d");
  EXPECT_EQ(reference.extras, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(parse_object_reference("a").attribute, "");
  EXPECT_EQ(parse_object_reference("m\xC3\xB6"
                                   "dul:f")
                .module,
            "m\xC3\xB6"
            "dul");
}

TEST(EntryPoints, NamesOfTheEnvironment) {
  for (const auto* name :
       {"python", "Python3.exe", "pythonw", "python3", "python3.12", "python3.13t", "PYPY3", "pypy",
        "graalpy", "python.py", "activate", "Activate.ps1", "activate.fish", "activate_this.py"}) {
    EXPECT_TRUE(is_reserved_script_name(name)) << name;
  }
  for (const auto* name : {"pythonx", "python-config", "pypyr", "ipython",
                           "activate-global-python-argcomplete", "pip", "python3-config", "reactivate"}) {
    EXPECT_FALSE(is_reserved_script_name(name)) << name;
  }
}

TEST(Pth, LinesAsSiteReadsThem) {
  using Kind = PthLine::Kind;
  const auto lines = classify_pth(
      "\xEF\xBB\xBFimport a\n# comment\n  # path\n\n \t\nimport\tb; c()\nimportant\n import d\npath/x  "
      "\r\nlast\xC2\xA0\n"
      "one\x0ctwo");
  const std::vector<PthLine> expected{
      {Kind::code, "import a"},  {Kind::comment, "# comment"}, {Kind::path, "  # path"},
      {Kind::blank, ""},         {Kind::blank, " \t"},         {Kind::code, "import\tb; c()"},
      {Kind::path, "important"}, {Kind::path, " import d"},    {Kind::path, "path/x"},
      {Kind::path, "last"},      {Kind::path, "one"},          {Kind::path, "two"}};
  EXPECT_EQ(lines, expected);
  EXPECT_TRUE(classify_pth("").empty());
}

TEST(Pth, StartFiles) {
  using Kind = PthLine::Kind;
  const std::vector<PthLine> expected{
      {Kind::comment, " # c"}, {Kind::code, "pkg.mod:run"}, {Kind::blank, ""}};
  EXPECT_EQ(classify_start(" # c\n  pkg.mod:run \n\n"), expected);
}

}  // namespace
}  // namespace axle
