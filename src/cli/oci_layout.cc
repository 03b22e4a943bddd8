#include "cli/oci_layout.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/report.h"
#include "cli/version.h"
#include "store/unpack.h"

namespace axle::cli {
namespace {

constexpr const char* layout_file = "oci-layout";
constexpr const char* index_file = "index.json";
// An index may name an index; nobody nests them deeper.
constexpr int max_nesting = 4;
constexpr std::uint64_t max_json = 16U << 20;

[[noreturn]] void broken(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::bad_input, axle::Place{file}, what, "the base image is broken: get it again");
}

Json parse(const std::string& text, const std::string& file) {
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded() || !value.is_object()) broken(file, "is no JSON object");
  return value;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A descriptor's blob, below the layout. spec: digest "algorithm:encoded"; only sha256 is registered for all.
std::string blob_path(const Json& descriptor, const std::string& file) {
  const std::string digest = descriptor.is_object() ? text_of(descriptor, "digest") : "";
  const auto known = Sha256::from_hex(digest.starts_with("sha256:") ? digest.substr(7) : "");
  if (!known) broken(file, "names a blob without a sha256 digest");
  return "blobs/sha256/" + known->hex();
}

std::string read_blob(const std::string& directory, const Json& descriptor, const std::string& file) {
  const std::string path = directory + "/" + blob_path(descriptor, file);
  const auto text = try_read_file(AT_FDCWD, path, max_json);
  if (!text) broken(path, "is missing");
  if (!path.ends_with(Sha256::of(*text).hex())) broken(path, "does not have the digest that names it");
  return *text;
}

struct BaseImage {
  std::string directory;
  std::string manifest_path;
  Json manifest;
  Json config;
};

// "DIR" or "DIR:REF".
std::pair<std::string, std::string> split_reference(const std::string& base) {
  const std::size_t colon = base.rfind(':');
  if (colon == std::string::npos || try_stat(AT_FDCWD, base)) return {base, ""};
  return {base.substr(0, colon), base.substr(colon + 1)};
}

bool fits(const Json& descriptor, const OciPlatform& platform) {
  const auto found = descriptor.find("platform");
  if (found == descriptor.end() || !found->is_object()) return true;
  const std::string variant = text_of(*found, "variant");
  return text_of(*found, "os") == "linux" && text_of(*found, "architecture") == platform.architecture &&
         (platform.variant.empty() || variant.empty() || variant == platform.variant);
}

// The descriptor of the manifest for the platform, through nested indexes.
std::optional<Json> find_manifest(const std::string& directory, const Json& index, const std::string& file,
                                  const OciPlatform& platform, const std::string& reference, int depth) {
  const auto manifests = index.find("manifests");
  if (manifests == index.end() || !manifests->is_array() || depth > max_nesting) {
    broken(file, "has no list of manifests");
  }
  std::vector<Json> candidates;
  for (const Json& descriptor : *manifests) {
    if (!descriptor.is_object()) broken(file, "has a manifest that is no object");
    const auto annotations = descriptor.find("annotations");
    const std::string name =
        annotations != descriptor.end() && annotations->is_object() ? text_of(*annotations, oci_ref_key) : "";
    if (!reference.empty() && name != reference) continue;
    if (!fits(descriptor, platform)) continue;
    // Without a wish the usual name comes first.
    candidates.insert(name == oci_ref_name ? candidates.begin() : candidates.end(), descriptor);
  }
  for (const Json& descriptor : candidates) {
    const std::string type = text_of(descriptor, "mediaType");
    if (type == oci_index_type) {
      const Json nested = parse(read_blob(directory, descriptor, file), file);
      auto found = find_manifest(directory, nested, directory + "/" + blob_path(descriptor, file), platform,
                                 "", depth + 1);
      if (found) return found;
    } else if (type == oci_manifest_type) {
      return descriptor;
    } else {
      throw Error(ErrorCode::unsupported, axle::Place{file}, "names a manifest of type " + axle::quoted(type),
                  "convert the image to OCI: skopeo copy ... oci:DIR");
    }
  }
  return std::nullopt;
}

BaseImage read_base(const OciImage& image) {
  const auto [directory, reference] = split_reference(image.base);
  const std::string index_path = directory + "/" + index_file;
  const auto text = try_read_file(AT_FDCWD, index_path, max_json);
  if (!text || !try_stat(AT_FDCWD, directory + "/" + layout_file)) {
    throw Error(ErrorCode::io, axle::Place{directory}, "is no OCI image layout",
                "make one: skopeo copy docker://IMAGE oci:DIR");
  }
  const auto descriptor =
      find_manifest(directory, parse(*text, index_path), index_path, image.platform, reference, 0);
  if (!descriptor) {
    throw Error(ErrorCode::no_match, axle::Place{index_path},
                "has no image for linux/" + image.platform.architecture +
                    (reference.empty() ? "" : " under the name " + axle::quoted(reference)),
                "choose another base or another --platform");
  }
  BaseImage base;
  base.directory = directory;
  base.manifest_path = directory + "/" + blob_path(*descriptor, index_path);
  base.manifest = parse(read_blob(directory, *descriptor, index_path), base.manifest_path);
  const auto layers = base.manifest.find("layers");
  if (layers == base.manifest.end() || !layers->is_array() || !base.manifest.contains("config")) {
    broken(base.manifest_path, "has no layers or no config");
  }
  for (const Json& layer : *layers) {
    const std::string path = directory + "/" + blob_path(layer, base.manifest_path);
    const auto status = try_stat(AT_FDCWD, path);
    if (!status || !S_ISREG(status->st_mode)) broken(path, "is missing");
  }
  const std::string config_path = directory + "/" + blob_path(base.manifest["config"], base.manifest_path);
  base.config = parse(read_blob(directory, base.manifest["config"], base.manifest_path), config_path);
  if (text_of(base.config, "os") != "linux" ||
      text_of(base.config, "architecture") != image.platform.architecture) {
    throw Error(ErrorCode::no_match, axle::Place{config_path},
                "is for " + text_of(base.config, "os") + "/" + text_of(base.config, "architecture") +
                    ", the layer for linux/" + image.platform.architecture,
                "choose another base or another --platform");
  }
  const auto rootfs = base.config.find("rootfs");
  if (rootfs == base.config.end() || !rootfs->is_object() || !rootfs->contains("diff_ids") ||
      !(*rootfs)["diff_ids"].is_array() || (*rootfs)["diff_ids"].size() != layers->size()) {
    broken(config_path, "does not name a diff-id for each layer");
  }
  const auto history = base.config.find("history");
  if (history != base.config.end() && !history->is_array())
    broken(config_path, "has a history that is no list");
  return base;
}

// Copies a blob unless it is there, and holds it to its digest.
void copy_blob(const std::string& from_directory, const std::string& to_directory, const Json& descriptor,
               const std::string& file) {
  const std::string path = blob_path(descriptor, file);
  const std::string to = to_directory + "/" + path;
  if (try_stat(AT_FDCWD, to)) return;
  const std::string from = from_directory + "/" + path;
  const Fd source = open_file(AT_FDCWD, from);
  TemporaryFile copy = TemporaryFile::create(oci_blobs(to_directory));
  Hasher hasher;
  std::vector<char> buffer(1U << 20);
  const std::uint64_t size = static_cast<std::uint64_t>(try_stat(AT_FDCWD, from)->st_size);
  for (std::uint64_t at = 0; at < size;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - at));
    pread_exactly(source, buffer.data(), count, at, from);
    hasher.update({buffer.data(), count});
    copy.write({buffer.data(), count});
    at += count;
  }
  if (!path.ends_with(hasher.finish_sha256().hex())) {
    broken(from, "does not have the digest that names it");
  }
  copy.publish(to);
}

std::string write_blob(const std::string& directory, const std::string& bytes) {
  const std::string hex = Sha256::of(bytes).hex();
  TemporaryFile file = TemporaryFile::create(oci_blobs(directory));
  file.write(bytes);
  file.publish(oci_blobs(directory) + "/" + hex);
  return "sha256:" + hex;
}

Json new_config(const OciImage& image) {
  Json config = {{"architecture", image.platform.architecture}};
  if (!image.platform.variant.empty()) config["variant"] = image.platform.variant;
  config["os"] = "linux";
  config["config"] = Json::object();
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", Json::array()}};
  return config;
}

void replace_reference(const std::string& directory, const Json& descriptor) {
  const std::string path = directory + "/" + index_file;
  Json index = {{"schemaVersion", 2}, {"mediaType", oci_index_type}, {"manifests", Json::array()}};
  if (const auto text = try_read_file(AT_FDCWD, path, max_json)) {
    index = parse(*text, path);
    if (!index.contains("manifests") || !index["manifests"].is_array())
      broken(path, "has no list of manifests");
  }
  Json kept = Json::array();
  for (const Json& other : index["manifests"]) {
    const bool same = other.is_object() && other.contains("annotations") &&
                      other["annotations"].is_object() &&
                      text_of(other["annotations"], oci_ref_key) == oci_ref_name;
    if (!same) kept.push_back(other);
  }
  kept.push_back(descriptor);
  index["manifests"] = std::move(kept);
  TemporaryFile file = TemporaryFile::create(directory);
  file.write(index.dump());
  file.publish(path);
}

}  // namespace

void check_oci_target(const std::string& directory) {
  const auto status = try_stat(AT_FDCWD, directory);
  if (!status) return;
  if (!S_ISDIR(status->st_mode)) {
    throw Error(ErrorCode::usage, axle::Place{directory}, "is no directory", "name a directory with --oci");
  }
  if (!is_empty_layout(directory) && !try_stat(AT_FDCWD, directory + "/" + layout_file)) {
    throw Error(ErrorCode::usage, axle::Place{directory}, "has content and is no OCI image layout",
                "name an empty directory, or a layout");
  }
}

bool is_empty_layout(const std::string& directory) {
  const std::vector<DirEntry> entries = list_dir(AT_FDCWD, directory);
  return std::all_of(entries.begin(), entries.end(),
                     [](const DirEntry& entry) { return is_temporary_name(entry.name); });
}

void make_oci_layout(const std::string& directory) {
  make_dirs(AT_FDCWD, directory);
  const std::string path = directory + "/" + layout_file;
  // First of all: a kill leaves a layout, or nothing but a temporary file.
  if (!try_stat(AT_FDCWD, path)) {
    TemporaryFile file = TemporaryFile::create(directory);
    file.write(oci_layout_text);
    file.publish(path);
  }
  make_dirs(AT_FDCWD, oci_blobs(directory));
}

std::string oci_blobs(const std::string& directory) { return directory + "/blobs/sha256"; }

void check_oci_base(const OciImage& image) {
  if (!image.base.empty()) read_base(image);
}

OciResult write_oci_image(const OciImage& image, std::vector<BuiltLayer>& layers) {
  const std::string created = oci_time(image.created);
  Json manifest = {{"schemaVersion", 2}, {"mediaType", oci_manifest_type}};
  Json all = Json::array();
  Json config = new_config(image);
  if (!image.base.empty()) {
    const BaseImage base = read_base(image);
    for (const Json& layer : base.manifest["layers"]) {
      copy_blob(base.directory, image.directory, layer, base.manifest_path);
      all.push_back(layer);
    }
    config = base.config;
    if (base.manifest.contains("annotations")) manifest["annotations"] = base.manifest["annotations"];
  }
  check_layer_count(all.size() + layers.size());
  config["created"] = created;
  for (BuiltLayer& layer : layers) {
    const std::string hex = layer.digest.digest.hex();
    layer.file.publish(oci_blobs(image.directory) + "/" + hex);
    all.push_back({{"mediaType", media_type(image.compression)},
                   {"digest", "sha256:" + hex},
                   {"size", layer.digest.size}});
    config["rootfs"]["diff_ids"].push_back("sha256:" + layer.digest.diff_id.hex());
    config["history"].push_back(
        {{"created", created}, {"created_by", "axle layer" + (layer.name.empty() ? "" : " " + layer.name)}});
  }
  OciResult result;
  const std::string config_text = config.dump();
  result.config = write_blob(image.directory, config_text);
  manifest["config"] = {
      {"mediaType", oci_config_type}, {"digest", result.config}, {"size", config_text.size()}};
  manifest["layers"] = std::move(all);
  const std::string manifest_text = manifest.dump();
  result.manifest = write_blob(image.directory, manifest_text);
  Json platform = {{"architecture", image.platform.architecture}, {"os", "linux"}};
  if (!image.platform.variant.empty()) platform["variant"] = image.platform.variant;
  replace_reference(image.directory, {{"mediaType", oci_manifest_type},
                                      {"digest", result.manifest},
                                      {"size", manifest_text.size()},
                                      {"platform", std::move(platform)},
                                      {"annotations", {{oci_ref_key, oci_ref_name}}}});
  return result;
}

}  // namespace axle::cli
