#pragma once
// OCI image layouts: reading a base image, and writing an image of its layers and new ones.
// spec: OCI image format 1.0.2: image-layout.md, descriptor.md, manifest.md, config.md.

#include <cstdint>
#include <string>
#include <vector>

#include "exec/build_layers.h"
#include "exec/oci_names.h"

namespace axle::cli {

// Where a layout is or shall be. Throws Error(usage) when the directory holds something else.
void check_oci_target(const std::string& directory);
// Whether the directory holds nothing, but for what a kill may have left.
bool is_empty_layout(const std::string& directory);
// Makes the layout where there is none: so that layers can be written beside their places.
void make_oci_layout(const std::string& directory);
// The directory of its blobs.
std::string oci_blobs(const std::string& directory);

struct OciImage {
  std::string directory;  // the layout that gets the image
  std::string base;       // "" or DIR[:REF]: the image to append to
  OciPlatform platform;
  LayerCompression compression = LayerCompression::gzip;
  std::int64_t created = 0;  // seconds since 1970
};
struct OciResult {
  std::string manifest;  // "sha256:..."
  std::string config;
};
// Checks a base before anything is built. Throws Error: io when it is not there, bad_input when it is broken,
// no_match when it holds no image for the platform, unsupported for what is no OCI manifest.
void check_oci_base(const OciImage& image);
// Publishes the layers' files as blobs, copies the base's, and makes the reference `latest` name the new
// image; other references stay. index.json changes last, by one rename.
OciResult write_oci_image(const OciImage& image, std::vector<BuiltLayer>& layers);

}  // namespace axle::cli
