#pragma once
// Ad-hoc code signatures: a table of page hashes at the end of an image, which the kernel of arm64 Macs
// demands. spec: xnu osfmk/kern/cs_blobs.h (SuperBlob, CodeDirectory); all big-endian.

#include <vector>

#include "axle/object/rpath_edit.h"
#include "object/macho_read.h"

namespace axle::object {

// The patches that make the signature of `slice` true again after `edits` (offsets in the file); none when it
// is not signed. Throws Error(unsupported) when the signature is a vendor's, which an edit would void, or of
// an unknown kind.
std::vector<BytePatch> sign_again(Source& source, const MachoSlice& slice, const MachoImage& image,
                                  const std::vector<BytePatch>& edits);

}  // namespace axle::object
