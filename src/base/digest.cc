// SHA-256 calls OpenSSL's block functions directly: nearly every run hashes small things, and the first fetch
// of a method through EVP builds OpenSSL's tables, which costs more than all that a no-op has to hash. The
// other algorithms are rare and go through EVP.

#define OPENSSL_SUPPRESS_DEPRECATED

#include "axle/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

struct AlgorithmRow {
  HashAlgorithm algorithm;
  std::string_view name;
  const char* openssl_name;
  std::size_t size;  // bytes
};

constexpr std::array<AlgorithmRow, 10> algorithms{{
    {HashAlgorithm::md5, "md5", "MD5", 16},
    {HashAlgorithm::sha1, "sha1", "SHA1", 20},
    {HashAlgorithm::sha224, "sha224", "SHA224", 28},
    {HashAlgorithm::sha256, "sha256", "SHA256", 32},
    {HashAlgorithm::sha384, "sha384", "SHA384", 48},
    {HashAlgorithm::sha512, "sha512", "SHA512", 64},
    {HashAlgorithm::blake2b, "blake2b", "BLAKE2B-512", 64},
    {HashAlgorithm::sha3_256, "sha3_256", "SHA3-256", 32},
    {HashAlgorithm::sha3_384, "sha3_384", "SHA3-384", 48},
    {HashAlgorithm::sha3_512, "sha3_512", "SHA3-512", 64},
}};

const AlgorithmRow& row_of(HashAlgorithm algorithm) noexcept {
  return algorithms[static_cast<std::size_t>(algorithm)];
}

// Fetching a method costs far more than hashing a small file, so each is fetched once a process. The
// configuration file of the machine's OpenSSL is not read: it costs time and must not change results.
const EVP_MD* method_of(HashAlgorithm algorithm) {
  static std::array<std::atomic<EVP_MD*>, algorithms.size()> methods{};
  auto& slot = methods[static_cast<std::size_t>(algorithm)];
  if (EVP_MD* known = slot.load(std::memory_order_acquire)) return known;
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  EVP_MD* fetched = EVP_MD_fetch(nullptr, row_of(algorithm).openssl_name, nullptr);
  if (fetched == nullptr) {
    throw Error(ErrorCode::unsupported, "this OpenSSL has no " + std::string(row_of(algorithm).name));
  }
  EVP_MD* expected = nullptr;
  if (slot.compare_exchange_strong(expected, fetched, std::memory_order_acq_rel)) return fetched;
  EVP_MD_free(fetched);
  return expected;
}

constexpr std::string_view base64url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

template <class Bytes>
std::string_view as_text(const Bytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<Sha256> from_raw(const std::optional<std::string>& raw) {
  if (!raw || raw->size() != 32) return std::nullopt;
  Sha256 digest;
  std::memcpy(digest.bytes.data(), raw->data(), digest.bytes.size());
  return digest;
}

}  // namespace

std::string Sha256::hex() const { return to_hex(as_text(bytes)); }
std::string Sha256::base64url() const { return base64url_encode(as_text(bytes)); }
std::optional<Sha256> Sha256::from_hex(std::string_view text) { return from_raw(axle::from_hex(text)); }
std::optional<Sha256> Sha256::from_base64url(std::string_view text) {
  return from_raw(base64url_decode(text));
}

Sha256 Sha256::of(std::string_view data) {
  SHA256_CTX context;  // SHA256() itself would go through EVP
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  Sha256 digest;
  SHA256_Final(digest.bytes.data(), &context);
  return digest;
}

std::optional<HashAlgorithm> parse_hash_algorithm(std::string_view name) {
  for (const AlgorithmRow& row : algorithms) {
    if (ascii_iequal(row.name, name)) return row.algorithm;
  }
  return std::nullopt;
}

std::string_view to_string(HashAlgorithm algorithm) noexcept { return row_of(algorithm).name; }

bool is_strong(HashAlgorithm algorithm) noexcept {
  return algorithm != HashAlgorithm::md5 && algorithm != HashAlgorithm::sha1;
}

Hash Hash::parse(std::string_view text) {
  const std::size_t colon = text.find_first_of(":=");
  if (colon == std::string_view::npos) {
    throw Error(ErrorCode::bad_input, "hash " + quoted(text) + " is not of the form algorithm:hexadecimal");
  }
  const auto algorithm = parse_hash_algorithm(text.substr(0, colon));
  if (!algorithm) {
    throw Error(ErrorCode::bad_input, "hash algorithm " + quoted(text.substr(0, colon)) + " is unknown",
                "use sha256, sha384, sha512 or blake2b");
  }
  const std::string_view hex = text.substr(colon + 1);
  const auto raw = axle::from_hex(hex);
  if (!raw || raw->size() != row_of(*algorithm).size) {
    throw Error(ErrorCode::bad_input, "hash " + quoted(text) + " is not a " +
                                          std::string(row_of(*algorithm).name) + " in hexadecimal");
  }
  return {*algorithm, ascii_lower(hex)};
}

std::string Hash::str() const { return std::string(to_string(algorithm)) + ":" + hex; }

struct Hasher::Impl {
  SHA256_CTX sha256;
  const EVP_MD* method = nullptr;  // of another algorithm
  EVP_MD_CTX* context = nullptr;
};

Hasher::Hasher(HashAlgorithm algorithm) : impl_(new Impl) {
  if (algorithm != HashAlgorithm::sha256) {
    impl_->method = method_of(algorithm);
    impl_->context = EVP_MD_CTX_new();
    if (impl_->context == nullptr) throw std::bad_alloc();
  }
  reset();
}

Hasher::~Hasher() {
  if (impl_) EVP_MD_CTX_free(impl_->context);
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

void Hasher::reset() {
  if (impl_->context == nullptr) {
    SHA256_Init(&impl_->sha256);
  } else if (EVP_DigestInit_ex2(impl_->context, impl_->method, nullptr) != 1) {
    throw std::bad_alloc();
  }
}

void Hasher::update(std::string_view data) {
  if (impl_->context == nullptr) {
    SHA256_Update(&impl_->sha256, data.data(), data.size());
  } else {
    EVP_DigestUpdate(impl_->context, data.data(), data.size());
  }
}

std::string Hasher::finish() {
  if (impl_->context == nullptr) return std::string(as_text(finish_sha256().bytes));
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned size = 0;
  EVP_DigestFinal_ex(impl_->context, raw.data(), &size);
  return std::string(as_text(raw).substr(0, size));
}

Sha256 Hasher::finish_sha256() {
  Sha256 digest;
  SHA256_Final(digest.bytes.data(), &impl_->sha256);
  return digest;
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.resize((bytes.size() * 4 + 2) / 3);
  char* to = out.data();
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    count += 8;
    while (count >= 6) {
      count -= 6;
      *to++ = base64url_digits[(bits >> count) & 63];
    }
  }
  if (count > 0) *to = base64url_digits[(bits << (6 - count)) & 63];
  return out;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  while (text.size() % 4 == 0 && text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  static constexpr std::array<int, 256> values = [] {
    std::array<int, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < base64url_digits.size(); ++i)
      table[static_cast<unsigned char>(base64url_digits[i])] = static_cast<int>(i);
    return table;
  }();
  std::string out(text.size() * 3 / 4, '\0');
  char* to = out.data();
  int any = 0;  // negative when one digit is none
  const auto value = [&](std::size_t at) {
    const int digit = values[static_cast<unsigned char>(text[at])];
    any |= digit;
    return static_cast<std::uint32_t>(digit) & 63;
  };
  while (text.size() >= 4) {
    const std::uint32_t bits = value(0) << 18 | value(1) << 12 | value(2) << 6 | value(3);
    *to++ = static_cast<char>(bits >> 16);
    *to++ = static_cast<char>(bits >> 8 & 255);
    *to++ = static_cast<char>(bits & 255);
    text.remove_prefix(4);
  }
  if (text.size() == 1) return std::nullopt;
  if (!text.empty()) {
    const std::uint32_t bits = value(0) << 12 | value(1) << 6 | (text.size() == 3 ? value(2) : 0);
    *to++ = static_cast<char>(bits >> 10);
    if (text.size() == 3) *to++ = static_cast<char>(bits >> 2 & 255);
    if ((bits & (text.size() == 3 ? 3U : 1023U)) != 0) return std::nullopt;
  }
  if (any < 0) return std::nullopt;
  return out;
}

}  // namespace axle
