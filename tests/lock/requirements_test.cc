#include "lock_text.h"

namespace axle {
namespace {

TEST(Requirements, LinesHashesMarkersAndComments) {
  const Lock lock = lock_from("d/requirements.txt",
                              "# head\n"
                              "click==8.1.0 ; sys_platform != 'win32' \\\n"
                              "    --hash=" +
                                  sha('a') +
                                  " \\\n"
                                  "    --hash " +
                                  sha('b') +
                                  "  # via x\n"
                                  "\n"
                                  "Uvicorn[standard] == 0.5  # comment\r\n"
                                  "tool===1.0+Local\r");
  ASSERT_EQ(lock.packages.size(), 3U);
  EXPECT_EQ(lock.packages[0].name, "click");
  EXPECT_EQ(lock.packages[0].version, "8.1.0");
  EXPECT_EQ(lock.packages[0].hash_bag.size(), 2U);
  EXPECT_EQ(lock.markers.at(lock.packages[0].marker).text, "sys_platform != \"win32\"");
  EXPECT_EQ(lock.packages[0].place, (LockPlace{0, 2, 1}));
  EXPECT_EQ(lock.packages[1].name, "uvicorn");
  EXPECT_EQ(lock.packages[1].place, (LockPlace{0, 6, 1}));
  EXPECT_EQ(lock.packages[2].version, "1.0+Local");
  EXPECT_TRUE(lock.options.require_hashes);
  EXPECT_TRUE(lock.packages[0].requested);
}

TEST(Requirements, IncludesAreRelativeToTheFileThatNamesThem) {
  const Files files = {{"d/sub/a.txt", "-r b.txt\na==1\n-f wheels\n"}, {"d/sub/b.txt", "b==1\n-r a.txt\n"}};
  const Lock lock = lock_from("d/requirements.txt", "-r sub/a.txt\n--requirement=sub/b.txt\n", files);
  ASSERT_EQ(lock.packages.size(), 2U);
  EXPECT_EQ(lock.packages[0].name, "b");
  EXPECT_EQ(to_string(lock.place(lock.packages[1].place)), "d/sub/a.txt:2:1");
  EXPECT_EQ(lock.options.find_links, std::vector<std::string>{"d/sub/wheels"});
  ASSERT_EQ(lock.files.size(), 3U);
  EXPECT_EQ(lock.files[1].path, "d/sub/a.txt");
  EXPECT_TRUE(lock.files[1].digest.has_value());
}

TEST(Requirements, AFileHasSeveralPaths) {
  const Files files = {{"d/sub/b.txt", "-r ../a.txt\nb==1\n"},
                       {"d/sub/../a.txt", "a==1\n-r sub/b.txt\n"},
                       {"d/sub/../sub/b.txt", "-r ../a.txt\nb==1\n"}};
  EXPECT_EQ(lock_from("d/requirements.txt", "-r sub/b.txt\n", files).packages.size(), 2U);
}

TEST(Requirements, ConstraintsPinWhatIsNotPinned) {
  const Files files = {
      {"c.txt", "numpy==2.2 ; python_version < '3.11'\nnumpy==2.4 ; python_version >= '3.11'\nunused==1\n"}};
  const Lock lock = lock_from("requirements.txt", "numpy>=2\n-c c.txt\n", files);
  ASSERT_EQ(lock.packages.size(), 2U);
  EXPECT_EQ(lock.packages[0].version, "2.2");
  EXPECT_EQ(lock.packages[1].version, "2.4");
  EXPECT_TRUE(lock.packages[1].unpinned.empty());
  EXPECT_TRUE(begins(error_from("requirements.txt", "numpy==1\n-c c.txt\n", {{"c.txt", "numpy==2\n"}}),
                     "bad_input requirements.txt:1:1: numpy 1 contradicts the constraint"));
}

TEST(Requirements, OptionsAndVariables) {
  const Lock lock = lock_from("requirements.txt",
                              "-i https://${USER_1}:${NOT_SET}@index.example/simple\n"
                              "--extra-index-url=https://other.example/simple --no-index --pre\n"
                              "--no-binary a,b --only-binary b\n"
                              "a==1\nb==1\n",
                              {}, {{"USER_1", "me"}});
  EXPECT_EQ(lock.options.index_url, "https://me:${NOT_SET}@index.example/simple");
  EXPECT_TRUE(lock.names_variables);
  EXPECT_EQ(lock.options.extra_index_urls.size(), 1U);
  EXPECT_TRUE(lock.options.no_index);
  EXPECT_TRUE(lock.packages[0].no_binary);
  EXPECT_FALSE(lock.packages[1].no_binary);
}

TEST(Requirements, UrlsAndPaths) {
  const std::string sha256_b = "sha256=" + std::string(64, 'b');
  const Lock lock = lock_from("d/requirements.txt", "six @ https://files.example/six-1.0-py3-none-any.whl#" +
                                                        std::string("sha256=") + std::string(64, 'a') +
                                                        " ; python_version > '3'\n"
                                                        "./w/tool-2.0-py3-none-any.whl\n"
                                                        "file:///abs/a%20b/x-1-py3-none-any.whl\n"
                                                        "git+https://files.example/r.git@abc\n"
                                                        "-e ./proj\n"
                                                        "/a#b/y-1-py3-none-any.whl#" +
                                                        sha256_b + "\n");
  ASSERT_EQ(lock.packages.size(), 6U);
  EXPECT_EQ(lock.packages[5].wheels.at(0).path, "/a#b/y-1-py3-none-any.whl");
  EXPECT_EQ(lock.packages[5].wheels.at(0).hashes.size(), 1U);
  EXPECT_EQ(lock.packages[0].version, "1.0");
  EXPECT_EQ(lock.packages[0].wheels.at(0).url, "https://files.example/six-1.0-py3-none-any.whl");
  EXPECT_EQ(lock.packages[0].wheels.at(0).hashes.size(), 1U);
  EXPECT_NE(lock.packages[0].marker, no_marker);
  EXPECT_EQ(lock.packages[1].wheels.at(0).path, "d/w/tool-2.0-py3-none-any.whl");
  EXPECT_EQ(lock.packages[2].wheels.at(0).path, "/abs/a b/x-1-py3-none-any.whl");
  EXPECT_EQ(lock.packages[3].source.kind, SourceKind::vcs);
  EXPECT_EQ(lock.packages[4].source.kind, SourceKind::editable);
  EXPECT_EQ(lock.packages[4].source.location, "d/proj");
}

TEST(Requirements, ByteOrderMarks) {
  EXPECT_EQ(lock_from("requirements.txt",
                      "\xef\xbb\xbf"
                      "a==1")
                .packages.at(0)
                .name,
            "a");
  EXPECT_EQ(lock_from("requirements.txt", std::string("\xff\xfe"
                                                      "a\0=\0=\0"
                                                      "1\0",
                                                      10))
                .packages.at(0)
                .name,
            "a");
  EXPECT_EQ(lock_from("requirements.txt", std::string("\xfe\xff\0a\0=\0=\0"
                                                      "1",
                                                      10))
                .packages.at(0)
                .name,
            "a");
  EXPECT_TRUE(begins(error_from("requirements.txt", "\xff\xff"), "bad_input requirements.txt:1:1:"));
}

TEST(Requirements, ErrorsHavePlaces) {
  const auto error = [](std::string_view text) { return error_from("requirements.txt", text); };
  EXPECT_TRUE(begins(error("a==1\n  b=!2\n"), "bad_input requirements.txt:2:3:")) << error("a==1\n  b=!2\n");
  EXPECT_TRUE(begins(error("a==1 --global-option=x\n"), "bad_input requirements.txt:1:6:"));
  EXPECT_TRUE(begins(error("a==1 \\\n  --hash=sha256:12\n"), "bad_input requirements.txt:2:3:"));
  EXPECT_TRUE(begins(error("--what\n"), "bad_input requirements.txt:1:1: option"));
  EXPECT_TRUE(begins(error("\n-r gone.txt\n"), "io requirements.txt:2:1:"));
  EXPECT_TRUE(begins(error("-r https://files.example/r.txt\n"), "unsupported requirements.txt:1:1:"));
  EXPECT_TRUE(begins(error("more.txt\n"), "bad_input requirements.txt:1:1:"));
  EXPECT_TRUE(begins(error("a==1 ; python_version ~ '3'\n"), "bad_input requirements.txt:1:1:"));
}

TEST(Requirements, NotPinnedIsKeptForTheSelection) {
  for (const char* text : {"a", "a>=1", "a==1.*", "a==1,==2"}) {
    EXPECT_FALSE(lock_from("requirements.txt", text).packages.at(0).unpinned.empty()) << text;
  }
  EXPECT_TRUE(lock_from("requirements.txt", "a==1,>=0.5").packages.at(0).unpinned.empty());
}

}  // namespace
}  // namespace axle
