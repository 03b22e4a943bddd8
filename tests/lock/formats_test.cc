// The formats of tools: what the real files of fixtures/locks do not show, and what is refused.

#include <algorithm>

#include "lock/poetry_range.h"
#include "lock_text.h"

namespace axle {
namespace {

TEST(LockFormats, AreToldByNameThenByContent) {
  EXPECT_EQ(find_lock_format("a/uv.lock", ""), LockFormat::uv);
  EXPECT_EQ(find_lock_format("pylock.dev.toml", ""), LockFormat::pylock);
  EXPECT_EQ(find_lock_format("requirements-dev.txt", ""), LockFormat::requirements);
  EXPECT_EQ(find_lock_format("static.pdm.lock", ""), LockFormat::pdm);
  EXPECT_EQ(find_lock_format("-", "lock-version = \"1.0\"\ncreated-by = \"x\"\n"), LockFormat::pylock);
  EXPECT_EQ(find_lock_format("x", "{\"_meta\": {}}"), LockFormat::pipfile);
  EXPECT_EQ(find_lock_format("x", "# c\na==1\n"), LockFormat::requirements);
  EXPECT_EQ(find_lock_format("x", "nothing of the kind"), std::nullopt);
  EXPECT_TRUE(begins(error_from("x", "nothing of the kind"), "usage x:"));
  EXPECT_EQ(parse_lock_format("pipfile"), LockFormat::pipfile);
  EXPECT_EQ(parse_lock_format("conda"), std::nullopt);
}

TEST(LockFormats, UnknownMajorVersionsAreRefused) {
  EXPECT_TRUE(begins(error_from("uv.lock", "\nversion = 2\n"), "unsupported uv.lock:2:11:"));
  EXPECT_TRUE(begins(error_from("pylock.toml", "lock-version = '2.0'\ncreated-by = 'x'"),
                     "unsupported pylock.toml:1:16:"));
  EXPECT_TRUE(
      begins(error_from("poetry.lock", "[metadata]\nlock-version = '3.0'"), "unsupported poetry.lock:2:16:"));
  EXPECT_TRUE(
      begins(error_from("pdm.lock", "[metadata]\nlock_version = '5.0'"), "unsupported pdm.lock:2:16:"));
  EXPECT_TRUE(begins(error_from("Pipfile.lock", "{\"_meta\":\n {\"pipfile-spec\": 7}}"),
                     "unsupported Pipfile.lock:2:19:"));
}

TEST(LockFormats, SyntaxErrorsHavePlaces) {
  EXPECT_TRUE(begins(error_from("uv.lock", "version = 1\n[[package]\n"), "bad_input uv.lock:2:"));
  EXPECT_TRUE(begins(error_from("uv.lock", "version = 1\nx = \"\xff\"\n"), "bad_input uv.lock:1:1:"));
  EXPECT_TRUE(begins(error_from("Pipfile.lock", "{\"_meta\": {},\n \"default\": {\"a\": {]}}"),
                     "bad_input Pipfile.lock:2:"))
      << error_from("Pipfile.lock", "{\"_meta\": {},\n \"default\": {\"a\": {]}}");
  EXPECT_TRUE(begins(error_from("Pipfile.lock", "{\"_meta\": {},\n \"default\": {\"a\": {\"version\": 1}}}"),
                     "bad_input Pipfile.lock:2:31:"));
}

TEST(PipfileLock, EmptyAndShortFiles) {
  for (const char* text :
       {"", " ", "{", "[]", "1", "{}", "{\"_meta\"", "{\"_meta\": 1}", "{\"default\": []}"}) {
    EXPECT_TRUE(begins(error_from("Pipfile.lock", text), "bad_input Pipfile.lock:1:")) << text;
  }
}

TEST(UvLock, SourcesOfEveryKind) {
  const Lock lock = lock_from("p/uv.lock", R"(version = 1
requires-python = ">=3.9"
[[package]]
name = "proj"
version = "0"
source = { virtual = "." }
[package.metadata.requires-dev]
empty = []
[[package]]
name = "a"
version = "1"
source = { registry = "wheels" }
wheels = [{ path = "a-1-py3-none-any.whl" }]
[[package]]
name = "b"
version = "1"
source = { path = "b-1-py3-none-any.whl" }
wheels = [{ filename = "b-1-py3-none-any.whl", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }]
[[package]]
name = "c"
version = "1"
source = { url = "https://files.example/c%2B-1-py3-none-any.whl" }
wheels = [{ url = "https://files.example/c-1-py3-none-any.whl", size = 12 }]
[[package]]
name = "d"
version = "1"
source = { git = "https://files.example/d.git?subdirectory=x&rev=main#0123" }
)");
  ASSERT_EQ(lock.packages.size(), 5U);
  EXPECT_EQ(lock.roots, std::vector<std::size_t>{0});
  EXPECT_EQ(lock.groups, std::vector<std::string>{"empty"});
  EXPECT_EQ(lock.packages[1].wheels.at(0).path, "p/wheels/a-1-py3-none-any.whl");
  EXPECT_EQ(lock.packages[2].wheels.at(0).path, "p/b-1-py3-none-any.whl");
  EXPECT_EQ(lock.packages[3].wheels.at(0).size, 12U);
  EXPECT_EQ(lock.packages[4].source.revision, "0123");
  EXPECT_EQ(lock.packages[4].source.requested, "main");
  EXPECT_EQ(lock.packages[4].source.subdirectory, "x");
  ASSERT_EQ(lock.files.size(), 2U);
  EXPECT_EQ(lock.files[1], (InputFile{"p/pyproject.toml", std::nullopt}));
}

TEST(UvLock, DefaultGroupsComeFromTheProject) {
  const std::string text =
      "version = "
      "1\n[[package]]\nname='p'\nsource={virtual='.'}\n[package.dev-dependencies]\ndev=[]\ndocs=[]\n";
  EXPECT_EQ(lock_from("uv.lock", text).default_groups, std::vector<std::string>{"dev"});
  const auto with = [&](const std::string& uv) {
    return lock_from("uv.lock", text, {{"pyproject.toml", "[tool.uv]\n" + uv}}).default_groups;
  };
  EXPECT_EQ(with("default-groups = ['docs']"), std::vector<std::string>{"docs"});
  EXPECT_EQ(with("default-groups = 'all'"), (std::vector<std::string>{"dev", "docs"}));
  EXPECT_EQ(with("default-groups = []"), std::vector<std::string>{});
}

TEST(UvLock, HostileFileNamesAreRefused) {
  for (const char* url :
       {"https://files.example/%2e%2e", "https://files.example/a%2Fb.whl", "https://files.example/",
        "https://files.example/a%00.whl", "https://files.example/a%5Cb.whl", "nothing"}) {
    const std::string text =
        std::string(
            "version = 1\n[[package]]\nname='a'\nversion='1'\nsource={registry='r'}\nwheels=[{url='") +
        url + "'}]\n";
    EXPECT_TRUE(begins(error_from("uv.lock", text), "bad_input uv.lock:6:9:")) << url;
  }
}

TEST(Pylock, HashesMustProveSomething) {
  const auto with = [](const std::string& hashes) {
    return error_from(
        "pylock.toml",
        "lock-version='1.0'\ncreated-by='x'\n[[packages]]\nname='a'\nwheels=[{name='a-1-py3-none-any.whl', "
        "hashes={" +
            hashes + "}}]\n");
  };
  EXPECT_TRUE(begins(with("md5='" + std::string(32, 'a') + "'"), "integrity pylock.toml:5:"));
  EXPECT_TRUE(begins(with(""), "bad_input pylock.toml:5:"));
  EXPECT_TRUE(begins(with("sha256='12'"), "bad_input pylock.toml:5:"));
  EXPECT_EQ(with("new='x', sha256='" + std::string(64, 'a') + "'"), "no error");
}

TEST(Pylock, SourcesExcludeEachOther) {
  const std::string head = "lock-version='1.0'\ncreated-by='x'\n[[packages]]\nname='a'\n";
  EXPECT_TRUE(begins(error_from("pylock.toml", head), "bad_input pylock.toml:3:"));
  EXPECT_TRUE(begins(error_from("pylock.toml", head + "wheels=[]\ndirectory={path='.'}\n"),
                     "bad_input pylock.toml:3:"));
  const Lock lock = lock_from("d/pylock.toml", head + "directory={path='x', editable=true}\n");
  EXPECT_EQ(lock.packages.at(0).source.kind, SourceKind::editable);
  EXPECT_EQ(lock.packages.at(0).source.location, "d/x");
}

TEST(Pylock, PathIsPreferredAndNameWins) {
  const Lock lock = lock_from(
      "d/pylock.toml",
      "lock-version='1.1'\ncreated-by='x'\n[[packages]]\nname='a'\nwheels=[{name='a-1-py3-none-any.whl',"
      "path='w/A-1-py3-none-any.whl', url='https://files.example/A.whl', hashes={sha256='" +
          std::string(64, 'a') + "'}}]\nattestation-identities=[{kind='k', who='me'}]\n");
  const FileRef& file = lock.packages.at(0).wheels.at(0);
  EXPECT_EQ(file.name, "a-1-py3-none-any.whl");
  EXPECT_EQ(file.path, "d/w/A-1-py3-none-any.whl");
  EXPECT_EQ(lock.packages.at(0).attestations.at(0).fields.at("who"), "me");
  EXPECT_EQ(lock.notes.size(), 1U);
}

TEST(PoetryLock, OptionalGroupsComeFromTheProject) {
  const std::string text =
      "[[package]]\nname='a'\nversion='1'\ngroups=['main','docs']\nfiles=[]\n[metadata]\nlock-version='2.1'"
      "\n";
  EXPECT_EQ(lock_from("poetry.lock", text).default_groups, std::vector<std::string>{"docs"});
  const Lock lock =
      lock_from("poetry.lock", text,
                {{"pyproject.toml", "[tool.poetry.group.docs]\noptional=true\n[dependency-groups]\nx=[]\n"}});
  EXPECT_EQ(lock.default_groups, std::vector<std::string>{"x"});
  EXPECT_EQ(lock.groups, (std::vector<std::string>{"docs", "x"}));
}

TEST(PoetryLock, OldLocksNeedTheProject) {
  const std::string text = "[[package]]\nname='a'\nversion='1'\n[metadata]\nlock-version='2.0'\n";
  const std::string error = error_from("poetry.lock", text);
  EXPECT_TRUE(begins(error, "unsupported poetry.lock:4:1:")) << error;
  const Lock lock =
      lock_from("poetry.lock", text, {{"pyproject.toml", "[tool.poetry.dependencies]\na='^1'\n"}});
  EXPECT_EQ(lock.activation, Activation::walk);
  EXPECT_EQ(lock.packages.at(lock.roots.at(0)).dependencies.at(0).name, "a");
}

TEST(PoetryRanges, MeanWhatPoetryMeans) {
  const auto contains = [](std::string_view range, std::string_view version) {
    return lockfile::parse_poetry_range(range).value().contains(Version::parse(version));
  };
  EXPECT_TRUE(contains("^1.2.3", "1.9"));
  EXPECT_FALSE(contains("^1.2.3", "2.0"));
  EXPECT_FALSE(contains("^0.2.3", "0.3"));
  EXPECT_TRUE(contains("^0.0.3", "0.0.3"));
  EXPECT_FALSE(contains("^0.0.3", "0.0.4"));
  EXPECT_TRUE(contains("^0", "0.9"));
  EXPECT_FALSE(contains("~1.2.3", "1.3"));
  EXPECT_TRUE(contains("~1", "1.9"));
  EXPECT_TRUE(contains("1.*", "1.9"));
  EXPECT_FALSE(contains("1.2", "1.3"));
  EXPECT_TRUE(contains(">=1,<2 || ^3", "3.5"));
  EXPECT_FALSE(contains(">=1,<2 || ^3", "2.5"));
  EXPECT_TRUE(contains(">= 1 < 2", "1.5"));
  EXPECT_FALSE(contains(">= 1 < 2", "2.5"));
  EXPECT_TRUE(contains("*", "9"));
  EXPECT_FALSE(lockfile::parse_poetry_range("^x").has_value());
}

// A table is freed with those in it by recursion.
TEST(TomlLocks, KeysOfTooManyPartsAreRefused) {
  const std::map<std::string, std::string> heads = {{"uv.lock", "version = 1\n"},
                                                    {"pylock.toml", "lock-version = '1.0'\n"},
                                                    {"pdm.lock", "a = 1\n"},
                                                    {"poetry.lock", "a = 1\n"}};
  const auto repeated = [](std::string_view part) {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += part;
    return text;
  };
  for (const auto& [name, head] : heads) {
    const std::string refused = "bad_input " + name + ":2:";
    for (const std::string part : {".a", ". \"a\" ", ".'a.b'"}) {
      EXPECT_TRUE(begins(error_from(name, head + "x" + repeated(part) + " = 1\n"), refused)) << name << part;
    }
    EXPECT_TRUE(begins(error_from(name, head + "[x" + repeated(".a") + "]\n"), refused)) << name;
    // A closing quote too many would hide what follows.
    EXPECT_TRUE(begins(error_from(name, head + "y = [\"\"\"\"a\"\"\"\"\", {x" + repeated(".a") + " = 1}]\n"),
                       refused));
  }
  // Dots in texts, numbers and comments are none of a key.
  const std::string dots = repeated(".");
  std::string text = "lock-version = '1.0' # " + dots + "\ncreated-by = \"\\\"" + dots + "\"\n";
  text += "x = '''" + dots + "\n'" + dots + "'''\ny = \"\"\"" + dots + "\"\"" + dots + "\\\"\"\"\"\nz = [1.5";
  for (int i = 0; i < 30; ++i) text += ", 1.5";
  EXPECT_EQ(error_from("pylock.toml", text + "]\npackages = []\n"), "no error");
}

TEST(PdmLock, WithoutGroupsTheProjectIsNeeded) {
  const std::string text = "[metadata]\nlock_version='4.5.1'\nstrategy=[]\n";
  EXPECT_TRUE(begins(error_from("pdm.lock", text), "unsupported pdm.lock:1:1:"));
  EXPECT_TRUE(begins(
      error_from("pdm.lock", text, {{"pyproject.toml", "[dependency-groups]\na=[{include-group='a'}]\n"}}),
      "bad_input pyproject.toml:2:"));
  std::string deep = "[dependency-groups]\ng0=[]\n";
  for (int i = 1; i < 1000; ++i)
    deep += "g" + std::to_string(i) + "=[{include-group='g" + std::to_string(i - 1) + "'}]\n";
  const std::string said = error_from("pdm.lock", text, {{"pyproject.toml", deep}});
  EXPECT_TRUE(begins(said, "bad_input pyproject.toml:")) << said;
  EXPECT_NE(said.find("too deeply"), std::string::npos) << said;
}

TEST(PipfileLock, AByteOrderMarkIsNoText) {
  const Lock lock =
      lock_from("Pipfile.lock", "\xEF\xBB\xBF{\"_meta\": {}, \"default\": {\"a\": {\"version\": \"==1\"}}}");
  EXPECT_EQ(lock.packages.at(0).name, "a");
}

TEST(PipfileLock, EntriesAndSources) {
  const Lock lock = lock_from("Pipfile.lock",
                              R"({"_meta": {"pipfile-spec": 6, "sources": [
    {"name": "one", "url": "https://one.example/simple"}, {"name": "two", "url": "https://${U}@two.example/simple"}]},
 "default": {"A.b": {"version": "==1.0", "index": "two", "hashes": [")" +
                                  sha('a') + R"("]},
   "c": {"version": "==>=1.2", "markers": "python_version < '3'"}},
 "docs": {"d": {"path": "./d", "editable": true}}})",
                              {}, {{"U", "me"}});
  ASSERT_EQ(lock.packages.size(), 3U);
  EXPECT_EQ(lock.packages[0].name, "a-b");
  EXPECT_EQ(lock.packages[0].source.location, "https://me@two.example/simple");
  EXPECT_EQ(lock.packages[0].place.line, 3U);
  EXPECT_FALSE(lock.packages[1].unpinned.empty());
  EXPECT_EQ(lock.packages[2].source.kind, SourceKind::editable);
  EXPECT_EQ(lock.groups, std::vector<std::string>{"docs"});
  EXPECT_EQ(lock.options.index_url, "https://one.example/simple");
}

}  // namespace
}  // namespace axle
