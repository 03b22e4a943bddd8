#include "axle/wheel/python_stub.h"

#include <gtest/gtest.h>

#include <string>

namespace axle {
namespace {

InitKind kind(std::string_view text) {
  const InitMeaning meaning = classify_init(text);
  const auto stub = find_stub(text);
  EXPECT_EQ(stub.has_value(), meaning.kind != InitKind::regular) << text;
  if (stub) {
    EXPECT_EQ(stub->kind, meaning.kind) << text;
    EXPECT_EQ(stub->token_digest, meaning.token_digest) << text;
  }
  return meaning.kind;
}

TEST(PythonStub, Kinds) {
  EXPECT_EQ(kind(""), InitKind::empty);
  EXPECT_EQ(kind("# only\n\n\"\"\"and a\ndocstring\"\"\"\n"), InitKind::empty);
  EXPECT_EQ(kind("x = 1\n"), InitKind::regular);
  EXPECT_EQ(kind("__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"), InitKind::pkgutil);
  EXPECT_EQ(kind("from pkgutil import extend_path\n__path__ = extend_path(__path__,\n  __name__)"),
            InitKind::pkgutil);
  EXPECT_EQ(kind("__import__(\"pkg_resources\").declare_namespace(__name__)"), InitKind::pkg_resources);
  EXPECT_EQ(kind("try:\n    __import__('pkg_resources').declare_namespace(__name__)\nexcept ImportError:\n"
                 "    __path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"),
            InitKind::pkg_resources);
  // In a comment or a text it says nothing.
  EXPECT_EQ(kind("# extend_path(__path__, __name__)\n"), InitKind::empty);
  EXPECT_EQ(kind("x = 'extend_path(__path__, __name__)'\n"), InitKind::regular);
}

TEST(PythonStub, OneProgramInManySpellings) {
  const std::string plain = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n";
  for (const auto* other :
       {"# licence\n\n__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
        "__path__=__import__(\"pkgutil\").extend_path( __path__,__name__ )  # type: ignore\r\n",
        "\"\"\"Docs.\"\"\"\n__path__ = __import__('pkgutil').extend_path(\n    __path__,\n    "
        "__name__)\n\n\n",
        "\xEF\xBB\xBF# -*- coding: utf-8 -*-\n__path__ = __import__(u'pkgutil').extend_path(__path__, "
        "__name__)\n",
        "__path__ = \\\n  __import__('''pkgutil''').extend_path(__path__, __name__)\n"}) {
    EXPECT_TRUE(same_tokens(plain, other)) << other;
  }
  EXPECT_TRUE(same_tokens("try:\n  a\nexcept E:\n  b\n", "try:\n        a\n\n# c\nexcept E:\n    b"));
}

TEST(PythonStub, DifferentProgramsDiffer) {
  const auto differ = [](std::string_view a, std::string_view b) {
    EXPECT_FALSE(same_tokens(a, b)) << a << "\n---\n" << b;
  };
  differ("x = 1\n", "x = 2\n");
  differ("x = 'a b'\n", "x = 'a  b'\n");
  differ("x = r'\\n'\n", "x = '\\n'\n");
  differ("x = b'a'\n", "x = 'a'\n");
  differ("if a:\n  b\n  c\n", "if a:\n  b\nc\n");
  differ("x = 1\ny\n", "x = 1y\n");
  differ("'doc'\nprint(__doc__)\n", "'other'\nprint(__doc__)\n");
  differ("'doc' + f()\n", "f()\n");
  // Inner quotes of formatted strings mean other things in other versions: compared by bytes.
  differ("f'{d[' a']}'\n", "f'{d['  a']}'\n");
  // In UTF-7 a comment may hide code.
  differ("# coding: utf-7\n#+AAo-x = 1\n", "# coding: utf-7\n#+AAo-x = 2\n");
  // What is not readable is its bytes.
  differ("x = (1\n", "x = (1 \n");
  differ("x = '\n", "x = ' \n");
  differ("\xff", "\xff ");
}

TEST(PythonStub, NothingIsReadFromLargeFiles) {
  const std::string large(max_stub_size + 1, '#');
  EXPECT_EQ(kind(large), InitKind::regular);
  EXPECT_EQ(kind(std::string(max_stub_size, '#')), InitKind::empty);
}

TEST(PythonStub, AnyBytesHaveAMeaning) {
  std::uint32_t state = 1;
  const std::string_view alphabet = "a1 \t\n\r'\"\\#()[]{}:;.,=_frbu\x80\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    state = state * 1664525 + 1013904223;
    for (std::uint32_t size = (state >> 16) % 40; size > 0; --size) {
      state = state * 1664525 + 1013904223;
      text += alphabet[(state >> 16) % alphabet.size()];
    }
    // Comments behind the text change nothing that is readable.
    const auto meaning = classify_init(text);
    EXPECT_EQ(kind(text), meaning.kind);
    if (meaning.kind == InitKind::empty) {
      EXPECT_TRUE(same_tokens(text + "\n# c\n", text + "\n")) << text;
    }
    EXPECT_EQ(classify_init(text).token_digest, meaning.token_digest);
  }
}

}  // namespace
}  // namespace axle
