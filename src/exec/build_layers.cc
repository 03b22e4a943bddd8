#include "exec/build_layers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "axle/base/error.h"
#include "exec/mtree.h"
#include "exec/wheel_set.h"

namespace axle {
namespace {

void require_linux(const Plan& plan) {
  if (plan.layout.os == Os::linux) return;
  throw Error(ErrorCode::unsupported,
              "a layer is for Linux, and the target is " + std::string(to_string(plan.layout.os)),
              "give a Linux platform, such as --platform manylinux_2_28_x86_64");
}

BuiltLayers build(const LayerRequest& request, const WheelSet& wheels, ReuseChunks reuse) {
  std::vector<WheelFacts> facts;
  for (std::size_t i = 0; i < wheels.size(); ++i) facts.push_back(wheels.facts(i));
  BuiltLayers built;
  built.plan = request.plan(facts);
  const Plan& plan = built.plan;
  require_linux(plan);
  require_no_conflicts(plan);
  for (std::size_t i = 0; i < wheels.size(); ++i) {
    if (!wheels.in_archive(i)) built.without_archives.push_back(plan.dists[i].name);
  }
  std::sort(built.without_archives.begin(), built.without_archives.end());

  const MadeBytes made = make_bytes(plan, wheels, request.directory);
  std::vector<FlatEntry> entries = flatten(plan, digests_of(made));
  if (request.mtree == LayerRequest::Mtree::wanted) built.mtree = render_mtree(plan, entries, request.layer);
  std::vector<LayerPart> parts = split_layers(plan, std::move(entries), request.split);
  if (request.split.by == SplitBy::package && plan.dists.size() > max_package_layers) {
    built.notes.push_back({Severity::note, "layers", "", "",
                           std::to_string(plan.dists.size()) +
                               " distributions are more than an image can have layers: " + "they are in " +
                               std::to_string(parts.size() - 1) + " groups",
                           ""});
  }
  LayerOptions options = request.layer;
  options.reuse = reuse;
  for (LayerPart& part : parts) {
    link_equal_files(part.entries);
    BuiltLayer layer{std::move(part.name),
                     std::move(part.distributions),
                     {},
                     part.entries.size(),
                     TemporaryFile::create(request.directory)};
    layer.digest = write_layer(plan, part.entries, made, wheels, options,
                               [&](std::string_view bytes) { layer.file.write(bytes); });
    built.layers.push_back(std::move(layer));
  }
  wheels.prove_rest(request.layer.jobs, request.layer.cache);
  return built;
}

// nullopt: a file is not what RECORD promised, or a kept chunk is damaged; then `from` or `reuse` is another.
std::optional<BuiltLayers> attempt(const LayerRequest& request, FactsFrom& from, ReuseChunks& reuse) {
  Diagnostics notes;
  const WheelSet wheels =
      request.unpacked.empty()
          ? WheelSet::open(request.wheels, request.store,
                           {request.verify, request.layer.jobs, from, request.layer.cache}, notes)
          : WheelSet::unpacked(request.unpacked, *request.store);
  try {
    BuiltLayers built = build(request, wheels, reuse);
    built.notes.insert(built.notes.begin(), notes.begin(), notes.end());
    built.notes.insert(built.notes.end(), built.plan.notes.begin(), built.plan.notes.end());
    return built;
  } catch (const DamagedChunk&) {
    reuse = ReuseChunks::no;
  } catch (const Error&) {
    if (!wheels.disproved()) throw;
    from = FactsFrom::contents;
  }
  return std::nullopt;
}

}  // namespace

BuiltLayers build_layers(const LayerRequest& request) {
  FactsFrom from = request.facts;
  ReuseChunks reuse = request.layer.reuse;
  // Each of the two happens once.
  for (int attempts = 0; attempts < 3; ++attempts) {
    auto built = attempt(request, from, reuse);
    if (!built) continue;
    if (request.layer.cache != nullptr) {
      const Diagnostics kept = request.layer.cache->notes();
      built->notes.insert(built->notes.end(), kept.begin(), kept.end());
    }
    return std::move(*built);
  }
  throw Error(ErrorCode::io, "a wheel changed while it was read");
}

}  // namespace axle
