#include "action/reports.h"

#include <gtest/gtest.h>

#include "action/assemble.h"
#include "action/json_text.h"
#include "axle/base/error.h"

namespace axle {
namespace {

using DepStyle = ActionRequest::DepStyle;

TEST(Depfile, EscapesWhatMakeAndNinjaWouldMisread) {
  EXPECT_EQ(render_depfile("out", {"a.whl", "b c.whl", "d#e", "f$g", "h:i", "j\\k", "l\\ m"}, DepStyle::make),
            "out: \\\n a.whl \\\n b\\ c.whl \\\n d\\#e \\\n f$$g \\\n h\\:i \\\n j\\k \\\n l\\\\\\ m\n");
  EXPECT_EQ(render_depfile("out", {}, DepStyle::make), "out:\n");
  EXPECT_EQ(render_depfile("out", {"a b", "c"}, DepStyle::lines), "a b\nc\n");
  EXPECT_THROW(render_depfile("out", {"a\nb"}, DepStyle::make), Error);
}

TEST(Dyndep, NamesFilesAsImplicitOutputs) {
  std::vector<FlatEntry> entries(3);
  entries[0].kind = FlatKind::directory;
  entries[1].path = "a b";
  entries[2].path = "c:$d";
  entries[2].kind = FlatKind::symlink;
  EXPECT_EQ(render_dyndep("x.stamp", "out", entries),
            "ninja_dyndep_version = 1\nbuild x.stamp | $\n out/a$ b $\n out/c$:$$d: dyndep\n  restat = 1\n");
}

TEST(RelativePath, IsComputedFromThePathsAlone) {
  EXPECT_EQ(relative_path("bin/out/lib", "bin/tree/demo"), "../../tree/demo");
  EXPECT_EQ(relative_path("a", "a/b"), "b");
  EXPECT_EQ(relative_path("./a//b/", "a/c"), "../c");
  EXPECT_EQ(relative_path("a/../b", "b"), ".");
  EXPECT_EQ(relative_path("/x/y", "/x/z"), "../z");
  EXPECT_EQ(relative_path("a", "../t"), "../../t");
  EXPECT_THROW(relative_path("/x", "y"), Error);
  EXPECT_THROW(relative_path("../x", "y"), Error);
}

TEST(JsonText, EscapesAndRepairs) {
  JsonText json;
  json.begin_object().key("a").text("x\"\\\n\x01\x7f").key("u").text("\xC3\xA9\xFF\xE2\x82");
  json.key("n").begin_array().number(1).signed_number(-2).boolean(false).null().end_array().end_object();
  EXPECT_EQ(json.finish(),
            "{\"a\":\"x\\\"\\\\\\n\\u0001\\u007f\",\"u\":\"\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\","
            "\"n\":[1,-2,false,null]}\n");
}

}  // namespace
}  // namespace axle
