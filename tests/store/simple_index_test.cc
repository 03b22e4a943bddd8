// Index pages as values, and indexes served and local.

#include "axle/store/simple_index.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "axle/base/error.h"
#include "fault_server.h"
#include "store/simple_index_tags.h"

namespace axle {
namespace {

namespace fs = std::filesystem;
using test::FaultServer;

const std::string page_url = "https://index.example/simple/demo/";
const std::string sha = std::string(64, 'a');

std::string json_page(const std::string& files, const std::string& rest = "") {
  return R"({"meta": {"api-version": "1.1"}, "name": "demo", "files": [)" + files + "]" + rest + "}";
}

std::string html_page(const std::string& body) {
  return "<!DOCTYPE html><html><body>" + body + "</body></html>";
}

ErrorCode code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.place().file, page_url) << error.what();
    return error.code();
  }
  return ErrorCode::interrupted;  // no parser says that
}

TEST(SimpleJson, ReadsWhatAnIndexSays) {
  const ProjectPage page = parse_simple_json(
      json_page(R"({"filename": "demo-1.0-py3-none-any.whl", "url": "../../files/demo-1.0-py3-none-any.whl#x",
                    "hashes": {"sha256": ")" +
                sha + R"(", "blake9": "?"}, "size": 4321, "requires-python": ">=3.8",
                    "upload-time": "2024-01-02T03:04:05.678Z", "yanked": false, "core-metadata": {"sha256": "00"},
                    "dist-info-metadata": true, "gpg-sig": false, "provenance": null},
                   {"filename": "demo-1.1.tar.gz", "url": "https://files.example/demo-1.1.tar.gz", "hashes": {},
                    "yanked": "broken build", "requires-python": null},
                   {"filename": "demo-1.2.zip", "url": "/demo-1.2.zip", "hashes": {}, "yanked": true})"),
      page_url);
  ASSERT_EQ(page.files.size(), 3U);
  const IndexFile wheel{"demo-1.0-py3-none-any.whl",
                        "https://index.example/files/demo-1.0-py3-none-any.whl",
                        {{HashAlgorithm::sha256, sha}},
                        {},
                        4321,
                        ">=3.8",
                        std::nullopt,
                        "2024-01-02T03:04:05.678Z",
                        ""};
  EXPECT_EQ(page.files[0], wheel);
  EXPECT_EQ(page.files[1].yanked, "broken build");
  EXPECT_EQ(page.files[1].requires_python, "");
  EXPECT_FALSE(page.files[1].size);
  EXPECT_EQ(page.files[2].yanked, "");
  EXPECT_EQ(page.files[2].url, "https://index.example/demo-1.2.zip");
  EXPECT_EQ(page.status, "active");
  EXPECT_TRUE(page.notes.empty());
}

TEST(SimpleJson, VersionsAndStatus) {
  const std::string newer = R"({"meta": {"api-version": "1.9"}, "files": []})";
  EXPECT_EQ(parse_simple_json(newer, page_url).notes.at(0).kind, "index-version");
  EXPECT_EQ(code_of([] { parse_simple_json(R"({"meta": {"api-version": "2.0"}, "files": []})", page_url); }),
            ErrorCode::unsupported);
  const std::string file = R"({"filename": "demo-1.zip", "url": "demo-1.zip", "hashes": {}})";
  const ProjectPage page = parse_simple_json(
      json_page(file, R"(, "project-status": {"status": "quarantined", "reason": "malware"})"), page_url);
  EXPECT_TRUE(page.files.empty());
  EXPECT_EQ(page.status, "quarantined");
  EXPECT_NE(page.notes.at(0).message.find("malware"), std::string::npos);
  EXPECT_EQ(parse_simple_json(json_page(file, R"(, "project-status": {"status": "archived"})"), page_url)
                .files.size(),
            1U);
}

TEST(SimpleJson, APageWithoutMetaIsOfVersionOne) {
  EXPECT_TRUE(parse_simple_json(R"({"files": []})", page_url).notes.empty());
}

TEST(SimpleJson, BrokenPagesAreErrors) {
  for (const std::string& text : {
           std::string(),
           std::string("{"),
           std::string("null"),
           std::string("[]"),
           std::string("{}"),
           std::string(R"({"meta": {"api-version": "1.0"}})"),
           std::string(R"({"meta": {}, "files": []})"),
           std::string(R"({"meta": {"api-version": "one"}, "files": []})"),
           std::string(R"({"meta": {"api-version": 1.0}, "files": []})"),
           std::string(R"({"meta": {"api-version": "1.0"}, "files": {}})"),
           json_page("{}").substr(0, 40),
           std::string(100'000, '['),
           std::string("{\"a\":\xff}"),
       }) {
    EXPECT_EQ(code_of([&] { parse_simple_json(text, page_url); }), ErrorCode::bad_input)
        << text.substr(0, 200);
  }
}

TEST(SimpleJson, OneMalformedEntryHarmsNoOther) {
  const std::string good = R"({"filename": "b.whl", "url": "b.whl", "hashes": {}})";
  for (const std::string& bad : {
           std::string(R"({"filename": "a.whl"})"),
           std::string(R"({"filename": "a.whl", "url": 1})"),
           std::string(R"({"filename": "a.whl", "url": "a.whl", "size": -1})"),
           std::string(R"({"filename": "a.whl", "url": "a.whl", "size": "1"})"),
           std::string(R"({"filename": "a.whl", "url": "a.whl", "hashes": {"sha256": "abc"}})"),
           std::string(R"({"filename": "a.whl", "url": "a.whl", "hashes": []})"),
           std::string(R"({"filename": "a.whl", "url": "a.whl", "yanked": 3})"),
           std::string(R"({"filename": "a.whl", "url": "a.whl", "requires-python": 3})"),
           std::string(R"({"filename": "a.whl", "url": "file:///etc/passwd"})"),
           std::string(R"({"filename": "a.whl", "url": "javascript:alert"})"),
           std::string(R"({"filename": "a.whl", "url": "https://"})"),
           std::string(R"({"filename": "a.whl", "url": "a\u0000.whl"})"),
       }) {
    const ProjectPage page = parse_simple_json(json_page(bad + "," + good), page_url);
    ASSERT_EQ(page.files.size(), 2U) << bad;
    EXPECT_NE(page.files[0].fault, "") << bad;
    EXPECT_EQ(page.files[1].fault, "") << bad;
    EXPECT_EQ(page.notes.at(0).kind, "index-entry");
    EXPECT_NE(page.notes[0].message.find("a.whl"), std::string::npos) << page.notes[0].message;
  }
  for (const std::string bad : {"1", "null", R"({"url": "a.whl"})", R"({"filename": 1, "url": "a.whl"})"}) {
    const ProjectPage page = parse_simple_json(json_page(bad + "," + good), page_url);
    EXPECT_EQ(page.files.size(), 1U) << bad;
    EXPECT_EQ(page.notes.at(0).kind, "index-entry");
  }
}

TEST(SimpleJson, HostileFileNamesAreRefused) {
  for (const std::string name : {"../a.whl", "/etc/passwd", "a/b.whl", "..", "", ".", "a\\\\b.whl", "C:a.whl",
                                 "a\\u0000.whl", "a\\n.whl", "con", "a.whl ", "a.whl."}) {
    const std::string text = json_page(R"({"filename": ")" + name + R"(", "url": "a.whl", "hashes": {}})");
    EXPECT_EQ(code_of([&] { parse_simple_json(text, page_url); }), ErrorCode::bad_input) << name;
  }
}

TEST(SimpleHtml, ReadsWhatAnIndexSays) {
  const ProjectPage page = parse_simple_html(
      R"(<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
         <title>Links for <a href="title-1.zip">demo</title></head><body>
         <!-- <a href="comment-1.zip"> -- > --><script>"<a href='script-1.zip'>"</script>
         <a href="../../files/demo-1.0-py3-none-any.whl#sha256=)" +
          sha + R"(&egg=demo" data-requires-python="&gt;=3.8,&#60;4" data-core-metadata=true>demo-1.0</a><br/>
         <A
           HREF = ' https://me:pw@files.example/demo-1.1.tar.gz?x=1&amp;y=2#blake9=00 ' Data-Yanked="broken &quot;build&quot;">x</A>
         <a data-yanked href=/demo%2B1-1.2.zip>unquoted</a>
         <a href="mailto:me@index.example">mail</a><a name="x">no link</a><a href="other/">folder</a><a href="">self</a>
         <a href="#top">top</a><a href="javascript:x">x</a></body></html>)",
      page_url);
  ASSERT_EQ(page.files.size(), 3U);
  const IndexFile wheel{"demo-1.0-py3-none-any.whl",
                        "https://index.example/files/demo-1.0-py3-none-any.whl",
                        {{HashAlgorithm::sha256, sha}},
                        {},
                        std::nullopt,
                        ">=3.8,<4",
                        std::nullopt,
                        "",
                        ""};
  EXPECT_EQ(page.files[0], wheel);
  EXPECT_EQ(page.files[1].url, "https://files.example/demo-1.1.tar.gz?x=1&y=2");
  EXPECT_EQ(page.files[1].yanked, "broken \"build\"");
  EXPECT_TRUE(page.files[1].hashes.empty());
  EXPECT_EQ(page.files[2].filename, "demo+1-1.2.zip");
  EXPECT_EQ(page.files[2].yanked, "");
}

TEST(SimpleHtml, Base) {
  const std::string link = "<a href='a-1.zip'>";
  const auto url_of = [&](const std::string& head) {
    return parse_simple_html(head + link, page_url).files.at(0).url;
  };
  EXPECT_EQ(url_of("<base href='https://files.example/x/'>"), "https://files.example/x/a-1.zip");
  EXPECT_EQ(url_of("<base href='../up/'>"), "https://index.example/simple/up/a-1.zip");
  EXPECT_EQ(url_of("<base target=x><base href='/1/'><base href='/2/'>"), "https://index.example/1/a-1.zip");
  EXPECT_EQ(url_of("<base href='file:///etc/'>"), "");
  EXPECT_EQ(code_of([&] { url_of("<base href='mailto:x'>"); }), ErrorCode::bad_input);
}

TEST(SimpleHtml, VersionsAndStatus) {
  const auto with = [](const std::string& name, const std::string& content) {
    return "<meta name='pypi:" + name + "' content='" + content + "'><a href='a-1.zip'>";
  };
  EXPECT_EQ(code_of([&] { parse_simple_html(with("repository-version", "2.0"), page_url); }),
            ErrorCode::unsupported);
  EXPECT_EQ(code_of([&] { parse_simple_html(with("repository-version", "x"), page_url); }),
            ErrorCode::bad_input);
  EXPECT_TRUE(parse_simple_html(with("project-status", "quarantined"), page_url).files.empty());
  EXPECT_EQ(parse_simple_html(with("project-status", "deprecated"), page_url).files.size(), 1U);
}

TEST(SimpleHtml, BrokenOrHostilePagesAreErrors) {
  for (const std::string& text : {
           std::string(),
           std::string("hello"),
           std::string("<a href='a-1.zip'>\0", 19),
           std::string("<html><a href='a-1"),
           std::string("<html><!-- "),
           std::string("<html><a href=x"),
           std::string("<p></p"),
           html_page("<a href='..%2f..%2fevil-1.whl'>"),
           html_page("<a href='%2e%2e%5cevil-1.whl'>"),
           html_page("<a href='a%00-1.whl'>"),
           html_page("<a href='a%zz-1.whl'>"),
           html_page("<a href='c:a.whl'>"),
           html_page("<a href='a%ff-1.whl'>"),
       }) {
    EXPECT_EQ(code_of([&] { parse_simple_html(text, page_url); }), ErrorCode::bad_input) << text;
  }
}

TEST(SimpleHtml, OneMalformedLinkHarmsNoOther) {
  for (const std::string bad : {"<a href='file:///etc/evil-1.whl'>", "<a href='ftp://files.example/a-1.whl'>",
                                "<a href='a-1.whl#sha256=abc'>", "<a href='https://[/a-1.whl'>",
                                "<a href='a-1.whl' data-yanked='\xff'>"}) {
    const ProjectPage page = parse_simple_html(html_page(bad + "<a href='b-1.whl'>"), page_url);
    ASSERT_EQ(page.files.size(), 2U) << bad;
    EXPECT_NE(page.files[0].fault, "") << bad;
    EXPECT_EQ(page.files[1].fault, "") << bad;
    EXPECT_EQ(page.notes.at(0).kind, "index-entry");
  }
}

// md5 proves nothing: it never counts as a pin.
TEST(SimpleHtml, WeakHashesAreChecksums) {
  const std::string md5 = "md5=0123456789abcdef0123456789ABCDEF";
  const ProjectPage page =
      parse_simple_html(html_page("<a href='a-1.whl#" + md5 + "'><a href='b-1.whl#egg=b&crc=1'>"), page_url);
  ASSERT_EQ(page.files.size(), 2U);
  EXPECT_EQ(page.files[0].checksums, std::vector<Hash>{Hash::parse(md5)});
  EXPECT_TRUE(page.files[1].checksums.empty());
  for (const IndexFile& file : page.files) EXPECT_TRUE(file.hashes.empty() && file.fault.empty());
}

TEST(SimpleHtml, NestedAndUnclosedPagesTakeLinearTime) {
  std::string text = "<a href='a-1.zip'>";
  for (int i = 0; i < 30'000; ++i) text += "<div><p><font size=" + std::to_string(i) + "><a href='x'>";
  for (int i = 0; i < 30'000; ++i) text += "</x &<<!-<a b=c d='e'";
  text += ">";
  EXPECT_EQ(parse_simple_html(text, page_url).files.size(), 1U);
}

TEST(HtmlTags, AreThoseOfHtml) {
  const auto tags = [](std::string_view text) {
    std::string all;
    HtmlTagReader reader(text);
    while (const auto tag = reader.next()) {
      all += "<" + tag->name;
      for (const HtmlAttribute& attribute : tag->attributes)
        all += " " + attribute.name + "=" + attribute.value;
      all += ">";
    }
    return all + (reader.is_cut() ? "!" : "");
  };
  EXPECT_EQ(tags("a < b <c d>e</c>"), "<c d=>");
  EXPECT_EQ(tags("<a b c=1 d='2' e=\"3>\"f=4/>x"), "<a b= c=1 d=2 e=3> f=4/>");
  EXPECT_EQ(tags("<a/b/c = d>"), "<a b= c=d>");
  EXPECT_EQ(tags("<a =b==c>"), "<a =b==c>");
  EXPECT_EQ(tags("<!--><a><!---><b><!-- -- <c> --!><d><!----><e>"), "<a><b><d><e>");
  EXPECT_EQ(tags("<!-- a --- b ---><c>"), "<c>");
  EXPECT_EQ(tags("<!doctype html><?xml <a?><b></ <c><d>"), "<b><d>");
  EXPECT_EQ(tags("<script><a></scriptx></SCRIPT ><b>"), "<script><b>");
  EXPECT_EQ(tags("<title></title><textarea><a></textarea/><b><plaintext><c>"),
            "<title><textarea><b><plaintext>");
  EXPECT_EQ(tags("</a b='<c>'><d>"), "<d>");
  EXPECT_EQ(tags("<a b=c>x<d"), "<a b=c>!");
  EXPECT_EQ(tags("<script>"), "<script>!");
  EXPECT_EQ(
      decode_html_references("&amp;&lt;&GT;&#65;&#x42;&#x43&quot;&apos;&ampx&amp=&unknown;&#;&#xD800;&#0;&"),
      "&<&GT;ABC\"'&ampx&amp=&unknown;&#;\xEF\xBF\xBD\xEF\xBF\xBD&");
  EXPECT_EQ(decode_html_references("&#99999999999999999999;&#x20AC;&#x1F600;"),
            "\xEF\xBF\xBD\xE2\x82\xAC\xF0\x9F\x98\x80");
}

class Indexes : public testing::Test {
 protected:
  Indexes() {
    std::string name = "/tmp/axle-index-XXXXXX";
    root = ::mkdtemp(name.data());
    options.retries = 1;
    options.first_backoff = std::chrono::milliseconds(5);
    options.netrc_file = "/nonexistent";
  }
  ~Indexes() override { fs::remove_all(root); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << text;
  }

  fs::path root;
  FetchOptions options;
};

TEST_F(Indexes, TheFirstThatKnowsANameIsTheOnlyOneAsked) {
  write("simple/first/demo.json",
        json_page(R"({"filename": "demo-1.zip", "url": "demo-1.zip", "hashes": {}})"));
  write("simple/first/empty.json", json_page(""));
  write("simple/second/demo.html", html_page("<a href='demo-2.zip'>"));
  write("simple/second/empty.html", html_page("<a href='empty-9.zip'>"));
  write("simple/second/other.html", html_page("<a href='/f/other-3.zip'>"));
  const FaultServer server(test::Tls::no, root.string());
  const std::vector<std::string> indexes{server.http() + "/simple/first/",
                                         server.http_as("me:pw") + "/simple/second"};
  const std::vector<std::string> names{"other", "demo", "absent", "empty"};
  Fetcher fetcher(options);
  const auto found = fetch_projects(fetcher, indexes, names);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].value().index_url, indexes[1]);
  EXPECT_EQ(found[0]->page.files.at(0).url, server.http() + "/f/other-3.zip");
  EXPECT_EQ(found[1].value().index_url, indexes[0]);
  EXPECT_EQ(found[1]->page.files.at(0).url, server.http() + "/simple/first/demo/demo-1.zip");
  EXPECT_FALSE(found[2]);
  EXPECT_TRUE(found[3].value().page.files.empty());
  const std::vector<PageRequest> log{{server.http() + "/log", "", ""}};
  const std::string asked = fetcher.fetch_pages(log).at(0).value().body;
  EXPECT_EQ(asked.find("/simple/second/demo/"), std::string::npos);
  EXPECT_EQ(asked.find("/simple/second/empty/"), std::string::npos);
  EXPECT_NE(asked.find("/simple/second/absent/"), std::string::npos);
  EXPECT_NE(asked.find("application/vnd.pypi.simple.v1+json"), std::string::npos);
}

TEST_F(Indexes, ServersThatSendNoIndexPage) {
  write("simple/broken.json", "{\"meta\": ");
  write("simple/hostile.json", json_page(R"({"filename": "../../x.whl", "url": "x.whl", "hashes": {}})"));
  write("simple/cut.html", "<html><a href='x.whl");
  const FaultServer server(test::Tls::no, root.string());
  Fetcher fetcher(options);
  const auto failure = [&](const std::string& index, const std::string& name) {
    const std::vector<std::string> indexes{index};
    const std::vector<std::string> names{name};
    try {
      fetch_projects(fetcher, indexes, names);
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(name), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
      return error.code();
    }
    return ErrorCode::interrupted;
  };
  const std::string base = server.http_as("me:secret");
  for (const std::string name : {"broken", "hostile", "cut"})
    EXPECT_EQ(failure(base + "/simple", name), ErrorCode::io);
  EXPECT_EQ(failure(base + "/status/500", "demo"), ErrorCode::io);
  EXPECT_EQ(failure(base + "/status/403", "demo"), ErrorCode::io);
  EXPECT_EQ(failure(base + "/page?type=image/png&body=x", "demo"), ErrorCode::io);
  EXPECT_EQ(failure(base + "/page?body=captive-portal", "demo"), ErrorCode::io);
  EXPECT_EQ(failure(base + "/simple", "../x"), ErrorCode::bad_input);
}

TEST_F(Indexes, LocalDirectories) {
  write("index/demo/index.html", html_page("<a href='../../wheels/demo-1.zip'>"));
  write("index/json/index.json",
        json_page(R"({"filename": "json-1.zip", "url": "json-1.zip", "hashes": {}})"));
  options.network = Network::offline;
  Fetcher fetcher(options);
  const std::vector<std::string> indexes{make_file_url((root / "index").string())};
  const std::vector<std::string> names{"demo", "absent", "json"};
  const auto found = fetch_projects(fetcher, indexes, names);
  EXPECT_EQ(found[0].value().page.files.at(0).url, make_file_url((root / "wheels/demo-1.zip").string()));
  EXPECT_FALSE(found[1]);
  EXPECT_EQ(found[2].value().page.files.at(0).filename, "json-1.zip");
}

TEST_F(Indexes, FindLinks) {
  write("wheels/b-1 x.whl", "");
  write("wheels/a-1.tar.gz", "");
  write("wheels/readme.txt", "");
  write("wheels/below/c-1.whl", "");
  fs::create_directory(root / "wheels" / "d-1.whl");
  write("links.html", html_page("<a href='wheels/a-1.tar.gz'><a href='https://files.example/z-1.whl'>"));
  Fetcher fetcher(options);
  const std::string wheels = (root / "wheels").string();
  for (const std::string& place : {wheels, wheels + "/", make_file_url(wheels)}) {
    const auto files = fetch_links(fetcher, place);
    ASSERT_EQ(files.size(), 2U) << place;
    EXPECT_EQ(files[0].filename, "a-1.tar.gz");
    EXPECT_EQ(files[1].filename, "b-1 x.whl");
    EXPECT_EQ(find_file_url_path(files[1].url), wheels + "/b-1 x.whl");
  }
  const auto listed = fetch_links(fetcher, (root / "links.html").string());
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(find_file_url_path(listed[0].url), wheels + "/a-1.tar.gz");
  const FaultServer server(test::Tls::no, root.string());
  EXPECT_EQ(fetch_links(fetcher, server.http() + "/page/?body=%3Ca%20href%3Dx-1.whl%3E").at(0).url,
            server.http() + "/page/x-1.whl");
  EXPECT_THROW(fetch_links(fetcher, (root / "absent").string()), Error);
  EXPECT_THROW(fetch_links(fetcher, server.http() + "/status/404"), Error);
}

}  // namespace
}  // namespace axle
