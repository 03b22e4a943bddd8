#pragma once
// How files can come from the store into an environment: found out by trying.

#include <optional>

#include "axle/base/diagnostic.h"
#include "axle/plan/diff.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "base/fd.h"

namespace axle {

// What `wanted` comes to between this store and this root, decided once by trying: automatic becomes the
// fastest that is safe here, and a note says why; a mode that cannot work becomes copy, with one warning.
LinkMode resolve_link_mode(LinkMode wanted, const Store& store, const Fd& root, Diagnostics& notes);

// Why no symbolic link can be made in this environment (errno), 0 where one can: found out by making one.
int why_no_symlink(const Fd& root);

// The same without trying, for whoever may write nothing: by the kind of file system, and by what is recorded
// of the environment, which has a copy of its interpreter only where no link could be.
int foresee_no_symlink(const Fd& root, const State& state);
// What resolve_link_mode() comes to, as far as that is known without trying. `no_symlink` as above.
std::optional<LinkMode> foresee_link_mode(LinkMode wanted, const Store& store, const Fd& root,
                                          int no_symlink);

// Of `copied` files that were to be hard links or clones and could not, because of the errno `why`.
Diagnostic links_became_copies(const Store& store, LinkMode wanted, std::size_t copied, int why);

}  // namespace axle
