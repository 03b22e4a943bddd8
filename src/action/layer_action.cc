#include "action/layer_action.h"

#include <fcntl.h>

#include <optional>

#include "action/assemble.h"
#include "action/image_action.h"
#include "action/json_text.h"
#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "exec/build_layers.h"
#include "exec/byte_code.h"

namespace axle {
namespace {

LayerCompression compression_of(const ActionRequest& request) {
  const std::string& output = request.output;
  if (!request.oci.empty()) {
    if (request.compression.empty() || request.compression == "gzip") return LayerCompression::gzip;
    if (request.compression == "none") return LayerCompression::none;
    if (request.compression == "zstd") return LayerCompression::zstd;
    throw Error(ErrorCode::usage, "--compression " + quoted(request.compression) + " is unknown",
                "none, gzip or zstd");
  }
  if (output.ends_with(".tar")) return LayerCompression::none;
  if (output.ends_with(".gz") || output.ends_with(".tgz")) return LayerCompression::gzip;
  if (output.ends_with(".zst") || output.ends_with(".tzst")) return LayerCompression::zstd;
  throw Error(ErrorCode::usage, Place{output}, "does not tell how to compress",
              "name it .tar, .tar.gz or .tar.zst");
}

// An OCI descriptor, and the digest of the layer uncompressed.
std::string render_descriptor(LayerCompression compression, const LayerDigest& digest) {
  JsonText json;
  json.begin_object().key("mediaType").text(media_type(compression));
  json.key("digest").text("sha256:" + digest.digest.hex()).key("size").number(digest.size);
  json.key("diffId").text("sha256:" + digest.diff_id.hex()).key("tarSize").number(digest.tar_size);
  return json.end_object().finish();
}

// The wheels with byte-code, unpacked beside the output; the layer is made of these then. What it reads lives
// as long as the store that is returned.
Store compile(const ActionRequest& request, const ActionContext& context, Outputs& outputs,
              LayerRequest& layer, Diagnostics& notes) {
  if (request.pyc_check != PycCheck::unchecked) {
    throw Error(ErrorCode::unsupported, "byte-code in layers is unchecked-hash",
                "leave out --pyc-invalidation-mode");
  }
  Interpreter compiler = make_plan_input(request, context, request.image_path).interpreter;
  compiler.executable = reach(context, request.compiler);
  compiler.base_executable.clear();
  compiler.foreign = false;
  Store store = Store::open(outputs.staged_scratch() + "/store", StoreUse::once);
  const std::vector<WheelFacts> facts = store.ensure(layer.wheels, {request.verify, context.jobs}, notes);
  layer.unpacked = with_byte_code(facts, store, compiler, context.jobs, notes);
  return store;
}

}  // namespace

void make_layer(const ActionRequest& request, const ActionContext& context, Outputs& outputs,
                Diagnostics& notes) {
  LayerRequest layer;
  for (const ActionSource& source : request.sources) {
    WheelSource wheel;
    wheel.path = reach(context, source.path);
    wheel.file_name = source.path.substr(source.path.rfind('/') + 1);
    wheel.hashes = source.hashes;
    layer.wheels.push_back(std::move(wheel));
  }
  layer.verify = request.verify;
  layer.layer.compression = compression_of(request);
  layer.layer.jobs = context.jobs;
  layer.layer.mtime = request.times == ActionRequest::Times::archive ? 0 : request.time;
  std::string arch;
  layer.plan = [&](const std::vector<WheelFacts>& facts) {
    PlanInput input = make_plan_input(request, context, request.image_path);
    // The layer's place is known, so its scripts name the interpreter there.
    input.policy.relocatable = Relocatable::no;
    input.policy.link_mode = LinkMode::copy;
    arch = input.interpreter.arch;
    for (const WheelFacts& one : facts) input.wheels.push_back({one, false, std::nullopt, true});
    return make_plan(input);
  };
  layer.split = request.split;
  if (!request.mtree.empty()) layer.mtree = LayerRequest::Mtree::wanted;
  std::string descriptor;
  if (request.oci.empty()) {
    layer.directory = outputs.room_beside(reach(context, request.output));
  } else {
    outputs.tree(reach(context, request.oci));
    layer.directory = outputs.staged_tree() + "/blobs/sha256";
    make_dirs(AT_FDCWD, layer.directory);
  }
  std::optional<Store> store;
  if (!request.compiler.empty())
    layer.store = &store.emplace(compile(request, context, outputs, layer, notes));
  BuiltLayers built = build_layers(layer);
  if (request.oci.empty()) {
    descriptor = render_descriptor(layer.layer.compression, built.layers.front().digest);
    outputs.adopt(reach(context, request.output), std::move(built.layers.front().file));
  } else {
    descriptor = write_image(outputs.staged_tree(), built, layer.layer, arch);
  }
  if (!request.descriptor.empty()) outputs.file(reach(context, request.descriptor), descriptor);
  if (!request.mtree.empty()) outputs.file(reach(context, request.mtree), built.mtree);
  notes.insert(notes.end(), built.notes.begin(), built.notes.end());
}

}  // namespace axle
