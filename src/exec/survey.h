#pragma once
// A look at the disk before anything is changed: what somebody changed by hand, what nobody recorded, and
// what stands where something new shall go.

#include <set>
#include <string>
#include <vector>

#include "axle/base/rel_path.h"
#include "axle/plan/diff.h"
#include "base/fd.h"
#include "exec/dist_tree.h"
#include "exec/presence.h"

namespace axle {

// diff() with a look at the directories that it would join: those that hold something of nobody stay as they
// are, and what was found is added to how.strangers.
Changes diff_on_disk(const Fd& root, const State& state, const Plan& plan, DiffOptions& how);

// Whether it is an overlay file system: directories of its lower layers cannot be renamed (EXDEV), as in an
// image that is built in steps.
bool is_overlay(const Fd& root);

// Throws Error(conflict) when one of the paths lies behind a link that leads out of the environment: nobody
// may write or remove anything there.
void require_beneath(const Fd& root, const std::vector<RelPath>& paths);

// What belongs to a distribution without RECORD is not known, so neither uninstall nor an upgrade can take it
// away. Throws Error(bad_input) when the plan wants that.
void require_records(const State& state, const Plan& plan);

// Distributions of the plan of which the store has no files: what is there of them can only stay. Looked for
// only where another tool's distributions are, whose files would have to be laid.
std::set<std::string> find_not_at_hand(const State& state, const Plan& plan, const Trees& trees);

// A link into a store that is not at hand cannot give way to what is behind it. Throws Error(unsupported)
// when one of these is such a link, of a distribution that stays.
void require_links(const State& state, const Plan& plan, const std::vector<LaidEntry>& remove);

struct RemovalSurvey {
  std::vector<RelPath> changed;    // files of ours that are not as they were laid
  std::set<RelPath> strangers;     // files in directories to be removed that nobody recorded
  std::vector<RelPath> byte_code;  // .pyc files of removed modules outside of removed directories
  std::set<RelPath> gone;          // entries of which nothing is there any more
};
// Distributions that another tool installed are exempt from `changed`.
RemovalSurvey survey_removals(const Fd& root, const State& state, const std::vector<LaidEntry>& remove,
                              unsigned jobs);

// Names files that somebody changed. Throws Error(conflict).
[[noreturn]] void refuse_changed(const std::vector<RelPath>& changed);

// Whether the file at `path` still is what was laid: by size and time, then by digest.
bool is_unchanged(int dir, const std::string& path, const LaidEntry& entry);

struct AdditionSurvey {
  std::vector<Entry> add;           // what remains to be laid; trees that meet a directory are expanded
  std::set<RelPath> met;            // those trees
  std::vector<Conflict> conflicts;  // existing files that nobody recorded, with other bytes
  std::vector<RelPath> in_the_way;  // the same paths, to be moved aside when a policy lets the new win
};
// `result` with these trees as what is in them.
std::vector<Entry> expand_met(const Plan& plan, std::vector<Entry> result, const std::set<RelPath>& met);
// `removed` are the paths that will be out of the way. What is there with the same bytes is left as it is.
AdditionSurvey survey_additions(const Fd& root, const Plan& plan, std::vector<Entry> add,
                                const std::set<RelPath>& removed, Presence& presence);

// What another tool, or a store that is not at hand, brought can only stay. Throws Error(unsupported) when
// some of it would have to be laid.
void require_known(const Plan& plan, const std::vector<Entry>& add);

}  // namespace axle
