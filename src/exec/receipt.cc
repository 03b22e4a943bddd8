#include "exec/receipt.h"

#include <algorithm>

#include "axle/base/error.h"
#include "base/codec.h"
#include "base/file.h"
#include "exec/own_files.h"

namespace axle {
namespace {

constexpr std::string_view magic = "AXLERCP3";
// Older formats lack what was added last.
constexpr std::string_view magic_without_rpath = "AXLERCP2";
constexpr std::string_view magic_without_launcher = "AXLERCP1";

std::string_view magic_of(std::string_view bytes) {
  for (const std::string_view older : {magic_without_rpath, magic_without_launcher}) {
    if (bytes.starts_with(older)) return older;
  }
  return magic;
}

void encode_head(Encoder& out, const ReceiptHead& head) {
  out.digest(head.request);
  out.number(head.inputs.size());
  for (const ReceiptInput& input : head.inputs) {
    out.text(input.path);
    out.digest(input.sha256);
  }
  out.number(head.places.size());
  for (const Witness& place : head.places) {
    out.text(place.path);
    out.number(place.inode);
    out.signed_number(place.mtime_ns);
  }
  out.text(head.link_mode);
  out.number(head.distributions);
  out.text(head.launcher);
  out.text(head.rpath);
}

ReceiptHead decode_head(Decoder& in, std::string_view version) {
  ReceiptHead head;
  head.request = in.digest();
  for (std::size_t count = in.count(); count > 0; --count) {
    ReceiptInput input;
    input.path = in.text();
    input.sha256 = in.digest();
    head.inputs.push_back(std::move(input));
  }
  for (std::size_t count = in.count(); count > 0; --count) {
    Witness place;
    place.path = in.text();
    place.inode = in.number();
    place.mtime_ns = in.signed_number();
    head.places.push_back(std::move(place));
  }
  head.link_mode = in.text();
  head.distributions = in.number();
  if (version != magic_without_launcher) head.launcher = in.text();
  if (version == magic) head.rpath = in.text();
  return head;
}

void encode_entry(Encoder& out, const State& state, const LaidEntry& entry) {
  out.text(entry.path.str());
  out.number(static_cast<std::uint64_t>(entry.kind));
  out.number(entry.executable ? 1 : 0);
  out.number(entry.owners.size());
  for (const DistId owner : entry.owners) out.number(owner);
  out.digest(entry.identity);
  switch (entry.kind) {
    case LaidKind::tree:
      out.number(entry.dist);
      out.number(static_cast<std::uint64_t>(state.dists[entry.dist].facts.dir(entry.dir).scheme));
      out.text(state.dists[entry.dist].facts.dir_path(entry.dir));
      break;
    case LaidKind::file:
      out.digest(entry.sha256);
      out.number(entry.size);
      out.signed_number(entry.mtime_ns);
      break;
    case LaidKind::link:
      out.text(entry.target);
      break;
    case LaidKind::directory:
      break;
  }
}

LaidEntry decode_entry(Decoder& in, std::size_t dists, TreePlace& tree) {
  LaidEntry entry{RelPath::parse(in.text()), {}, {}, {}, environment_itself, 0, {}, 0, 0, false, {}};
  const std::uint64_t kind = in.number();
  if (kind > static_cast<std::uint64_t>(LaidKind::directory)) in.fail("has an entry of an unknown kind");
  entry.kind = static_cast<LaidKind>(kind);
  entry.executable = in.number() != 0;
  const auto dist_id = [&](std::uint64_t id) {
    if (id >= dists && id != environment_itself) in.fail("names a distribution that it does not have");
    return static_cast<DistId>(id);
  };
  for (std::size_t count = in.count(); count > 0; --count) entry.owners.push_back(dist_id(in.number()));
  entry.identity = in.digest();
  switch (entry.kind) {
    case LaidKind::tree:
      entry.dist = dist_id(in.number());
      if (entry.dist == environment_itself) in.fail("has a tree of no distribution");
      if (const std::uint64_t scheme = in.number(); scheme < all_schemes.size()) {
        tree.scheme = static_cast<Scheme>(scheme);
      } else {
        in.fail("has a tree of an unknown scheme");
      }
      tree.path = in.text();
      break;
    case LaidKind::file:
      entry.sha256 = in.digest();
      entry.size = in.number();
      entry.mtime_ns = in.signed_number();
      break;
    case LaidKind::link:
      entry.target = in.text();
      break;
    case LaidKind::directory:
      break;
  }
  return entry;
}

}  // namespace

std::string encode_receipt(const ReceiptHead& head, const State& state) {
  Encoder out(magic);
  encode_head(out, head);
  out.number(state.dists.size());
  for (const LaidDist& dist : state.dists) {
    out.digest(dist.facts.store_id());
    out.text(dist.name);
    out.text(dist.version);
    out.text(dist.dist_info.str());
    out.number((dist.requested ? 1U : 0U) | (dist.direct_url ? 2U : 0U));
    if (dist.direct_url) out.text(*dist.direct_url);
  }
  out.number(state.entries.size());
  for (const LaidEntry& entry : state.entries) encode_entry(out, state, entry);
  return out.finish();
}

Receipt decode_receipt(std::string_view bytes, std::string_view name) {
  Decoder in(bytes, magic_of(bytes), name);
  Receipt receipt;
  try {
    receipt.head = decode_head(in, magic_of(bytes));
    for (std::size_t count = in.count(); count > 0; --count) {
      receipt.wheels.push_back(in.digest());
      const std::string dist_name(in.text());
      const std::string version(in.text());
      LaidDist dist{{}, dist_name, version, RelPath::parse(in.text()), false, std::nullopt, true};
      const std::uint64_t flags = in.number();
      dist.requested = (flags & 1) != 0;
      if ((flags & 2) != 0) dist.direct_url = std::string(in.text());
      receipt.state.dists.push_back(std::move(dist));
    }
    std::size_t count = in.count();
    constexpr std::size_t least_entry = 36;  // a digest, and a byte for each of the rest
    receipt.state.entries.reserve(std::min(count, bytes.size() / least_entry));
    for (; count > 0; --count) {
      TreePlace tree{receipt.state.entries.size(), {}, {}};
      receipt.state.entries.push_back(decode_entry(in, receipt.state.dists.size(), tree));
      if (receipt.state.entries.back().kind == LaidKind::tree) receipt.trees.push_back(std::move(tree));
    }
  } catch (const Error& error) {
    if (error.place().file.empty()) throw error.within(name);
    throw;
  }
  return receipt;
}

ReceiptHead decode_receipt_head(std::string_view bytes, std::string_view name) {
  Decoder in(bytes, magic_of(bytes), name);
  return decode_head(in, magic_of(bytes));
}

void replace_receipt(const Fd& root, const ReceiptHead& head, const State& state, FileLook::Flush flush) {
  FileLook look;
  look.flush = flush;
  unlink_at(root.get(), own::next_receipt);
  create_file(root.get(), own::next_receipt, encode_receipt(head, state), look);
  rename_at(root.get(), own::next_receipt, root.get(), own::receipt);
}

std::optional<Receipt> read_receipt(const Fd& root) {
  const auto bytes = try_read_file(root.get(), own::receipt);
  if (!bytes) return std::nullopt;
  return decode_receipt(*bytes, own::receipt);
}

std::optional<ReceiptHead> read_receipt_head(const Fd& root) {
  const auto bytes = try_read_file(root.get(), own::receipt);
  if (!bytes) return std::nullopt;
  return decode_receipt_head(*bytes, own::receipt);
}

}  // namespace axle
