#include "axle/wheel/inspect.h"

#include <algorithm>

#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "axle/wheel/facts_builder.h"
#include "base/text.h"

namespace axle {
namespace {

MemberFacts::Details& details_of(MemberFacts& facts) {
  if (!facts.details) facts.details = std::make_unique<MemberFacts::Details>();
  return *facts.details;
}

// What the first bytes tell. `kept` is the whole content when `complete`.
void look_at(MemberFacts& facts, const MemberRole& role, std::string_view kept, bool complete) {
  if (role.executable) facts.flags |= file_flag::executable;
  if (role.scheme == Scheme::scripts && kept.starts_with("#!python")) facts.flags |= file_flag::script_python;
  if (role.want != Want::whole) return;
  const bool is_init = role.path->name() == "__init__.py";
  const auto& path = role.path->str();
  if (!is_init || path == "sitecustomize/__init__.py" || path == "usercustomize/__init__.py") {
    details_of(facts).startup_text = std::string(kept.substr(0, max_stub_size + 1));
  }
  if (is_init && complete) {
    if (const auto meaning = find_stub(kept)) details_of(facts).init = *meaning;
  }
}

void set_object(MemberFacts& facts, std::optional<ObjectFacts> object) {
  if (!object) return;
  facts.flags |= file_flag::native;
  details_of(facts).object = std::make_shared<const ObjectFacts>(std::move(*object));
}

// `other` is the raw digest by the algorithm that RECORD names when that is not SHA-256.
void compare(MemberFacts& facts, const MemberRole& role, std::string_view other) {
  if (!role.expected) return;
  const Expectation& expected = *role.expected;
  if (expected.size && *expected.size != facts.size) {
    details_of(facts).fault =
        "its size is " + std::to_string(facts.size) + ", RECORD says " + std::to_string(*expected.size);
    return;
  }
  if (expected.digest.empty()) return;
  const std::string_view sha256(reinterpret_cast<const char*>(facts.sha256.bytes.data()),
                                facts.sha256.bytes.size());
  if (expected.digest != (expected.algorithm == HashAlgorithm::sha256 ? sha256 : other)) {
    details_of(facts).fault =
        "its " + std::string(to_string(expected.algorithm)) + " digest is not the one in RECORD";
  }
}

// nullopt when RECORD names SHA-256, or nothing.
std::optional<HashAlgorithm> other_algorithm(const MemberRole& role) {
  if (!role.expected || role.expected->digest.empty()) return std::nullopt;
  if (role.expected->algorithm == HashAlgorithm::sha256) return std::nullopt;
  return role.expected->algorithm;
}

// How RECORD calls a member that is installed.
std::string archive_name(const WheelHead& head, const MemberRole& role) {
  if (!role.from_data) return role.path->str();
  return *head.data_dir + "/" + std::string(to_string(role.scheme)) + "/" + role.path->str();
}

}  // namespace

MemberFacts inspect_member(const WheelHead& head, std::size_t member, std::string_view content,
                           const Sha256* sha256) {
  const MemberRole& role = head.roles.at(member);
  MemberFacts facts;
  facts.size = content.size();
  facts.sha256 = sha256 != nullptr ? *sha256 : Sha256::of(content);
  if (!role.path) return facts;
  look_at(facts, role, content, true);
  if (looks_like_object(content.substr(0, 64))) set_object(facts, read_object(content));
  std::string other;
  if (const auto algorithm = other_algorithm(role)) {
    Hasher hasher(*algorithm);
    hasher.update(content);
    other = hasher.finish();
  }
  compare(facts, role, other);
  return facts;
}

std::optional<MemberFacts> promised_facts(const WheelHead& head, std::size_t member, std::uint64_t size) {
  const MemberRole& role = head.roles.at(member);
  MemberFacts facts;
  facts.size = size;
  if (!role.path) return facts;
  if (role.want == Want::whole || role.scheme == Scheme::scripts || !role.expected) return std::nullopt;
  const Expectation& expected = *role.expected;
  if (expected.algorithm != HashAlgorithm::sha256 || expected.digest.size() != facts.sha256.bytes.size()) {
    return std::nullopt;
  }
  if (expected.size.value_or(size) != size) return std::nullopt;  // wrong already
  std::copy(expected.digest.begin(), expected.digest.end(), facts.sha256.bytes.begin());
  if (role.executable) facts.flags |= file_flag::executable;
  return facts;
}

struct MemberInspector::State {
  const WheelHead& head;
  const MemberRole& role;
  std::size_t keep;
  std::optional<Hasher> sha256;
  std::optional<Hasher> other;
  std::string kept;
  std::uint64_t size = 0;
};

MemberInspector::MemberInspector(const WheelHead& head, std::size_t member, HashedBy hashed) {
  const MemberRole& role = head.roles.at(member);
  const std::size_t keep = role.want == Want::whole ? max_stub_size + 1 : inspect_head_size;
  state_.reset(new State{head, role, keep, std::nullopt, std::nullopt, {}, 0});
  if (hashed == HashedBy::inspector) state_->sha256.emplace();
  if (const auto algorithm = other_algorithm(role)) state_->other.emplace(*algorithm);
}
MemberInspector::MemberInspector(MemberInspector&&) noexcept = default;
MemberInspector::~MemberInspector() = default;

void MemberInspector::update(std::string_view piece) {
  if (state_->sha256) state_->sha256->update(piece);
  if (state_->other) state_->other->update(piece);
  state_->size += piece.size();
  if (state_->kept.size() < state_->keep) state_->kept += piece.substr(0, state_->keep - state_->kept.size());
}

MemberFacts MemberInspector::finish(const ReadAt& read) {
  return finish(read, state_->sha256.value().finish_sha256());
}

MemberFacts MemberInspector::finish(const ReadAt& read, const Sha256& sha256) {
  State& state = *state_;
  MemberFacts facts;
  facts.size = state.size;
  facts.sha256 = sha256;
  if (!state.role.path) return facts;
  look_at(facts, state.role, state.kept, state.kept.size() == state.size);
  if (looks_like_object(std::string_view(state.kept).substr(0, 64))) {
    if (state.kept.size() == state.size) {
      set_object(facts, read_object(state.kept));
    } else if (read) {
      set_object(facts, read_object(read, state.size));
    } else {
      facts.flags |= file_flag::native;
    }
  }
  compare(facts, state.role, state.other ? state.other->finish() : std::string());
  return facts;
}

WheelFacts make_facts(const WheelHead& head, std::span<const MemberFacts> members, const Sha256& wheel_sha256,
                      FactsDetail detail) {
  FactsBuilder builder;
  builder.metadata(head.metadata)
      .archive(head.file_name, head.archive_size, wheel_sha256)
      .root_scheme(head.root_scheme())
      .dist_info(head.dist_info);
  for (const auto& tag : head.wheel_file.tags) builder.tag(tag);
  for (const auto& entry : head.entry_points) builder.entry_point(entry.group, entry.name, entry.value);
  for (const auto& fault : head.faults) builder.fault(fault);
  for (const auto& note : head.notes) builder.warning(note.message);
  builder.reserve(head.roles.size());
  for (std::size_t i = 0; i < head.roles.size(); ++i) {
    const MemberRole& role = head.roles[i];
    if (!role.path) continue;
    const MemberFacts& facts = members[i];
    builder.file(role.scheme, *role.path, FileInput{facts.size, facts.sha256, facts.flags, head.mtimes[i]});
    if (!facts.details) continue;
    const MemberFacts::Details& details = *facts.details;
    if (!details.fault.empty()) builder.fault({archive_name(head, role), details.fault});
    if (details.init) builder.init(*details.init);
    if (details.startup_text) builder.startup_text(*details.startup_text);
    if (details.object) builder.object(*details.object);
  }
  try {
    return builder.build(detail);
  } catch (const Error& error) {
    throw error.within(head.wheel);
  }
}

namespace {

// Bytes of a member at an offset, by inflating it up to there; what is near its begin is kept.
class Replay {
 public:
  Replay(const Archive& archive, const Member& member) : archive_(archive), member_(member) {}

  bool read(std::uint64_t offset, char* into, std::size_t size) {
    if (offset > member_.size || size > member_.size - offset) return false;
    if (begin_.empty()) {
      replay(0, static_cast<std::size_t>(std::min<std::uint64_t>(member_.size, kept_size)),
             [&](std::string_view piece, std::size_t) { begin_ += piece; });
    }
    if (offset + size <= begin_.size()) {
      begin_.copy(into, size, static_cast<std::size_t>(offset));
      return true;
    }
    replay(offset, size,
           [&](std::string_view piece, std::size_t at) { piece.copy(into + at, piece.size()); });
    return true;
  }

 private:
  struct Enough {};
  static constexpr std::size_t kept_size = 1 << 20;

  template <class Sink>
  void replay(std::uint64_t offset, std::size_t size, Sink&& sink) {
    std::uint64_t at = 0;
    std::size_t given = 0;
    try {
      archive_.stream(member_, [&](std::string_view piece) {
        const std::uint64_t skip = std::min<std::uint64_t>(piece.size(), offset > at ? offset - at : 0);
        at += piece.size();
        const auto wanted = piece.substr(static_cast<std::size_t>(skip)).substr(0, size - given);
        if (!wanted.empty()) sink(wanted, given);
        given += wanted.size();
        if (given == size) throw Enough{};
      });
    } catch (const Enough&) {
    }
  }

  const Archive& archive_;
  const Member& member_;
  std::string begin_;
};

// Reading objects of larger members would inflate them too often.
constexpr std::uint64_t max_replayed = 256U << 20;

}  // namespace

WheelFacts inspect_wheel(const Archive& archive, const WheelFilename& file_name, std::string_view wheel,
                         const Sha256& wheel_sha256) {
  const WheelHead head = read_head(archive, file_name, wheel);
  const auto members = archive.members();
  std::vector<MemberFacts> facts(members.size());
  ReadBuffer buffer;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!head.roles[i].path) continue;
    if (members[i].size <= Archive::max_read_size) {
      facts[i] = inspect_member(head, i, archive.read(members[i], buffer));
      continue;
    }
    MemberInspector inspector(head, i);
    archive.stream(members[i], [&](std::string_view piece) { inspector.update(piece); });
    Replay replay(archive, members[i]);
    const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t size) {
      return replay.read(offset, into, size);
    };
    facts[i] = inspector.finish(members[i].size <= max_replayed ? read : ReadAt());
  }
  return make_facts(head, facts, wheel_sha256);
}

}  // namespace axle
