#include "cli/report.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"

namespace axle::cli {
namespace {

bool use_color(const Options& options) {
  if (options.color != "auto") return options.color == "always";
  return variable(options, "NO_COLOR").empty() && isatty(STDERR_FILENO) == 1;
}

// What a message quotes may hold anything (names of files, texts of distributors); it stays one line, and
// nothing in it reaches the terminal as a command.
std::string one_line(std::string_view text) {
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n' || byte == '\t' || byte == '\r') {
      if (!line.empty() && !line.ends_with(' ')) line += ' ';
      while (i + 1 < text.size() && is_space(text[i + 1])) ++i;
    } else {
      line += byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

void print_labelled(std::string_view label, const char* color, const std::string& text,
                    const Options& options) {
  const bool colored = use_color(options);
  std::string line;
  if (colored) line += color;
  line += label;
  if (colored) line += "\x1b[0m";
  line += ": " + one_line(text) + "\n";
  std::fputs(line.c_str(), stderr);
}

constexpr const char* red = "\x1b[1;31m";
constexpr const char* yellow = "\x1b[1;33m";
constexpr const char* cyan = "\x1b[1;36m";

std::string duration(double seconds) {
  char text[32];
  if (seconds < 1) {
    std::snprintf(text, sizeof text, "%.1f ms", seconds * 1000);
  } else {
    std::snprintf(text, sizeof text, "%.2f s", seconds);
  }
  return text;
}

Json change_json(const std::string& environment, const Stopwatch& watch) {
  Json value;
  value["environment"] = environment;
  value["changed"] = false;
  value["installed"] = Json::array();
  value["removed"] = Json::array();
  value["reinstalled"] = Json::array();
  value["kept"] = 0;
  value["link_mode"] = nullptr;
  value["seconds"] = watch.seconds();
  return value;
}

}  // namespace

int exit_status(ErrorCode code, int signal) noexcept {
  switch (code) {
    case ErrorCode::usage:
      return 2;
    case ErrorCode::bad_input:
      return 3;
    case ErrorCode::integrity:
      return 4;
    case ErrorCode::conflict:
      return 5;
    case ErrorCode::no_match:
      return 6;
    case ErrorCode::io:
      return 7;
    case ErrorCode::unsupported:
      return 8;
    case ErrorCode::interrupted:
      return signal == 0 ? 130 : 128 + signal;
  }
  return 7;
}

void print_error(const Error& error, const Options& options) {
  if (options.json) {
    Json value;
    value["code"] = to_string(error.code());
    value["message"] = error.message();
    value["file"] = error.place().file.empty() ? Json(nullptr) : Json(error.place().file);
    value["line"] = error.place().line == 0 ? Json(nullptr) : Json(error.place().line);
    value["column"] = error.place().column == 0 ? Json(nullptr) : Json(error.place().column);
    value["hint"] = error.hint().empty() ? Json(nullptr) : Json(error.hint());
    print_json({{"error", value}});
  }
  print_labelled("error", red, error.what(), options);
  if (!error.hint().empty()) print_labelled("hint", cyan, error.hint(), options);
}

void print_diagnostics(const Diagnostics& diagnostics, const Options& options) {
  if (options.quiet) return;
  for (const Diagnostic& one : diagnostics) {
    if (one.severity == Severity::note && options.verbose == 0) continue;
    std::string text;
    if (!one.path.empty()) text += one.path + ": ";
    text += one.message;
    if (!one.hint.empty()) text += " (" + one.hint + ")";
    print_labelled(one.severity == Severity::note ? "note" : "warning",
                   one.severity == Severity::note ? cyan : yellow, text, options);
  }
}

Json to_json(const Diagnostic& diagnostic) {
  const char* severity = diagnostic.severity == Severity::error     ? "error"
                         : diagnostic.severity == Severity::warning ? "warning"
                                                                    : "note";
  return {
      {"kind", diagnostic.kind}, {"severity", severity},          {"distribution", diagnostic.distribution},
      {"path", diagnostic.path}, {"message", diagnostic.message}, {"hint", diagnostic.hint}};
}

Json to_json(const Diagnostics& diagnostics) {
  Json list = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(to_json(diagnostic));
  return list;
}

void print_json(const Json& value) {
  // Names of files need not be UTF-8; JSON must be.
  const std::string text = value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_text(std::string_view text, const Options& options) {
  if (!options.quiet) std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

double Stopwatch::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void report_change(const ApplyResult& result, const std::string& environment, const Stopwatch& watch,
                   const Options& options) {
  if (options.json) {
    Json value = change_json(environment, watch);
    value["changed"] = result.paths_added + result.paths_removed != 0;
    value["installed"] = result.installed;
    value["removed"] = result.removed;
    value["reinstalled"] = result.reinstalled;
    value["kept"] = result.kept;
    value["link_mode"] = result.link_mode ? Json(to_string(*result.link_mode)) : Json(nullptr);
    value["warnings"] = to_json(result.notes);
    print_json(value);
    return;
  }
  print_diagnostics(result.notes, options);
  std::string text;
  if (options.verbose > 0 || options.dry_run) {
    for (const std::string& dist : result.removed) text += "- " + dist + "\n";
    for (const std::string& dist : result.reinstalled) text += "~ " + dist + "\n";
    for (const std::string& dist : result.installed) text += "+ " + dist + "\n";
  }
  const auto part = [&](std::size_t count, std::string_view what) {
    if (count != 0)
      text += (text.empty() || text.ends_with('\n') ? "" : ", ") + std::to_string(count) + " " +
              std::string(what);
  };
  part(result.installed.size(), options.dry_run ? "to install" : "installed");
  part(result.removed.size(), options.dry_run ? "to remove" : "removed");
  part(result.reinstalled.size(), options.dry_run ? "to lay anew" : "laid anew");
  part(result.kept, "kept");
  if (text.empty() || text.ends_with('\n'))
    text += result.paths_added != 0 ? "environment made" : "nothing to do";
  text += " in " + environment + " (" +
          (result.link_mode ? std::string(to_string(*result.link_mode)) + ", " : std::string()) +
          duration(watch.seconds()) + ")\n";
  print_text(text, options);
}

void report_no_change(std::size_t distributions, const std::string& environment, const Stopwatch& watch,
                      const Options& options) {
  if (options.json) {
    Json value = change_json(environment, watch);
    value["kept"] = distributions;
    value["warnings"] = Json::array();
    print_json(value);
    return;
  }
  print_text(std::to_string(distributions) + " kept, nothing to do in " + environment + " (" +
                 duration(watch.seconds()) + ")\n",
             options);
}

}  // namespace axle::cli
