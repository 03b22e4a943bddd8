// The files that the installer itself puts into a dist-info.
// spec: "Recording installed projects" (INSTALLER, REQUESTED), "Direct URL origin" (direct_url.json).

#include "plan/passes.h"

namespace axle {

void add_metadata(Draft& draft) {
  for (DistId id = 0; id < draft.plan.dists.size(); ++id) {
    const Dist& dist = draft.plan.dists[id];
    if (!dist.recorded) continue;
    const std::string dir = dist.dist_info.str() + "/";
    draft.tree.add(dir + "INSTALLER", {id, Generated{"axle\n"}, false});
    if (dist.requested) draft.tree.add(dir + "REQUESTED", {id, Generated{""}, false});
    if (dist.direct_url) draft.tree.add(dir + "direct_url.json", {id, Generated{*dist.direct_url}, false});
    draft.tree.add(dir + "RECORD", {id, Record{id}, false});
  }
}

}  // namespace axle
