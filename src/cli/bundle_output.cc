#include "cli/bundle_output.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/fd.h"
#include "base/file.h"
#include "cli/context.h"
#include "exec/bundle_image.h"
#include "exec/bundle_tar.h"

namespace axle::cli {
namespace {

constexpr const char* description = "lib/axle/bundle.json";
// As in environments: the first time that a zip can say.
constexpr std::int64_t default_epoch = 315532800;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string stage_prefix(const std::string& path) { return "." + name_of(path) + ".axle-bundle."; }

// What killed commands left beside this place.
void remove_leftovers(const std::string& path) {
  const std::string prefix = stage_prefix(path);
  const Fd dir = open_dir(AT_FDCWD, directory_of(path));
  for (const DirEntry& entry : list_dir(dir.get(), ".")) {
    if (!entry.name.starts_with(prefix)) continue;
    pid_t owner = 0;
    const char* end = entry.name.data() + entry.name.size();
    const auto [rest, error] = std::from_chars(entry.name.data() + prefix.size(), end, owner);
    if (error != std::errc() || rest != end || owner <= 0 || kill(owner, 0) == 0) continue;
    remove_tree(dir.get(), entry.name);
  }
}

Json requirements_to_json(const BundleLibraries& libraries) {
  const auto list = [](const std::vector<NeededLibrary>& needed) {
    Json result = Json::array();
    for (const NeededLibrary& one : needed) result.push_back({{"name", one.name}, {"needed_by", one.by}});
    return result;
  };
  Json libc = Json::array();
  for (const NeededLibrary& one : libraries.libc) libc.push_back(one.name);
  return {{"glibc", libraries.glibc.empty() ? Json(nullptr) : Json(libraries.glibc)},
          {"libc", std::move(libc)},
          {"libraries", list(libraries.missing)}};
}

Json describe(const BundleRequest& request, const Plan& plan, const Bundle& bundle) {
  Json distributions = Json::array();
  for (const Dist& dist : plan.dists) {
    distributions.push_back({{"name", dist.name},
                             {"version", dist.version},
                             {"file", dist.facts.file_name()},
                             {"sha256", dist.facts.wheel_sha256().hex()}});
  }
  Json taken = Json::array();
  for (const TakenLibrary& library : bundle.libraries.taken) taken.push_back(library.path);
  return {{"format", 1},
          {"python", request.interpreter.version},
          {"platform", request.interpreter.platform},
          {"start", request.start.empty() ? Json(nullptr) : Json("bin/" + request.start)},
          {"distributions", std::move(distributions)},
          {"libraries", std::move(taken)},
          {"requires", requirements_to_json(bundle.libraries)}};
}

std::string megabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

// A line each.
std::string lines_of(const std::vector<NeededLibrary>& needed) {
  std::string lines;
  for (const NeededLibrary& one : needed) {
    lines += "  " + one.name + " (" + one.by.front();
    if (one.by.size() > 1) lines += " and " + std::to_string(one.by.size() - 1) + " more";
    lines += ")\n";
  }
  return lines;
}

}  // namespace

BundleOutput::BundleOutput(const Options& options) : options_(options) {
  path_ = absolute_path(options.one_file.empty() ? options.output : options.one_file);
  if (!options.one_file.empty()) {
    form_ = Form::one_file;
  } else if (path_.ends_with(".tar")) {
    form_ = Form::tar;
  } else if (path_.ends_with(".tar.gz") || path_.ends_with(".tgz")) {
    form_ = Form::tar_gz;
  } else if (path_.ends_with(".tar.zst")) {
    form_ = Form::tar_zst;
  }
  make_dirs(AT_FDCWD, directory_of(path_));
  const auto status = try_lstat(AT_FDCWD, path_);
  if (!status) return;
  if (form_ != Form::directory) {
    if (S_ISREG(status->st_mode)) return;
    throw Error(ErrorCode::io, axle::Place{path_}, "is there, and is no file", "choose another place");
  }
  const auto dir = try_open_dir(AT_FDCWD, path_);
  if (!dir)
    throw Error(ErrorCode::io, axle::Place{path_}, "is there, and is no directory", "choose another place");
  if (list_dir(dir->get(), ".").empty()) return;
  if (try_lstat(dir->get(), description) && options.clear) return;
  throw Error(ErrorCode::io, axle::Place{path_}, "is a directory with content",
              "--clear replaces a bundle; anything else is yours to remove");
}

BundleOutput::~BundleOutput() {
  if (stage_.empty()) return;
  try {
    remove_tree(AT_FDCWD, stage_);
  } catch (const Error&) {
    // The next bundle to this place removes it.
  }
}

void BundleOutput::write(const BundleRequest& request, const Plan& plan, Bundle& bundle, Diagnostics& notes) {
  const std::int64_t mtime = source_date_epoch(options_).value_or(default_epoch);
  const std::string text =
      describe(request, plan, bundle).dump(2, ' ', false, Json::error_handler_t::replace);
  for (const char* dir : {"lib", "lib/axle"}) {
    const bool known = std::any_of(bundle.members.begin(), bundle.members.end(),
                                   [&](const BundleMember& one) { return one.path == dir; });
    if (!known) bundle.members.push_back({dir, BundleMember::Kind::directory, false, {}, {}, {}, {}});
  }
  bundle.members.push_back({description, BundleMember::Kind::file, false, {}, {}, text + "\n", {}});
  std::sort(bundle.members.begin(), bundle.members.end(),
            [](const BundleMember& a, const BundleMember& b) { return compare_paths(a.path, b.path) < 0; });

  remove_leftovers(path_);
  stage_ = directory_of(path_) + "/" + stage_prefix(path_) + std::to_string(getpid());
  make_dir(AT_FDCWD, stage_);
  {
    const Fd dir = open_dir(AT_FDCWD, stage_);
    write_bundle(dir.get(), bundle.members, mtime, jobs(options_));
  }
  if (options_.compile) {
    const BundleCompile how{program_name(request.interpreter), mtime, jobs(options_)};
    if (auto said =
            compile_bundle(stage_, request.interpreter, "lib/" + lib_name(request.interpreter), how)) {
      notes.push_back(
          {Severity::note, "compile", "", "", "some modules could not be compiled:\n" + *said, ""});
    }
  }
  switch (form_) {
    case Form::directory:
      publish_directory();
      break;
    case Form::one_file:
      publish_one_file(request, mtime);
      break;
    default:
      publish_tar(mtime);
  }
}

void BundleOutput::publish_directory() {
  const Fd dir = open_dir(AT_FDCWD, stage_);
  count_below(dir, files_, bytes_);
  if (renameat2(AT_FDCWD, stage_.c_str(), AT_FDCWD, path_.c_str(), 0) == 0) {
    stage_.clear();
    return;
  }
  // An empty directory gives way to a rename; a bundle changes places with the new one, and goes with the
  // stage.
  if (errno != ENOTEMPTY && errno != EEXIST) throw_errno("cannot create", path_);
  if (renameat2(AT_FDCWD, stage_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
    throw_errno("cannot replace", path_);
  }
}

void BundleOutput::publish_tar(std::int64_t mtime) {
  const TarForm form = form_ == Form::tar      ? TarForm::plain
                       : form_ == Form::tar_gz ? TarForm::gzip
                                               : TarForm::zstd;
  std::string top = name_of(path_);
  top.resize(top.find(".t"));
  if (!RelPath::try_parse(top)) top = "bundle";
  const Fd dir = open_dir(AT_FDCWD, stage_);
  count_below(dir, files_, bytes_);
  const std::string made = stage_ + ".tar";
  const Fd to(open(made.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!to) throw_errno("cannot create", made);
  try {
    write_tar_of(dir, to, {top, form, mtime, jobs(options_)});
    size_ = static_cast<std::uint64_t>(try_stat(AT_FDCWD, made)->st_size);
    rename_at(AT_FDCWD, made, AT_FDCWD, path_);
  } catch (...) {
    unlink(made.c_str());
    throw;
  }
}

void BundleOutput::publish_one_file(const BundleRequest& request, std::int64_t mtime) {
  if (unpacker_machine() != request.interpreter.arch) {
    throw Error(ErrorCode::unsupported,
                "this axle has no unpacker for " + request.interpreter.arch + " to go before the image",
                "make it with an axle for that machine, or bundle into a directory or a tar");
  }
  ImageRequest image;
  image.name = request.start;
  image.start = "bin/" + request.start;
  image.mtime = mtime;
  image.jobs = jobs(options_);
  const Fd dir = open_dir(AT_FDCWD, stage_);
  const std::string made = stage_ + ".program";
  const Fd to(open(made.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
  if (!to) throw_errno("cannot create", made);
  try {
    const ImageSizes sizes = write_image(dir, to, image);
    size_ = sizes.size;
    files_ = sizes.files;
    bytes_ = sizes.raw;
    key_ = sizes.key;
    rename_at(AT_FDCWD, made, AT_FDCWD, path_);
  } catch (...) {
    unlink(made.c_str());
    throw;
  }
}

void BundleOutput::preview(const Plan& plan, const Bundle& bundle, const Diagnostics& notes) const {
  if (options_.json) {
    Json names = Json::array();
    for (const Dist& dist : plan.dists) names.push_back(dist.name);
    print_json(
        {{"output", path_}, {"dry_run", true}, {"distributions", names}, {"warnings", to_json(notes)}});
    return;
  }
  print_diagnostics(notes, options_);
  print_text(path_ + ": " + std::to_string(plan.dists.size()) + " distributions, " +
                 std::to_string(bundle.members.size()) + " files and directories to write\n",
             options_);
}

void BundleOutput::report(const BundleRequest& request, const Plan& plan, const Bundle& bundle,
                          const Diagnostics& notes, const Stopwatch& watch) const {
  if (options_.json) {
    Json value = {{"output", path_},
                  {"form", form_ == Form::directory  ? "directory"
                           : form_ == Form::one_file ? "one-file"
                                                     : "tar"}};
    value.update(describe(request, plan, bundle));
    value.erase("format");
    value["files"] = files_;
    value["bytes"] = bytes_;
    value["size"] = form_ == Form::directory ? Json(nullptr) : Json(size_);
    value["key"] = key_.empty() ? Json(nullptr) : Json(key_);
    value["edited"] = bundle.edited;
    value["programs"] = bundle.programs;
    value["warnings"] = to_json(notes);
    value["seconds"] = watch.seconds();
    print_json(value);
    return;
  }
  print_diagnostics(notes, options_);
  std::string text = path_ + ": Python " + request.interpreter.version + ", " +
                     std::to_string(plan.dists.size()) + " distributions, " + std::to_string(files_) +
                     " files, " + megabytes(bytes_);
  if (form_ != Form::directory) text += ", " + megabytes(size_) + " as it is";
  text += "\n";
  const BundleLibraries& libraries = bundle.libraries;
  if (libraries.libc.empty() && libraries.missing.empty()) {
    text += "needs nothing of the target system but its kernel\n";
  } else {
    text += "needs of the target system:\n";
    if (!libraries.glibc.empty()) text += "  glibc " + libraries.glibc + " or newer\n";
    if (libraries.glibc.empty() && !libraries.libc.empty()) text += lines_of(libraries.libc);
    text += lines_of(libraries.missing);
  }
  for (const std::string& program : bundle.programs) {
    if (request.take == TakeLibraries::all) text += "  a loader for " + program + ", a program of a wheel\n";
  }
  print_text(text, options_);
}

}  // namespace axle::cli
