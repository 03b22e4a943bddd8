#pragma once
// An OCI image layout of layers that an action made: the bytes are those of `axle layer --oci` without a
// base.

#include <string>

#include "exec/build_layers.h"

namespace axle {

// Puts the image into `directory`, in whose blobs/sha256 the layers' files lie already under other names.
// `arch` is the target's, as in platform tags. The result is the descriptor of its manifest as JSON. Throws
// Error: unsupported for too many layers or an architecture without a name, io.
std::string write_image(const std::string& directory, BuiltLayers& built, const LayerOptions& options,
                        const std::string& arch);

}  // namespace axle
