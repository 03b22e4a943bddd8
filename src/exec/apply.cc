// Applying a plan: look, decide what changes, journal, lay, commit, clean up.

#include "axle/exec/apply.h"

#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/sorted.h"
#include "env/paths.h"
#include "exec/describe.h"
#include "exec/entry_bytes.h"
#include "exec/environment.h"
#include "exec/kept_facts.h"
#include "exec/lay.h"
#include "exec/link_mode.h"
#include "exec/own_files.h"
#include "exec/receipt.h"
#include "exec/repair.h"
#include "exec/state.h"
#include "exec/survey.h"
#include "exec/witness.h"

namespace axle {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// 1980-01-01, the first time that a zip can say: of files that axle writes itself, unless another is given.
constexpr std::int64_t default_epoch = 315532800;

bool by_path(const LaidEntry& a, const LaidEntry& b) { return a.path < b.path; }

bool comes_from_store(const Entry& entry) {
  if (std::holds_alternative<Symlink>(entry.content)) return entry.owner != environment_itself;
  return std::holds_alternative<StoreFile>(entry.content) || std::holds_alternative<StoreTree>(entry.content);
}

bool has_undecided(const std::vector<Conflict>& conflicts) {
  return std::any_of(conflicts.begin(), conflicts.end(),
                     [](const Conflict& conflict) { return !conflict.winner; });
}

// One change of an environment from look to clean-up.
class Application {
 public:
  Application(Environment& environment, const Installation& installed, const Plan& plan, const Store& store,
              const ApplyOptions& options)
      : environment_(environment),
        root_(environment.root()),
        state_(installed.state),
        head_(installed.head),
        plan_(plan),
        store_(store),
        trees_(trees_for(environment, plan, store, options)),
        options_(options),
        presence_(root_, plan.policy.names) {
    sort_unless_sorted(state_.entries, by_path);
  }

  ApplyResult run(ReceiptHead head) {
    file_mode_ = decide_file_mode();
    result_.link_mode = plan_.policy.link_mode == LinkMode::symlink ? LinkMode::symlink : file_mode_;
    set_skeleton_aside();
    decide();
    prepare_patched(plan_, changes_.add, trees_, store_, options_.jobs);
    head.link_mode = plan_.dists.empty() ? "" : std::string(to_string(*result_.link_mode));
    head.rpath = plan_.policy.rpath == RpathPolicy::fix ? "fix" : "";
    // What stays is laid as it was: in the old mode, unless something comes in another. "mixed" is like no
    // mode, so that a sync which names one lays everything anew.
    if (head_ && !head_->link_mode.empty() && head_->link_mode != head.link_mode && !lays_all_anew()) {
      head.link_mode = changes_.add.empty() ? head_->link_mode : "mixed";
    }
    describe(state_, plan_, changes_, result_);
    if (std::none_of(changes_.add.begin(), changes_.add.end(), comes_from_store)) result_.link_mode.reset();
    if (options_.last_look) options_.last_look();
    // Before the first link to the store, so that no moment is left in which gc does not know of it.
    const bool leaves_traces =
        !plan_.dists.empty() && (environment_.keeps_receipt() || plan_.policy.link_mode == LinkMode::symlink);
    if (store_.use() == StoreUse::shared && leaves_traces) {
      store_.register_environment(registered_path());
    }
    if (environment_.is_new()) {
      lay(changes_.add);
      write_first_receipt(head);
      environment_.publish();
      after_commit([&] { environment_.clean_up(); });
    } else {
      change_in_place(head);
    }
    return std::move(result_);
  }

 private:
  // Files of a store that goes with the command: nobody else will want them, and they keep the times that
  // they have.
  static Trees trees_for(const Environment& environment, const Plan& plan, const Store& store,
                         const ApplyOptions& options) {
    Trees trees = store_trees(plan, store);
    link_relatively(trees, plan, store, environment.location());
    if (store.use() == StoreUse::once && !options.source_date_epoch) {
      for (DistTree& tree : trees) tree.use = DistTree::Use::take;
    }
    if (options.installed_from == nullptr) return trees;
    Trees others = store_trees(plan, *options.installed_from);
    link_relatively(others, plan, *options.installed_from, environment.location());
    for (std::size_t i = 0; i < trees.size(); ++i) {
      if (!try_lstat(trees[i].dir, trees[i].path)) trees[i] = std::move(others[i]);
    }
    return trees;
  }

  LinkMode decide_file_mode() {
    // A store that goes with the command gives its files away: they are this environment's own, as copies
    // are. And where nothing is installed, nothing comes from a store.
    if (store_.use() == StoreUse::once || plan_.dists.empty()) return LinkMode::copy;
    return resolve_link_mode(plan_.policy.link_mode, store_, root_, result_.notes);
  }

  std::string registered_path() const {
    const std::string& path = plan_.layout.root;
    if (plan_.policy.relocatable == Relocatable::no) return path;
    const std::size_t slash = path.rfind('/');
    const auto parent = real_path(slash == 0 ? "/" : path.substr(0, slash));
    return parent ? relative_path(existing_path(store_.path()), *parent + path.substr(slash)) : path;
  }

  // The environment's own files are planned only when they are made; otherwise they stay as they are.
  void set_skeleton_aside() {
    if (plans_skeleton(plan_)) return;
    std::vector<LaidEntry> rest;
    for (LaidEntry& entry : state_.entries)
      (is_skeleton(entry) ? skeleton_ : rest).push_back(std::move(entry));
    state_.entries = std::move(rest);
  }

  // Also not for a mode that cannot work now: neither where it was used before, nor where that was so before.
  bool lays_all_anew() const {
    const bool other_mode = head_ && plan_.policy.link_mode != LinkMode::automatic &&
                            !head_->link_mode.empty() &&
                            head_->link_mode != to_string(plan_.policy.link_mode) &&
                            head_->link_mode != to_string(*result_.link_mode);
    return options_.reuse == Reuse::reinstall || other_mode;
  }

  DiffOptions diff_options() const {
    DiffOptions diff_options;
    if (lays_all_anew()) diff_options.relay_scope = DiffOptions::Relay::all;
    return diff_options;
  }

  void decide() {
    require_records(state_, plan_);
    if (options_.reuse == Reuse::repair) {
      mark_damage(root_, state_, options_.jobs);
    } else if (!environment_.is_new()) {
      mark_missing(root_, state_, plan_, options_.jobs);
    }
    DiffOptions how = diff_options();
    how.not_at_hand = find_not_at_hand(state_, plan_, trees_);
    if (!environment_.is_new() && is_overlay(root_)) how.directories = DiffOptions::Directories::expanded;
    changes_ = diff_on_disk(root_, state_, plan_, how);
    if (environment_.is_new()) return;
    require_links(state_, plan_, changes_.remove);
    removal_ = survey_removals(root_, state_, changes_.remove, options_.jobs);
    if (!removal_.strangers.empty()) {
      how.strangers.merge(removal_.strangers);
      changes_ = diff_on_disk(root_, state_, plan_, how);
      removal_ = survey_removals(root_, state_, changes_.remove, options_.jobs);
    }
    if (!removal_.changed.empty() && options_.hand_changed == HandChanged::refuse &&
        options_.reuse != Reuse::repair) {
      refuse_changed(removal_.changed);
    }
    for (const LaidEntry& entry : changes_.remove) {
      if (entry.kind != LaidKind::directory) removed_.insert(entry.path);
    }
    removed_.insert(changes_.join.begin(), changes_.join.end());
    AdditionSurvey survey = survey_additions(root_, plan_, std::move(changes_.add), removed_, presence_);
    for (const Conflict& conflict : survey.conflicts) {
      if (!conflict.winner) continue;
      result_.notes.push_back(
          {Severity::warning, "conflict-decided", *conflict.winner, conflict.path.str(),
           "was there already, and nobody recorded it; " + *conflict.winner + " wins (last)", ""});
    }
    std::erase_if(survey.conflicts, [](const Conflict& conflict) { return conflict.winner.has_value(); });
    if (!survey.conflicts.empty() && options_.hand_changed == HandChanged::refuse) {
      Plan failed;
      failed.conflicts = std::move(survey.conflicts);
      require_no_conflicts(failed);
    }
    changes_.add = std::move(survey.add);
    require_known(plan_, changes_.add);
    changes_.result = expand_met(plan_, std::move(changes_.result), survey.met);
    in_the_way_ = std::move(survey.in_the_way);
    std::sort(in_the_way_.begin(), in_the_way_.end());
  }

  void change_in_place(const ReceiptHead& head) {
    if (changes_.add.empty() && removed_.empty()) {
      flush_links();
      environment_.flush();
      // Nothing to do on disk, but the request may be another one than the last.
      if (!environment_.keeps_receipt()) return;
      const State state = laid_state();
      replace_receipt(root_, fresh_head(head), state, flush());
      environment_.keep_own_directory();
      return;
    }
    const TransactionPaths paths = transaction_paths();
    Transaction transaction(root_, paths, environment_.transaction_options());
    lay(changes_.add);
    const State state = laid_state();
    ReceiptHead fresh = fresh_head(head);
    if (keeps_facts()) keep_facts(root_, state);
    transaction.commit(environment_.keeps_receipt() ? encode_receipt(fresh, state) : std::string());
    environment_.keep_own_directory();
    after_commit([&] {
      transaction.clean_up();
      remove_old_facts(root_, state);
      if (environment_.keeps_receipt() && !still_hold_beside(root_, paths.prune, fresh.places)) {
        // Removing emptied directories changed the time of one that was looked at.
        fresh.places = witness_plan(root_, plan_, changes_, {});
        replace_receipt(root_, fresh, state, flush());
      }
    });
  }

  // What fails after the commit is a warning: the change is done.
  void after_commit(const std::function<void()>& clean_up) {
    try {
      clean_up();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) throw;
      result_.notes.push_back({Severity::warning, "clean-up", "", error.place().file,
                               "the change is done, but cleaning up after it failed: " + error.message(),
                               "the next command on this environment tries again"});
    }
  }

  TransactionPaths transaction_paths() {
    TransactionPaths paths;
    std::vector<RelPath> aside = stale_byte_code();
    for (const LaidEntry& entry : changes_.remove) {
      if (entry.kind != LaidKind::directory && !removal_.gone.contains(entry.path))
        aside.push_back(entry.path);
    }
    aside.insert(aside.end(), in_the_way_.begin(), in_the_way_.end());
    for (const RelPath& dir : changes_.join) {
      if (presence_.type_of(dir.str())) aside.push_back(dir);
    }
    paths.move_aside = topmost(std::move(aside));
    // Of what goes, not of what is in it: where a directory went, a link may be.
    std::set<std::string> parents;
    const auto add_parents = [&](std::optional<RelPath> dir) {
      for (; dir && !is_layout_directory(*dir); dir = dir->parent()) parents.insert(dir->str());
    };
    for (const std::string& path : paths.move_aside) add_parents(RelPath::parse(path).parent());
    for (const LaidEntry& entry : changes_.remove) {
      if (entry.kind == LaidKind::directory && !is_joined(entry.path)) add_parents(entry.path);
    }
    paths.prune.assign(parents.begin(), parents.end());

    std::vector<RelPath> create;
    for (const Entry& entry : changes_.add) {
      if (!create.empty() && entry.path.is_within(create.back())) continue;
      create.push_back(topmost_new(entry.path));
    }
    paths.create = topmost(std::move(create));
    return paths;
  }

  // Recorded byte-code that stays is not that of a removed module.
  std::vector<RelPath> stale_byte_code() const {
    std::vector<RelPath> stale;
    for (const RelPath& path : removal_.byte_code) {
      const auto after = std::upper_bound(changes_.result.begin(), changes_.result.end(), path,
                                          [](const RelPath& a, const Entry& b) { return a < b.path; });
      const bool stays = after != changes_.result.begin() && path.is_within(std::prev(after)->path) &&
                         !removed_.contains(std::prev(after)->path);
      if (!stays) stale.push_back(path);
    }
    return stale;
  }

  bool is_joined(const RelPath& path) const {
    return std::any_of(changes_.join.begin(), changes_.join.end(),
                       [&](const RelPath& dir) { return path.is_within(dir); });
  }

  bool goes_aside(const RelPath& path) const {
    return removed_.contains(path) || std::binary_search(in_the_way_.begin(), in_the_way_.end(), path);
  }

  // The first directory above a new path that is not there yet, or will be moved aside; or the path itself.
  RelPath topmost_new(const RelPath& path) {
    const std::string_view text = path.str();
    for (std::size_t slash = text.find('/'); slash != std::string_view::npos;
         slash = text.find('/', slash + 1)) {
      const std::string_view above = text.substr(0, slash);
      const bool known = last_present_.starts_with(above) &&
                         (last_present_.size() == above.size() || last_present_[above.size()] == '/');
      if (known) continue;
      RelPath parent = RelPath::parse(above);
      if (!presence_.type_of(above) || goes_aside(parent)) return parent;
      last_present_ = above;
    }
    return path;
  }

  bool is_layout_directory(const RelPath& path) const {
    if (plan_.layout.kind == LayoutKind::target) return false;
    const Layout& layout = plan_.layout;
    for (const auto* dir : {&layout.purelib, &layout.platlib, &layout.scripts}) {
      if (*dir && (*dir)->is_within(path)) return true;
    }
    // Environments have an "include", and nothing below it.
    return !path.parent() && layout.headers && layout.headers->is_within(path);
  }

  void lay(const std::vector<Entry>& entries) {
    LayOptions how;
    how.mode = file_mode_;
    how.jobs = options_.jobs;
    how.generated_mtime_ns = generated_mtime_ns(options_);
    if (options_.source_date_epoch) how.copied_mtime_ns = how.generated_mtime_ns;
    how.kept = &store_;
    const Laid laid = lay_entries(root_, plan_, entries, trees_, how);
    record_sizes_ = laid.record_sizes;
    flush_links();
    if (laid.copied != 0)
      result_.notes.push_back(links_became_copies(store_, file_mode_, laid.copied, laid.why_copied));
  }

  FileLook::Flush flush() const {
    const bool durable = environment_.transaction_options().durability == Durability::durable;
    return durable ? FileLook::Flush::yes : FileLook::Flush::no;
  }

  // Links are worth what they lead to, also where an earlier command unpacked it and did not flush it.
  void flush_links() const {
    if (flush() == FileLook::Flush::no || plan_.policy.link_mode != LinkMode::symlink) return;
    for (const Store* store : {&store_, options_.installed_from}) {
      if (store != nullptr && syncfs(store->root().get()) != 0) throw_errno("cannot flush", store->path());
    }
  }

  void write_first_receipt(const ReceiptHead& head) {
    if (!environment_.keeps_receipt()) return;
    const State state = laid_state();
    create_file(root_.get(), own::receipt, encode_receipt(fresh_head(head), state), {});
    if (keeps_facts()) keep_facts(root_, state);
    environment_.keep_own_directory();
  }

  ReceiptHead fresh_head(ReceiptHead head) const {
    head.places = witness_plan(root_, plan_, changes_, head_ ? head_->places : std::vector<Witness>());
    head.distributions = plan_.dists.size();
    head.launcher = render_launcher_policy(plan_.policy.launcher);
    return head;
  }

  bool keeps_facts() const { return store_.use() == StoreUse::once && environment_.keeps_receipt(); }

  // What is there now, for the receipt: axle's own distributions and files.
  State laid_state() const {
    State state;
    std::vector<DistId> ids(plan_.dists.size(), environment_itself);
    for (std::size_t i = 0; i < plan_.dists.size(); ++i) {
      const Dist& dist = plan_.dists[i];
      if (!dist.recorded) continue;
      ids[i] = static_cast<DistId>(state.dists.size());
      state.dists.push_back(
          {dist.facts, dist.name, dist.version, dist.dist_info, dist.requested, dist.direct_url, true});
    }
    // All of them are sorted by path, so one walk finds what belongs together.
    auto old = state_.entries.begin();
    auto added = changes_.add.begin();
    state.entries.reserve(changes_.result.size() + skeleton_.size());
    for (const Entry& entry : changes_.result) {
      if (entry.owner != environment_itself && !plan_.dists[entry.owner].recorded) continue;
      while (old != state_.entries.end() && old->path < entry.path) ++old;
      while (added != changes_.add.end() && added->path < entry.path) ++added;
      const bool is_new = added != changes_.add.end() && added->path == entry.path;
      const bool stays = !is_new && old != state_.entries.end() && old->path == entry.path &&
                         old->kind == LaidKind::file && old->identity == entry.identity;
      LaidEntry laid = stays ? *old : laid_entry(entry, is_new);
      laid.owners.clear();
      laid.owners.push_back(entry.owner == environment_itself ? entry.owner : ids[entry.owner]);
      for (const DistId sharer : entry.sharers) {
        if (sharer != environment_itself && ids[sharer] != environment_itself)
          laid.owners.push_back(ids[sharer]);
      }
      if (const auto* tree = std::get_if<StoreTree>(&entry.content)) laid.dist = ids[tree->wheel];
      state.entries.push_back(std::move(laid));
    }
    state.entries.insert(state.entries.end(), skeleton_.begin(), skeleton_.end());
    std::inplace_merge(state.entries.begin(),
                       state.entries.end() - static_cast<std::ptrdiff_t>(skeleton_.size()),
                       state.entries.end(), by_path);
    return state;
  }

  // `is_new`: it was laid just now, so that nothing on disk needs to be looked at.
  LaidEntry laid_entry(const Entry& entry, bool is_new) const {
    LaidEntry laid{entry.path, LaidKind::file,   {}, entry.identity, environment_itself, 0, {}, 0,
                   0,          entry.executable, {}};
    if (entry.lay == Lay::link || std::holds_alternative<Symlink>(entry.content)) {
      laid.kind = LaidKind::link;
      const auto* skeleton = std::get_if<Symlink>(&entry.content);
      laid.target = skeleton != nullptr ? skeleton->target : link_target(plan_, entry, trees_);
      return laid;
    }
    if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      laid.kind = LaidKind::tree;
      laid.dir = tree->dir;
      return laid;
    }
    if (std::holds_alternative<Directory>(entry.content)) {
      laid.kind = LaidKind::directory;
      return laid;
    }
    laid.mtime_ns = generated_mtime_ns(options_);
    bool is_known = is_new;
    if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      const FileFact& fact = plan_.dists[file->wheel].facts.file(file->file);
      laid.sha256 = fact.sha256;
      laid.size = fact.size;
      if (file_mode_ == LinkMode::hardlink || !options_.source_date_epoch)
        laid.mtime_ns = fact.mtime * second_ns;
    } else if (has_own_bytes(entry.content)) {
      const WrittenFile written = measure_entry(plan_, entry, trees_, &store_);
      laid.sha256 = written.sha256;
      laid.size = written.size;
      // A patched object may be a link to the store's, with a time of its own.
      if (std::holds_alternative<Patched>(entry.content)) is_known = false;
    } else if (const auto* record = std::get_if<Record>(&entry.content); record != nullptr && is_new) {
      laid.size = record_sizes_[record->dist];
    } else {
      is_known = false;
    }
    if (!is_known) {
      if (const auto status = try_lstat(root_.get(), entry.path.str())) {
        laid.size = static_cast<std::uint64_t>(status->st_size);
        laid.mtime_ns = mtime_ns(*status);
      }
    }
    return laid;
  }

  Environment& environment_;
  const Fd& root_;
  State state_;
  std::optional<ReceiptHead> head_;
  const Plan& plan_;
  const Store& store_;
  const Trees trees_;
  const ApplyOptions& options_;
  std::vector<LaidEntry> skeleton_;
  Changes changes_;
  RemovalSurvey removal_;
  std::set<RelPath> removed_;
  std::vector<RelPath> in_the_way_;
  Presence presence_;                        // as it is before anything is changed
  std::string last_present_;                 // a directory that is there, and stays
  std::vector<std::uint64_t> record_sizes_;  // of RECORDs laid now, by DistId
  LinkMode file_mode_ = LinkMode::copy;      // how files come from the store where they are no links
  ApplyResult result_;
};

}  // namespace

std::int64_t generated_mtime_ns(const ApplyOptions& options) noexcept {
  return options.source_date_epoch.value_or(default_epoch) * second_ns;
}

ApplyResult apply(Environment& environment, const Installation& installed, const Plan& plan,
                  const Store& store, const ReceiptHead& head, const ApplyOptions& options) {
  if (has_undecided(plan.conflicts)) {
    // Those on disk with them, so that all are known at once.
    Plan failed;
    failed.conflicts = plan.conflicts;
    for (Conflict& conflict : find_conflicts_on_disk(environment.root(), installed, plan))
      failed.conflicts.push_back(std::move(conflict));
    require_no_conflicts(failed);
  }
  require_no_conflicts(plan);
  return Application(environment, installed, plan, store, options).run(head);
}

}  // namespace axle
