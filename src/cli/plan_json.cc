#include "cli/plan_json.h"

#include "axle/store/fetch.h"

namespace axle::cli {
namespace {

std::string owner_name(const Plan& plan, DistId id) {
  return id == environment_itself ? std::string() : plan.dists[id].name;
}

Json content_to_json(const Plan& plan, const Content& content) {
  struct Visitor {
    const Plan& plan;
    Json operator()(const StoreFile& file) const {
      const FileFact& fact = plan.dists[file.wheel].facts.file(file.file);
      return {{"kind", "file"}, {"size", fact.size}, {"sha256", fact.sha256.hex()}};
    }
    Json operator()(const StoreTree& tree) const {
      const DirFact& fact = plan.dists[tree.wheel].facts.dir(tree.dir);
      return {{"kind", "tree"},
              {"files", fact.subtree_files()},
              {"size", fact.subtree_bytes},
              {"digest", fact.tree_digest.hex()}};
    }
    Json operator()(const Rewritten& script) const {
      return {{"kind", "script"}, {"interpreter", script.interpreter}};
    }
    Json operator()(const Patched& object) const { return {{"kind", "patched"}, {"rpaths", object.rpaths}}; }
    Json operator()(const Generated& file) const {
      return {{"kind", "generated"}, {"size", file.bytes.size()}, {"sha256", Sha256::of(file.bytes).hex()}};
    }
    Json operator()(const Symlink& link) const { return {{"kind", "symlink"}, {"target", link.target}}; }
    Json operator()(const Directory&) const { return {{"kind", "directory"}}; }
    Json operator()(const Record&) const { return {{"kind", "record"}}; }
  };
  return std::visit(Visitor{plan}, content);
}

Json entry_to_json(const Plan& plan, const Entry& entry) {
  Json value = content_to_json(plan, entry.content);
  value["path"] = entry.path.str();
  value["owner"] = owner_name(plan, entry.owner);
  Json sharers = Json::array();
  for (const DistId sharer : entry.sharers) sharers.push_back(owner_name(plan, sharer));
  value["shared_with"] = std::move(sharers);
  value["executable"] = entry.executable;
  value["link"] = entry.lay == Lay::link;
  return value;
}

Json conflict_to_json(const Conflict& conflict) {
  Json claimants = Json::array();
  for (const Claimant& claimant : conflict.claimants) {
    claimants.push_back(
        {{"distribution", claimant.distribution}, {"size", claimant.size}, {"sha256", claimant.sha256}});
  }
  return {{"path", conflict.path.str()},
          {"kind", conflict.kind},
          {"claimants", std::move(claimants)},
          {"winner", conflict.winner ? Json(*conflict.winner) : Json(nullptr)},
          {"reason", conflict.reason}};
}

Json hook_to_json(const StartupHook& hook) {
  return {{"distribution", hook.distribution},
          {"path", hook.path.str()},
          {"code", hook.code},
          {"known_as", hook.known_as},
          {"allowed", hook.allowed}};
}

}  // namespace

Json plan_to_json(const Plan& plan, const ApplyResult& changes) {
  Json value;
  value["environment"] = plan.layout.root;
  value["packages"] = Json::object();
  value["wheels"] = Json::object();
  Json dists = Json::array();
  for (const Dist& dist : plan.dists) {
    value["packages"][dist.name] = dist.version;
    value["wheels"][dist.name] = dist.recorded ? Json(dist.facts.file_name()) : Json(nullptr);
    dists.push_back({{"name", dist.name},
                     {"version", dist.version},
                     {"file", dist.facts.file_name()},
                     {"sha256", dist.facts.wheel_sha256().hex()},
                     {"dist_info", dist.dist_info.str()},
                     {"requested", dist.requested}});
  }
  value["distributions"] = std::move(dists);
  value["install"] = changes.installed;
  value["remove"] = changes.removed;
  value["reinstall"] = changes.reinstalled;
  value["keep"] = changes.kept;
  value["would_change"] = changes.paths_added + changes.paths_removed != 0;
  for (const char* list : {"entries", "conflicts", "startup_hooks"}) value[list] = Json::array();
  for (const Entry& entry : plan.entries) value["entries"].push_back(entry_to_json(plan, entry));
  for (const Conflict& conflict : plan.conflicts) value["conflicts"].push_back(conflict_to_json(conflict));
  for (const StartupHook& hook : plan.hooks) value["startup_hooks"].push_back(hook_to_json(hook));
  value["notes"] = to_json(changes.notes);
  return value;
}

std::string plan_to_text(const Plan& plan, const ApplyResult& changes) {
  std::string text;
  for (const std::string& dist : changes.removed) text += "- " + dist + "\n";
  for (const std::string& dist : changes.reinstalled) text += "~ " + dist + "\n";
  for (const std::string& dist : changes.installed) text += "+ " + dist + "\n";
  for (const Conflict& conflict : plan.conflicts) {
    text += "conflict " + conflict.path.str() + " [" + conflict.kind + "] " + conflict.reason;
    if (conflict.winner) text += ": " + *conflict.winner;
    text += "\n";
  }
  for (const StartupHook& hook : plan.hooks) {
    text += "startup hook " + hook.path.str() + " of " + hook.distribution +
            (hook.known_as.empty() ? "" : " (" + hook.known_as + ")") + "\n";
  }
  text += std::to_string(changes.installed.size()) + " to install, " +
          std::to_string(changes.removed.size()) + " to remove, " +
          std::to_string(changes.reinstalled.size()) + " to lay anew, " + std::to_string(changes.kept) +
          " to keep in " + plan.layout.root + "\n";
  return text;
}

Json pin_to_json(const Pin& pin) {
  Json value;
  value["name"] = pin.name;
  value["version"] = pin.version;
  value["file"] = pin.wheel ? Json(pin.wheel->name) : Json(nullptr);
  value["url"] = pin.wheel && !pin.wheel->url.empty() ? Json(redact_url(pin.wheel->url)) : Json(nullptr);
  value["path"] = pin.wheel && !pin.wheel->path.empty() ? Json(pin.wheel->path) : Json(nullptr);
  Json hashes = Json::array();
  for (const Hash& hash : pin.wheel ? pin.wheel->hashes : pin.hashes) hashes.push_back(hash.str());
  value["hashes"] = std::move(hashes);
  value["size"] = pin.wheel && pin.wheel->size ? Json(*pin.wheel->size) : Json(nullptr);
  value["marker"] = pin.marker.empty() ? Json(nullptr) : Json(pin.marker);
  value["index"] = pin.index.empty() ? Json(nullptr) : Json(redact_url(pin.index));
  return value;
}

}  // namespace axle::cli
