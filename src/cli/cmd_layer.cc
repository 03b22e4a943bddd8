// axle layer LOCK: the environment as a container layer, from verified wheels, with no environment on disk.

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <optional>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/environment_commands.h"
#include "cli/oci_layout.h"
#include "cli/report.h"
#include "cli/version.h"
#include "exec/build_layers.h"
#include "store/layer_cache.h"

namespace axle::cli {
namespace {

constexpr const char* default_venv = "/opt/venv";

// Where the environment is in the image. Nothing of this machine has a say in it.
Place layer_place(const Options& options) {
  Place place;
  std::string given = options.venv.value_or(default_venv);
  const char* option = "--venv";
  if (options.system) {
    throw Error(ErrorCode::usage, "a layer of the interpreter's own site-packages is not made",
                "use --prefix with the interpreter's prefix in the image");
  }
  if (options.target) {
    place.kind = LayoutKind::target;
    given = *options.target;
    option = "--target";
  } else if (options.prefix) {
    place.kind = LayoutKind::prefix;
    given = *options.prefix;
    option = "--prefix";
  }
  if (!given.starts_with('/')) {
    throw Error(ErrorCode::usage, std::string(option) + " " + axle::quoted(given) + " is no absolute path",
                "a layer is for a place in an image, such as /opt/venv");
  }
  place.logical = absolute_path(given);
  if (place.logical == "/" || rel_path_fault(place.logical.substr(1)) != nullptr) {
    throw Error(ErrorCode::usage,
                std::string(option) + " " + axle::quoted(given) + " cannot be a place in an image",
                "name a directory such as /opt/venv");
  }
  place.physical = place.logical;
  return place;
}

// The interpreter of the image: described by a file that was named, or made up.
// `here` is the same where it lies on this machine.
Interpreter layer_interpreter(const Options& options, const Place& place, Interpreter& here) {
  if (options.python_version.empty() && options.python.empty()) {
    throw Error(ErrorCode::usage, "layer needs to know the image's Python",
                "give --python-version 3.12, or --python with a path or a facts file");
  }
  Options asked = options;
  if (options.python_version.empty()) {
    // A version or a name would be looked for on this machine.
    if (options.python.find('/') == std::string::npos && !try_stat(AT_FDCWD, options.python)) {
      throw Error(ErrorCode::usage, "--python " + axle::quoted(options.python) + " names no file",
                  "layer searches for no interpreter: give its path, a facts file, or --python-version");
    }
  } else {
    asked.python.clear();
  }
  Place nowhere = place;
  nowhere.physical = "/nonexistent";
  Interpreter interpreter = find_interpreter_for(asked, nowhere);
  here = interpreter;
  if (options.python_version.empty() && !options.target_python.empty()) {
    interpreter.executable = options.target_python;
    interpreter.base_executable = options.target_python;
  }
  return interpreter;
}

LayerCompression parse_compression(const Options& options) {
  const std::string& name = options.compression;
  if (name == "none") return LayerCompression::none;
  if (name == "gzip") return LayerCompression::gzip;
  if (name == "zstd") return LayerCompression::zstd;
  if (!options.oci.empty()) return LayerCompression::gzip;
  const std::string& file = options.output;
  if (file.ends_with(".tar")) return LayerCompression::none;
  if (file.ends_with(".gz") || file.ends_with(".tgz")) return LayerCompression::gzip;
  if (file.ends_with(".zst") || file.ends_with(".tzst")) return LayerCompression::zstd;
  throw Error(ErrorCode::usage, axle::quoted(file) + " does not tell how to compress",
              "name it .tar, .tar.gz or .tar.zst, or give --compression none|gzip|zstd");
}

// Only what is printed or goes into an image is computed.
LayerDigests wanted_digests(const Options& options) {
  if (options.json || !options.oci.empty()) return LayerDigests::all;
  return options.quiet ? LayerDigests::none : LayerDigests::packed;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void parse_owner(const std::string& text, LayerOptions& layer) {
  if (text.empty()) return;
  const std::size_t colon = text.find(':');
  const auto uid = parse_number<std::uint32_t>(std::string_view(text).substr(0, colon));
  const auto gid = colon == std::string::npos
                       ? uid
                       : parse_number<std::uint32_t>(std::string_view(text).substr(colon + 1));
  if (!uid || !gid) {
    throw Error(ErrorCode::usage, "--owner " + axle::quoted(text) + " is no owner",
                "numbers: UID or UID:GID");
  }
  layer.uid = *uid;
  layer.gid = *gid;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

// "layer.tar.gz" and "numpy": "layer-numpy.tar.gz". The first of several keeps the name that was given.
std::string file_of_part(const std::string& file, const std::string& part) {
  if (part.empty()) return file;
  const std::size_t begin = file.rfind('/') == std::string::npos ? 0 : file.rfind('/') + 1;
  std::size_t dot = file.find(".tar", begin);
  if (dot == std::string::npos) dot = file.rfind('.');
  if (dot == std::string::npos || dot < begin) dot = file.size();
  return file.substr(0, dot) + "-" + part + file.substr(dot);
}

// With --no-store: a store beside the output that goes with the command.
class OwnStore {
 public:
  explicit OwnStore(const std::string& directory)
      : path_(directory + "/" + prefix + std::to_string(getpid())) {
    remove_abandoned(directory);
    make_dir(AT_FDCWD, path_);
    lock_ = open_dir(AT_FDCWD, path_);
    flock(lock_.get(), LOCK_EX | LOCK_NB);
  }
  ~OwnStore() {
    try {
      remove_tree(AT_FDCWD, path_);
    } catch (const Error&) {  // the next such command removes it
    }
  }
  OwnStore(const OwnStore&) = delete;
  OwnStore& operator=(const OwnStore&) = delete;

  Store open() const { return Store::open(path_, StoreUse::once); }

 private:
  static constexpr const char* prefix = ".axle-store-";

  // Of commands that were killed: nobody holds their lock. The one minute is for those that are being made.
  static void remove_abandoned(const std::string& directory) {
    for (const DirEntry& entry : list_dir(AT_FDCWD, directory)) {
      if (!entry.name.starts_with(prefix) || entry.type != DT_DIR) continue;
      const std::string path = directory + "/" + entry.name;
      const auto dir = try_open_dir(AT_FDCWD, path);
      const auto status = try_stat(AT_FDCWD, path);
      if (!dir || !status || status->st_mtime + 60 > time(nullptr)) continue;
      if (flock(dir->get(), LOCK_EX | LOCK_NB) != 0) continue;
      try {
        remove_tree(AT_FDCWD, path);
      } catch (const Error&) {  // it may be another user's
      }
    }
  }

  std::string path_;
  Fd lock_;
};

// A layout that is new is gone again unless it was kept.
class NewLayout {
 public:
  explicit NewLayout(const std::string& directory) : directory_(directory) {
    const bool is_there = try_stat(AT_FDCWD, directory).has_value();
    is_new_ = !is_there || is_empty_layout(directory);
    keep_directory_ = is_there;
    make_oci_layout(directory);
  }
  ~NewLayout() {
    if (!is_new_) return;
    try {
      if (!keep_directory_) {
        remove_tree(AT_FDCWD, directory_);
        return;
      }
      for (const DirEntry& entry : list_dir(AT_FDCWD, directory_)) {
        remove_tree(AT_FDCWD, directory_ + "/" + entry.name);
      }
    } catch (const Error&) {  // an empty layout is left
    }
  }
  NewLayout(const NewLayout&) = delete;
  NewLayout& operator=(const NewLayout&) = delete;

  void keep() noexcept { is_new_ = false; }

 private:
  std::string directory_;
  bool is_new_ = false;
  bool keep_directory_ = false;
};

struct Output {
  std::vector<std::string> files;  // of the layers, in their order
  std::optional<OciResult> image;
};

Json layer_to_json(const BuiltLayer& layer, const std::string& file, LayerCompression compression) {
  return {{"file", file},
          {"media_type", media_type(compression)},
          {"digest", "sha256:" + layer.digest.digest.hex()},
          {"diff_id", "sha256:" + layer.digest.diff_id.hex()},
          {"size", layer.digest.size},
          {"tar_size", layer.digest.tar_size},
          {"entries", layer.entries},
          {"distributions", layer.distributions}};
}

void report(const Options& options, const LayerRequest& request, const BuiltLayers& built,
            const Output& output, const Stopwatch& watch) {
  Diagnostics notes = built.notes;
  if (request.layer.compression != LayerCompression::none && request.layer.deflate == Deflate::splice) {
    for (const std::string& name : built.without_archives) {
      notes.push_back({Severity::note, "recompressed", name, "",
                       "its archive was not at hand: its files were taken from the store and compressed anew",
                       "the tar is the same; for the same compressed bytes everywhere, keep the archives "
                       "(--find-links) or give --recompress"});
    }
  }
  if (options.json) {
    Json value;
    Json layers = Json::array();
    for (std::size_t i = 0; i < built.layers.size(); ++i) {
      layers.push_back(layer_to_json(built.layers[i], output.files[i], request.layer.compression));
    }
    // With one layer, what callers mostly want stands at the top as well.
    if (layers.size() == 1) value = layers[0];
    value["layers"] = std::move(layers);
    value["venv"] = built.plan.layout.root;
    value["recompressed"] = built.without_archives;
    if (output.image) {
      value["oci"] = {{"path", options.oci},
                      {"reference", "latest"},
                      {"manifest", output.image->manifest},
                      {"config", output.image->config}};
    }
    if (options.dry_run) value["dry_run"] = true;
    value["notes"] = to_json(notes);
    print_json(value);
    return;
  }
  print_diagnostics(notes, options);
  std::uint64_t bytes = 0;
  std::string text;
  for (std::size_t i = 0; i < built.layers.size(); ++i) {
    const BuiltLayer& layer = built.layers[i];
    bytes += layer.digest.size;
    text += "sha256:" + layer.digest.digest.hex() + "  " + output.files[i] + "\n";
  }
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.2f", watch.seconds());
  text += std::to_string(built.plan.dists.size()) + " distributions in " +
          std::to_string(built.layers.size()) + (built.layers.size() == 1 ? " layer, " : " layers, ") +
          std::to_string(bytes) + " bytes, in " + seconds + " s\n";
  print_text(text, options);
}

// The layers take their places. A dry run only says where these are; its files go with `built`.
Output publish(const Options& options, BuiltLayers& built, const OciImage& image) {
  Output output;
  if (!options.mtree.empty() && !options.dry_run) {
    TemporaryFile file = TemporaryFile::create(directory_of(options.mtree));
    file.write(built.mtree);
    file.publish(options.mtree);
  }
  for (BuiltLayer& layer : built.layers) {
    output.files.push_back(options.oci.empty() ? file_of_part(options.output, layer.name)
                                               : oci_blobs(options.oci) + "/" + layer.digest.digest.hex());
    if (options.oci.empty() && !options.dry_run) layer.file.publish(output.files.back());
  }
  if (!options.oci.empty() && !options.dry_run) output.image = write_oci_image(image, built.layers);
  return output;
}

void check_usage(const Options& options, const std::vector<std::string>& locks) {
  if (locks.empty()) throw Error(ErrorCode::usage, "layer needs a lock", "axle layer LOCK -o FILE");
  if (options.output.empty() == options.oci.empty()) {
    throw Error(ErrorCode::usage, "layer writes either to a file or to an OCI layout",
                "give -o FILE or --oci DIR");
  }
  if (options.compile && !options.python_version.empty()) {
    throw Error(ErrorCode::unsupported,
                "--compile needs the interpreter, and --python-version only describes one",
                "give --python with the path of one that runs here and is the image's version");
  }
  if (!options.base.empty() && options.oci.empty()) {
    throw Error(ErrorCode::usage, "--base needs --oci", "give the layout to write with --oci DIR");
  }
}

}  // namespace

int run_layer(const Options& options) {
  const Stopwatch watch;
  std::vector<std::string> paths = options.arguments;
  paths.insert(paths.end(), options.requirements.begin(), options.requirements.end());
  check_usage(options, paths);

  LayerRequest request;
  request.verify = verify_level(options);
  if (make_policy(options).rpath == RpathPolicy::fix) request.facts = FactsFrom::contents;
  request.split = parse_split(options.split);
  request.layer.compression = parse_compression(options);
  request.layer.deflate = options.recompress ? Deflate::recompress : Deflate::splice;
  request.layer.digests = wanted_digests(options);
  request.layer.jobs = jobs(options);
  request.layer.mtime = source_date_epoch(options).value_or(0);
  parse_owner(options.owner, request.layer);

  Opened opened;
  opened.place = layer_place(options);
  Interpreter compiler;
  opened.interpreter = layer_interpreter(options, opened.place, compiler);
  if (opened.interpreter.os != Os::linux) {
    throw Error(ErrorCode::unsupported,
                "a layer is for Linux, and the target is " + std::string(to_string(opened.interpreter.os)),
                "give a Linux platform, such as --platform manylinux_2_28_x86_64");
  }
  opened.layout = make_layout(options, opened.place, opened.interpreter);
  opened.makes_skeleton = opened.place.kind == LayoutKind::venv;

  OciImage image;
  if (!options.oci.empty()) {
    image = {options.oci, options.base, oci_platform(opened.interpreter.arch), request.layer.compression,
             request.layer.mtime};
    check_oci_target(options.oci);
    check_oci_base(image);
  }

  const Locks locks = read_locks(options, paths, {});
  const SelectionRequest selection = selection_request(options, opened.interpreter);
  const Chosen chosen = select_all(locks, selection);
  std::optional<NewLayout> layout;
  if (!options.oci.empty() && !options.dry_run) layout.emplace(options.oci);
  request.directory =
      layout ? oci_blobs(options.oci) : directory_of(options.oci.empty() ? options.output : options.oci);
  TemporaryFile::remove_abandoned(request.directory);
  std::optional<OwnStore> own_store;
  if (options.no_store) own_store.emplace(request.directory);
  Store store = own_store ? own_store->open() : open_store(options);
  request.store = &store;
  std::optional<LayerCache> cache;
  if (!own_store) {
    cache.emplace(store, "axle " + std::string(version));
    request.layer.cache = &*cache;
  }
  if (!options.mtree.empty()) request.mtree = LayerRequest::Mtree::wanted;
  Diagnostics notes = chosen.notes;
  if (options.compile) {
    std::vector<PlanWheel> wheels = acquire(options, chosen, selection, store, notes);
    compile_wheels(options, compiler, store, wheels, notes);
    for (PlanWheel& wheel : wheels) request.unpacked.push_back(std::move(wheel.facts));
  } else {
    request.wheels = acquire_archives(options, chosen, selection, store, notes);
  }
  request.plan = [&](const std::vector<WheelFacts>& facts) {
    PlanInput input = make_plan_input(options, opened, plan_wheels(chosen, facts, selection));
    input.policy.link_mode = LinkMode::copy;
    return make_plan(input);
  };

  BuiltLayers built = build_layers(request);
  built.notes.insert(built.notes.begin(), notes.begin(), notes.end());
  if (options.compile) built.without_archives.clear();  // none was looked for
  const Output output = publish(options, built, image);
  if (layout) layout->keep();
  report(options, request, built, output, watch);
  return 0;
}

}  // namespace axle::cli
