// From claims to entries: every path gets one owner.
//
// Problem. Wheels overlap: by the same file (fine), by stubs that mean the same, by accident, by malice.
// Installers that write in some order find out by overwriting. Here all claims are known, so all overlaps are
// found at once and decided by content.
//
// Vocabulary. Claims on a path are *equal* when their bytes are; *equivalent* when they are __init__ stubs of
// the same tokens. Otherwise they are a conflict, which a policy decides or which is an error. The loser's
// file is lost to it: its RECORD does not list it, so that uninstalling the loser leaves the winner whole.
//
// A file against a directory is never decided by policy: half of a package would be missing.

#include <algorithm>
#include <map>
#include <set>

#include "axle/base/error.h"
#include "base/text.h"
#include "plan/glob.h"
#include "plan/passes.h"

namespace axle {
namespace {

constexpr std::string_view reason_environment = "the path belongs to the environment itself";

class Resolver {
 public:
  explicit Resolver(Draft& draft) : draft_(draft), plan_(draft.plan) {}

  void run() {
    find_foreign_dist_infos();
    visit(draft_.tree.root(), "");
    for (Dist& dist : plan_.dists) std::sort(dist.lost_files.begin(), dist.lost_files.end());
  }

 private:
  const WheelFacts& facts(DistId id) const { return plan_.dists[id].facts; }

  std::string owner_name(DistId id) const {
    return id == environment_itself ? std::string() : plan_.dists[id].name;
  }

  // Equal digests: equal content. Of what is not yet written it is made from what it will be made from.
  Sha256 digest_of(const Claim& claim) const {
    struct Visitor {
      const Resolver& self;
      Sha256 operator()(const StoreFile& file) const { return self.facts(file.wheel).file(file.file).sha256; }
      Sha256 operator()(const StoreTree& tree) const {
        return self.facts(tree.wheel).dir(tree.dir).tree_digest;
      }
      Sha256 operator()(const Rewritten& script) const {
        return Sha256::of("rewritten" + (*this)(script.from).hex() + script.interpreter);
      }
      Sha256 operator()(const Patched& object) const { return (*this)(object.from); }
      Sha256 operator()(const Generated& file) const { return Sha256::of(file.bytes); }
      Sha256 operator()(const Symlink& link) const { return Sha256::of("link" + link.target); }
      Sha256 operator()(const Directory&) const { return {}; }
      Sha256 operator()(const Record& record) const {
        return Sha256::of("record" + std::to_string(record.dist));
      }
    };
    return std::visit(Visitor{*this}, claim.content);
  }

  Claimant claimant(const Claim& claim) const {
    Claimant result{owner_name(claim.dist), 0, {}};
    if (const auto* file = std::get_if<StoreFile>(&claim.content)) {
      const FileFact& fact = facts(file->wheel).file(file->file);
      result.size = fact.size;
      result.sha256 = fact.sha256.hex();
    } else if (const auto* generated = std::get_if<Generated>(&claim.content)) {
      result.size = generated->bytes.size();
      result.sha256 = Sha256::of(generated->bytes).hex();
    } else if (const auto* script = std::get_if<Rewritten>(&claim.content)) {
      const FileFact& fact = facts(script->from.wheel).file(script->from.file);
      result.size = fact.size;
      result.sha256 = fact.sha256.hex();
    }
    return result;
  }

  const InitFact* init_of(const Claim& claim) const {
    const auto* file = std::get_if<StoreFile>(&claim.content);
    return file == nullptr ? nullptr : facts(file->wheel).init_of(file->file);
  }

  bool equivalent(const Claim& a, const Claim& b) const {
    const InitFact* x = init_of(a);
    const InitFact* y = init_of(b);
    return x != nullptr && y != nullptr && x->token_digest == y->token_digest;
  }

  void lose(const Claim& claim) {
    const auto* file = std::get_if<StoreFile>(&claim.content);
    const auto* script = std::get_if<Rewritten>(&claim.content);
    if (file != nullptr) plan_.dists[claim.dist].lost_files.push_back(file->file);
    if (script != nullptr) plan_.dists[claim.dist].lost_files.push_back(script->from.file);
  }

  void emit(const std::string& path, const Claim& claim, std::vector<DistId> sharers) {
    plan_.entries.push_back({RelPath::parse(path),
                             claim.dist,
                             std::move(sharers),
                             claim.content,
                             claim.executable,
                             Lay::file,
                             {}});
  }

  // Several files claim one path.
  void choose(const std::string& path, const std::vector<Claim>& claims) {
    bool same_bytes = true;
    bool same_meaning = true;
    const Sha256 first = digest_of(claims.front());
    for (const Claim& claim : claims) {
      same_bytes = same_bytes && digest_of(claim) == first;
      same_meaning = same_meaning && equivalent(claim, claims.front());
    }
    if (same_bytes) {
      Claim merged = claims.front();
      std::vector<DistId> sharers;
      for (const Claim& claim : claims) {
        merged.executable = merged.executable || claim.executable;
        if (claim.dist != merged.dist) sharers.push_back(claim.dist);
      }
      emit(path, merged, std::move(sharers));
      return;
    }
    if (same_meaning) {
      std::string names;
      for (const Claim& claim : claims) {
        names += (names.empty() ? "" : ", ") + owner_name(claim.dist);
        if (&claim != &claims.front()) lose(claim);
      }
      plan_.notes.push_back(
          {Severity::note, "equivalent-stub", owner_name(claims.front().dist), path,
           "has the same meaning in " + names + "; that of " + owner_name(claims.front().dist) + " is taken",
           ""});
      emit(path, claims.front(), {});
      return;
    }
    refuse_own_conflict(path, claims);
    Conflict conflict{RelPath::parse(path), conflict_kind(path, claims), {}, std::nullopt, {}};
    for (const Claim& claim : claims) conflict.claimants.push_back(claimant(claim));
    const ConflictPolicy policy = conflict_policy(plan_, path);
    const bool with_environment = std::any_of(
        claims.begin(), claims.end(), [](const Claim& claim) { return claim.dist == environment_itself; });
    const Claim& winner = policy == ConflictPolicy::last ? last_of(claims) : first_of(claims);
    if (with_environment) {
      conflict.reason = reason_environment;
    } else if (policy == ConflictPolicy::error) {
      conflict.reason = "the bytes differ";
    } else {
      conflict.winner = owner_name(winner.dist);
      conflict.reason = policy == ConflictPolicy::first ? "the first wins" : "the last wins";
      plan_.notes.push_back({Severity::warning, "conflict-decided", *conflict.winner, path,
                             "is claimed by several distributions; " + *conflict.winner + " wins (" +
                                 (policy == ConflictPolicy::first ? "first" : "last") + ")",
                             ""});
    }
    plan_.conflicts.push_back(std::move(conflict));
    for (const Claim& claim : claims) {
      if (&claim != &winner && claim.dist != environment_itself) lose(claim);
    }
    emit(path, winner, {});
  }

  std::size_t rank_of(const Claim& claim) const {
    return claim.dist == environment_itself ? 0 : plan_.dists[claim.dist].rank;
  }

  // In the user's order; claims stand in that of the plan's distributions.
  const Claim& first_of(const std::vector<Claim>& claims) const {
    return *std::min_element(claims.begin(), claims.end(),
                             [this](const Claim& a, const Claim& b) { return rank_of(a) < rank_of(b); });
  }
  const Claim& last_of(const std::vector<Claim>& claims) const {
    return *std::min_element(claims.rbegin(), claims.rend(),
                             [this](const Claim& a, const Claim& b) { return rank_of(a) > rank_of(b); });
  }

  // Schemes overlap in most layouts (data is the root of the others), so a wheel can claim one path twice.
  // Which of its files it means nobody can say.
  void refuse_own_conflict(const std::string& path, const std::vector<Claim>& claims) const {
    const DistId id = claims.front().dist;
    if (id == environment_itself ||
        std::any_of(claims.begin(), claims.end(), [id](const Claim& claim) { return claim.dist != id; })) {
      return;
    }
    throw Error(ErrorCode::bad_input, Place{path},
                plan_.dists[id].name + " brings two files for this path, with different bytes",
                "the wheel contradicts itself: report it to its author");
  }

  std::string conflict_kind(const std::string& path, const std::vector<Claim>& claims) const {
    const std::string scripts = join_path(plan_.layout.scripts, "");
    if (!scripts.empty() && path.starts_with(scripts + "/")) return "script";
    return init_of(claims.front()) != nullptr ? "package-init" : "differing-bytes";
  }

  void against_directory(const std::string& path, const PathNode& node) {
    Conflict conflict{RelPath::parse(path),
                      "file-against-directory",
                      {},
                      std::nullopt,
                      "one has a file where another has a directory"};
    for (const Claim& claim : node.claims) conflict.claimants.push_back(claimant(claim));
    std::set<std::string> dirs;
    collect_owners(node, dirs);
    for (const std::string& name : dirs) conflict.claimants.push_back({name, 0, {}});
    plan_.conflicts.push_back(std::move(conflict));
  }

  void collect_owners(const PathNode& node, std::set<std::string>& names) const {
    for (const StoreTree& source : node.merged) names.insert(plan_.dists[source.wheel].name);
    for (const auto& child : node.children) {
      for (const Claim& claim : child.second.claims) names.insert(owner_name(claim.dist));
      collect_owners(child.second, names);
    }
  }

  // On a file system that folds case, names that differ only by it are one.
  void check_case(const PathNode& node, const std::string& path) {
    if (plan_.policy.names == Names::exact && plan_.layout.os != Os::windows &&
        plan_.layout.os != Os::macos) {
      return;
    }
    std::map<std::string, std::string> folded;
    for (const auto& child : node.children) {
      const auto [known, is_new] = folded.emplace(ascii_lower(child.first), child.first);
      if (is_new) continue;
      const PathNode& other = node.children.find(known->second)->second;
      Conflict conflict{RelPath::parse(path.empty() ? child.first : path + "/" + child.first),
                        "case-only",
                        {},
                        std::nullopt,
                        "differs only in case from " + quoted(known->second)};
      for (const PathNode* one : {&other, &child.second}) {
        std::set<std::string> names;
        for (const Claim& claim : one->claims) names.insert(owner_name(claim.dist));
        collect_owners(*one, names);
        for (const std::string& name : names) conflict.claimants.push_back({name, 0, {}});
      }
      plan_.conflicts.push_back(std::move(conflict));
    }
  }

  void visit(const PathNode& node, const std::string& path) {
    std::vector<Claim> claims;
    const Claim* directory = nullptr;
    for (const Claim& claim : node.claims) {
      if (std::holds_alternative<Directory>(claim.content)) {
        directory = &claim;
      } else {
        claims.push_back(claim);
      }
    }
    if (node.is_dir()) {
      if (!claims.empty()) against_directory(path, node);
      check_case(node, path);
      for (const auto& child : node.children) {
        visit(child.second, path.empty() ? child.first : path + "/" + child.first);
      }
      return;
    }
    const bool has_tree = std::any_of(claims.begin(), claims.end(), [](const Claim& claim) {
      return std::holds_alternative<StoreTree>(claim.content);
    });
    if (has_tree && claims.size() > 1) {
      against_directory(path, node);
    } else if (claims.size() == 1) {
      if (path.empty()) return;  // a lone wheel at the root was expanded before
      if (directory != nullptr && !has_tree) against_directory(path, node);
      emit(path, claims.front(), {});
    } else if (!claims.empty()) {
      choose(path, claims);
    } else if (directory != nullptr) {
      emit(path, *directory, {});
    }
  }

  // A wheel reaches another distribution's dist-info through its .data directory.
  void find_foreign_dist_infos() {
    const std::string lib = join_path(plan_.layout.purelib, "");
    const PathNode* site = draft_.tree.find(lib);
    if (site == nullptr) return;
    std::map<std::string, DistId> own;
    for (DistId id = 0; id < plan_.dists.size(); ++id) own.emplace(plan_.dists[id].dist_info.str(), id);
    for (const auto& child : site->children) {
      if (!child.first.ends_with(".dist-info")) continue;
      const std::string path = lib.empty() ? child.first : lib + "/" + child.first;
      const auto owner = own.find(path);
      std::set<std::string> names;
      for (const StoreTree& source : child.second.merged) {
        if (owner == own.end() || source.wheel != owner->second) names.insert(plan_.dists[source.wheel].name);
      }
      for (const Claim& claim : child.second.claims) {
        if (owner == own.end() || claim.dist != owner->second) names.insert(owner_name(claim.dist));
      }
      for (const std::string& name : names) {
        Conflict conflict{RelPath::parse(path),
                          "foreign-dist-info",
                          {{name, 0, {}}},
                          std::nullopt,
                          "a wheel writes into a dist-info that is not its own"};
        if (owner != own.end()) conflict.claimants.push_back({plan_.dists[owner->second].name, 0, {}});
        plan_.conflicts.push_back(std::move(conflict));
      }
    }
  }

  Draft& draft_;
  Plan& plan_;
};

}  // namespace

ConflictPolicy conflict_policy(const Plan& plan, const std::string& path) {
  std::string_view below = path;
  const std::string lib = join_path(plan.layout.purelib, "");
  if (!lib.empty() && below.starts_with(lib + "/")) below.remove_prefix(lib.size() + 1);
  for (const ConflictRule& rule : plan.policy.conflict_rules) {
    if (glob_matches(rule.glob, below) || glob_matches(rule.glob, path)) return rule.policy;
  }
  return plan.policy.on_conflict;
}

void resolve_conflicts(Draft& draft) { Resolver(draft).run(); }

void require_no_conflicts(const Plan& plan) {
  std::string text;
  Place place;
  std::size_t count = 0;
  constexpr std::size_t max_shown = 10;
  bool may_choose = false;
  bool in_the_way = false;
  bool own_files = false;
  for (const Conflict& conflict : plan.conflicts) {
    if (conflict.winner) continue;
    in_the_way = in_the_way || conflict.kind == "existing-file";
    const bool own = conflict.reason == reason_environment;
    own_files = own_files || own;
    may_choose = may_choose || (!own && (conflict.kind == "differing-bytes" ||
                                         conflict.kind == "package-init" || conflict.kind == "script"));
    if (++count > max_shown) continue;
    std::string names;
    for (const Claimant& claimant : conflict.claimants) {
      names += names.empty() ? "" : ", ";
      names += !claimant.distribution.empty() ? claimant.distribution : own ? "the environment" : "nobody";
      if (!claimant.sha256.empty()) {
        names +=
            " (" + std::to_string(claimant.size) + " bytes, sha256 " + claimant.sha256.substr(0, 12) + ")";
      }
    }
    // One line: the first path is the place, the others follow.
    if (count == 1) {
      place.file = conflict.path.str();
    } else {
      text += "; " + conflict.path.str() + ": ";
    }
    text += conflict.reason + ": " + names;
  }
  if (count > max_shown) text += "; and " + std::to_string(count - max_shown) + " more conflicts";
  if (count != 0) {
    const char* hint = may_choose   ? "leave one of them out (--exclude), or choose a winner (--on-conflict "
                                      "first, last or GLOB=first)"
                       : in_the_way ? "move it away, or replace it with --force"
                                    : "leave one of them out (--exclude); no policy decides this";
    // A wheel with a file on one of the environment's own is malformed; other owners have a choice.
    throw Error(own_files ? ErrorCode::bad_input : ErrorCode::conflict, place, text, hint);
  }
  if (plan.policy.hooks == HookPolicy::deny) {
    for (const StartupHook& hook : plan.hooks) {
      if (hook.allowed) continue;
      throw Error(ErrorCode::conflict, Place{hook.path.str()},
                  hook.distribution + " runs code at every start of Python: " + quoted(hook.code.front()),
                  "--allow-hook " + hook.distribution + " accepts it");
    }
  }
}

}  // namespace axle
