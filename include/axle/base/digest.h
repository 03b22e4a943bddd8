#pragma once
// Hashes of contents. spec: FIPS 180-4; the base64url form is that of RECORD (RFC 4648 §5, no padding).

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace axle {

// A SHA-256 digest as a value: 32 bytes; compares and sorts by bytes.
struct Sha256 {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;        // 64 lower-case digits
  std::string base64url() const;  // 43 characters, no padding

  // nullopt unless `text` is exactly such a form (hexadecimal in either case).
  static std::optional<Sha256> from_hex(std::string_view text);
  static std::optional<Sha256> from_base64url(std::string_view text);
  // The digest of `data` at once.
  static Sha256 of(std::string_view data);

  friend auto operator<=>(const Sha256&, const Sha256&) = default;
};

// The algorithms that locks and RECORDs name. md5 and sha1 are known in order to be refused.
enum class HashAlgorithm { md5, sha1, sha224, sha256, sha384, sha512, blake2b, sha3_256, sha3_384, sha3_512 };

std::optional<HashAlgorithm> parse_hash_algorithm(std::string_view name);  // "sha256"; any case
std::string_view to_string(HashAlgorithm algorithm) noexcept;
// False for md5 and sha1: they prove nothing.
bool is_strong(HashAlgorithm algorithm) noexcept;

// One expected hash of an archive: `hex` in lower case.
struct Hash {
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  std::string hex;

  // "sha256:..." or "sha256=..."; throws Error(bad_input) for an unknown algorithm or a value of the wrong
  // shape.
  static Hash parse(std::string_view text);
  std::string str() const;  // "sha256:..."
  friend auto operator<=>(const Hash&, const Hash&) = default;
};

// Feeds bytes in pieces. One object is for one thread; finish() may be called once per reset().
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm = HashAlgorithm::sha256);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void reset();
  void update(std::string_view data);
  std::string finish();    // the raw digest
  Sha256 finish_sha256();  // only for sha256

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Base64url without padding (RECORD).
std::string base64url_encode(std::string_view bytes);
// nullopt for foreign characters, padding that is wrong, or bits that are left over.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace axle
