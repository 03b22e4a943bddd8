#include "action/image_action.h"

#include <fcntl.h>

#include "action/json_text.h"
#include "axle/base/digest.h"
#include "base/file.h"
#include "exec/oci_names.h"

namespace axle {
namespace {

std::string without_line_end(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

struct Blob {
  std::string digest;
  std::uint64_t size = 0;
};

// The descriptor of a blob, open for more.
JsonText& begin(JsonText& json, const Blob& blob, std::string_view type) {
  json.begin_object().key("mediaType").text(type).key("digest").text(blob.digest);
  return json.key("size").number(blob.size);
}

Blob write_blob(const std::string& directory, const std::string& bytes) {
  const std::string hex = Sha256::of(bytes).hex();
  TemporaryFile file = TemporaryFile::create(directory);
  file.write(bytes);
  file.publish(directory + "/" + hex);
  return {"sha256:" + hex, bytes.size()};
}

std::string render_config(const BuiltLayers& built, const OciPlatform& platform, const std::string& created) {
  JsonText json;
  json.begin_object().key("architecture").text(platform.architecture);
  if (!platform.variant.empty()) json.key("variant").text(platform.variant);
  json.key("os").text("linux").key("config").begin_object().end_object();
  json.key("rootfs").begin_object().key("type").text("layers").key("diff_ids").begin_array();
  for (const BuiltLayer& layer : built.layers) json.text("sha256:" + layer.digest.diff_id.hex());
  json.end_array().end_object().key("created").text(created).key("history").begin_array();
  for (const BuiltLayer& layer : built.layers) {
    json.begin_object().key("created").text(created);
    json.key("created_by").text("axle layer" + (layer.name.empty() ? "" : " " + layer.name)).end_object();
  }
  return without_line_end(json.end_array().end_object().finish());
}

std::string render_manifest(const BuiltLayers& built, const Blob& config, LayerCompression compression) {
  JsonText json;
  json.begin_object().key("schemaVersion").number(2).key("mediaType").text(oci_manifest_type).key("config");
  begin(json, config, oci_config_type).end_object().key("layers").begin_array();
  for (const BuiltLayer& layer : built.layers) {
    const Blob blob{"sha256:" + layer.digest.digest.hex(), layer.digest.size};
    begin(json, blob, media_type(compression)).end_object();
  }
  return without_line_end(json.end_array().end_object().finish());
}

std::string render_index(const Blob& manifest, const OciPlatform& platform) {
  JsonText json;
  json.begin_object().key("schemaVersion").number(2).key("mediaType").text(oci_index_type);
  json.key("manifests").begin_array();
  begin(json, manifest, oci_manifest_type).key("platform").begin_object();
  json.key("architecture").text(platform.architecture).key("os").text("linux");
  if (!platform.variant.empty()) json.key("variant").text(platform.variant);
  json.end_object().key("annotations").begin_object().key(oci_ref_key).text(oci_ref_name).end_object();
  return without_line_end(json.end_object().end_array().end_object().finish());
}

}  // namespace

std::string write_image(const std::string& directory, BuiltLayers& built, const LayerOptions& options,
                        const std::string& arch) {
  check_layer_count(built.layers.size());
  const OciPlatform platform = oci_platform(arch);
  const std::string blobs = directory + "/blobs/sha256";
  const Blob config = write_blob(blobs, render_config(built, platform, oci_time(options.mtime)));
  const Blob manifest = write_blob(blobs, render_manifest(built, config, options.compression));
  for (BuiltLayer& layer : built.layers) layer.file.publish(blobs + "/" + layer.digest.digest.hex());
  create_file(AT_FDCWD, directory + "/oci-layout", oci_layout_text, {0644, std::nullopt});
  create_file(AT_FDCWD, directory + "/index.json", render_index(manifest, platform), {0644, std::nullopt});
  JsonText json;
  return begin(json, manifest, oci_manifest_type).end_object().finish();
}

}  // namespace axle
