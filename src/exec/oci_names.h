#pragma once
// Words of the OCI image format that axle's two writers of images have in common. spec: OCI image
// format 1.0.2.

#include <cstdint>
#include <string>

namespace axle {

inline constexpr const char* oci_manifest_type = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* oci_index_type = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* oci_config_type = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* oci_ref_key = "org.opencontainers.image.ref.name";
inline constexpr const char* oci_ref_name = "latest";
inline constexpr const char* oci_layout_text = R"({"imageLayoutVersion":"1.0.0"})";
// Container engines mount no more layers at once.
inline constexpr std::size_t oci_max_layers = 127;

// What an image is for, in the spec's words (those of Go).
struct OciPlatform {
  std::string architecture;  // "amd64"
  std::string variant;       // "v7", mostly ""
};
// Of the architecture in platform tags: "x86_64" is amd64. Throws Error(unsupported) for one without a name.
OciPlatform oci_platform(const std::string& arch);
// RFC 3339, as in a config. Throws Error(usage) for a time that has no such form.
std::string oci_time(std::int64_t seconds);
// Throws Error(unsupported) for more than oci_max_layers.
void check_layer_count(std::size_t count);

}  // namespace axle
