// The verdict on each way in which a zip can be legal or not. One row of a table is one archive.

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "archive/open_zip.h"
#include "support/zip_writer.h"

namespace axle::test {
namespace {

struct Case {
  const char* name;
  std::function<void(Zip&)> change;  // to a legal zip of a/, a/one.py, two.txt
  const char* refusal = nullptr;     // a part of the message; nullptr: accepted
  ErrorCode code = ErrorCode::bad_input;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

Zip legal_zip() {
  return zip_of({{"a/", ""}, {"a/one.py", "print(1)\nprint(1)\nprint(1)\n"}, {"two.txt", "two two two two"}});
}

ZipItem& one(Zip& zip) { return zip.items[1]; }
ZipItem& two(Zip& zip) { return zip.items[2]; }

void add_file(Zip& zip, const char* name, const char* data = "x") {
  zip.items.push_back(zip_of({{name, data}}).items[0]);
}

void set_name(ZipItem& item, std::string name) { item.name = std::move(name); }

// Sizes in a ZIP64 field of the local header.
std::string sizes64(const ZipItem& item) {
  return extra_field(1, le64(item.data.size()) + le64(deflated(item.data).size()));
}

void make_zip64(ZipItem& item) {
  item.local.size = item.local.packed_size = item.central.size = item.central.packed_size = 0xffffffff;
  item.local.extra = item.central.extra = sizes64(item);
}

void make_descriptor(ZipItem& item, ZipDescriptor descriptor = {}) { item.descriptor = descriptor; }

void make_wide_descriptor(ZipItem& item) {
  item.descriptor = ZipDescriptor{.wide = true};
  item.local.extra = extra_field(1, le64(0) + le64(0));
  item.local.size = item.local.packed_size = 0xffffffff;
}

std::string name_of(const testing::TestParamInfo<Case>& row) { return row.param.name; }

class Verdict : public testing::TestWithParam<Case> {};

TEST_P(Verdict, Holds) {
  Zip zip = legal_zip();
  GetParam().change(zip);
  const auto error = refusal_of(zip.bytes());
  if (GetParam().refusal == nullptr) {
    EXPECT_FALSE(error) << error->what();
    return;
  }
  ASSERT_TRUE(error) << "was accepted";
  EXPECT_NE(error->message().find(GetParam().refusal), std::string::npos) << error->what();
  EXPECT_EQ(error->code(), GetParam().code) << error->what();
  EXPECT_EQ(error->place().file, "x.whl");
}

const Case legal[] = {
    {"Deflate", [](Zip&) {}},
    {"Store", [](Zip& zip) { one(zip).deflate = false; }},
    {"EmptyFile", [](Zip& zip) { add_file(zip, "empty", ""); }},
    {"EmptyStoredFile",
     [](Zip& zip) {
       add_file(zip, "empty", "");
       zip.items[3].deflate = false;
     }},
    {"NoDirectoryEntries", [](Zip& zip) { zip.items.erase(zip.items.begin()); }},
    {"NoMembers", [](Zip& zip) { zip.items.clear(); }},
    {"DirectoryAfterItsFiles", [](Zip& zip) { std::swap(zip.items[0], zip.items[1]); }},
    {"DeflatedDirectory", [](Zip& zip) { zip.items[0].deflate = true; }},
    {"Utf8Name", [](Zip& zip) { set_name(two(zip), "d\xc3\xa9j\xc3\xa0.txt"); }},
    {"PlainComment", [](Zip& zip) { zip.comment = "built by hand\n"; }},
    {"Descriptor", [](Zip& zip) { make_descriptor(one(zip)); }},
    {"DescriptorBehindEvery",
     [](Zip& zip) {
       for (ZipItem& item : zip.items) make_descriptor(item);
     }},
    {"DescriptorAndKnownSizes",
     [](Zip& zip) {
       make_descriptor(one(zip));
       one(zip).local.crc32 = crc32_of(one(zip).data);
       one(zip).local.size = static_cast<std::uint32_t>(one(zip).data.size());
       one(zip).local.packed_size = static_cast<std::uint32_t>(deflated(one(zip).data).size());
     }},
    {"StoredWithDescriptor",
     [](Zip& zip) {
       make_descriptor(one(zip));
       one(zip).deflate = false;
     }},
    {"WideDescriptor", [](Zip& zip) { make_wide_descriptor(one(zip)); }},
    {"Zip64Sizes", [](Zip& zip) { make_zip64(one(zip)); }},
    {"Zip64SizesNextToPlainOnes", [](Zip& zip) { one(zip).local.extra = sizes64(one(zip)); }},
    {"Zip64Offset",
     [](Zip& zip) {
       zip.items[0].central.offset = 0xffffffff;
       zip.items[0].central.extra = extra_field(1, le64(0));
     }},
    {"Zip64End", [](Zip& zip) { zip.zip64.emplace(); }},
    {"Zip64EndRepeated", [](Zip& zip) { zip.zip64.emplace().saturate = false; }},
    {"ExtraFields",
     [](Zip& zip) {
       one(zip).local.extra = extra_field(0x5455, "\3abcdefgh") + extra_field(0x7875, "uid");
       one(zip).central.extra = extra_field(0x5455, "\3abcd");
     }},
    {"ThreeBytesOfPadding",
     [](Zip& zip) { one(zip).local.extra = one(zip).central.extra = std::string(3, '\0'); }},
    {"MadeOnWindows",
     [](Zip& zip) {
       one(zip).central.made_by = 20;
       one(zip).central.attributes = 0x20;
     }},
    {"CompressionLevelFlags", [](Zip& zip) { one(zip).flags = 2; }},
    {"StoredZipInside",
     [](Zip& zip) {
       add_file(zip, "inner.zip");
       zip.items[3].deflate = false;
       zip.items[3].data = legal_zip().bytes();
     }},
};
INSTANTIATE_TEST_SUITE_P(Legal, Verdict, testing::ValuesIn(legal), name_of);

const Case ends[] = {
    {"Prefix", [](Zip& zip) { zip.prefix = "#!/bin/sh\n"; }, "does not begin with its first member"},
    {"PrefixNotCounted",
     [](Zip& zip) {
       const Zip plain = zip;
       const std::string bytes = plain.bytes();
       zip = Zip{};
       zip.prefix = "MZ" + bytes.substr(0, bytes.size() - 22);
       zip.suffix.clear();
       zip.entries = zip.disk_entries = 3;
       const std::string end = bytes.substr(bytes.size() - 22);
       zip.directory_size = static_cast<unsigned char>(end[12]) | static_cast<unsigned char>(end[13]) << 8;
       zip.directory_offset = static_cast<unsigned char>(end[16]) | static_cast<unsigned char>(end[17]) << 8;
     },
     "too many before its end record"},
    {"Suffix", [](Zip& zip) { zip.suffix = "x"; }, "1 byte after its end record"},
    {"NulPadding", [](Zip& zip) { zip.suffix = std::string(512, '\0'); }, "512 bytes after its end record"},
    {"CommentCutOff", [](Zip& zip) { zip.comment_size = 9; }, "ends within its archive comment"},
    {"CommentNotText", [](Zip& zip) { zip.comment = "\xff\xfe"; }, "not plain text"},
    {"CommentWithEnd", [](Zip& zip) { zip.comment = Zip{}.bytes(); }, "end record"},
    {"CommentWithSignature", [](Zip& zip) { zip.comment = "see PK\5\6 here"; }, "end record"},
    {"LongComment", [](Zip& zip) { zip.comment = std::string(5000, 'c'); }, "archive comment of 5000 bytes"},
    {"TwoEnds", [](Zip& zip) { zip.suffix = Zip{}.bytes(); }, "too many before its end record"},
    {"TwoEndsOfWhichBothReachTheEnd",
     [](Zip& zip) {
       zip.comment_size = 22;
       zip.suffix = Zip{}.bytes();
     },
     "two end records"},
    {"TwoArchives", [](Zip& zip) { zip.suffix = legal_zip().bytes(); }, "too many before its end record"},
    {"TwoArchivesWithShiftedOffsets", [](Zip& zip) { zip.prefix = legal_zip().bytes(); },
     "does not begin with its first member"},
    {"EndInDirectory", [](Zip& zip) { two(zip).central.extra = extra_field(0x7777, Zip{}.bytes()); },
     "within its central directory"},
    {"BytesBeforeDirectory", [](Zip& zip) { zip.before_directory = "gap"; },
     "3 bytes that belong to no member"},
    {"BytesAfterDirectory", [](Zip& zip) { zip.after_directory = "gap"; }, "3 bytes too many before its end"},
    {"DigitalSignature",
     [](Zip& zip) {
       zip.after_directory = "PK\5\5" + le16(0);
       zip.directory_size = static_cast<std::uint32_t>(46 * 3 + 2 + 8 + 7 + 6);
     },
     "after the last of its"},
    {"OffsetTooLarge", [](Zip& zip) { zip.directory_offset = 0x7fffffff; }, "reaches past its end record"},
    {"OffsetTooSmall", [](Zip& zip) { zip.directory_offset = 1; }, "too many before its end record"},
    {"SizeTooSmall", [](Zip& zip) { zip.directory_size = 46; }, "too many before its end record"},
    {"CountTooLarge", [](Zip& zip) { zip.entries = zip.disk_entries = 4; }, "too small for its 4"},
    {"CountTooLargeForHeaders",
     [](Zip& zip) {
       zip.entries = zip.disk_entries = 4;
       two(zip).central.extra = extra_field(0x7777, std::string(60, 'x'));
     },
     "no central header"},
    {"CountFarTooLarge", [](Zip& zip) { zip.entries = zip.disk_entries = 60000; }, "too small for its 60000"},
    {"CountTooSmall", [](Zip& zip) { zip.entries = zip.disk_entries = 2; },
     "after the last of its 2 headers"},
    {"SeveralDisks", [](Zip& zip) { zip.disk = 1; }, "several disks"},
    {"OtherDisk", [](Zip& zip) { zip.disk_entries = 1; }, "several disks"},
    {"Zip64Disagrees",
     [](Zip& zip) {
       zip.zip64.emplace().saturate = false;
       zip.entries = 2;
     },
     "disagree"},
    {"Zip64OffsetDisagrees",
     [](Zip& zip) {
       zip.zip64.emplace();
       zip.directory_offset = 0;
     },
     "disagree about the directory's offset"},
    {"Zip64CountWrong", [](Zip& zip) { zip.zip64.emplace().entries = 2; }, "after the last of its 2"},
    {"Zip64CountHuge", [](Zip& zip) { zip.zip64.emplace().entries = ~std::uint64_t{0}; }, "at most 250000"},
    {"Zip64OffsetHuge", [](Zip& zip) { zip.zip64.emplace().offset = ~std::uint64_t{0} - 5; },
     "past its end record"},
    {"Zip64SizeHuge", [](Zip& zip) { zip.zip64.emplace().size = ~std::uint64_t{0} - 5; },
     "past its end record"},
    {"Zip64Extensible", [](Zip& zip) { zip.zip64.emplace().extensible = "more"; }, "ZIP64 end record"},
    {"Zip64RecordSize", [](Zip& zip) { zip.zip64.emplace().record_size = 45; }, "unknown length"},
    {"Zip64RecordElsewhere", [](Zip& zip) { zip.zip64.emplace().record_offset = 0; }, "not directly before"},
    {"Zip64LocatorAlone", [](Zip& zip) { zip.zip64.emplace().without_record = true; }, "not directly before"},
};
INSTANTIATE_TEST_SUITE_P(Ends, Verdict, testing::ValuesIn(ends), name_of);

const Case members[] = {
    {"NotInDirectory", [](Zip& zip) { one(zip).without_central = true; }, "belong to no member"},
    {"FirstNotInDirectory", [](Zip& zip) { zip.items[0].without_central = true; }, "does not begin with"},
    {"OnlyInDirectory", [](Zip& zip) { one(zip).without_local = true; }, "overlaps"},
    {"LastOnlyInDirectory", [](Zip& zip) { two(zip).without_local = true; }, "overlaps"},
    {"Gap", [](Zip& zip) { one(zip).gap = std::string(1, '\0'); }, "1 byte that belong to no member"},
    {"SharedData",  // the overlap bomb (CVE-2024-0450)
     [](Zip& zip) {
       add_file(zip, "three", two(zip).data.c_str());
       zip.items[3].shares_local_of = 2;
     },
     "overlaps"},
    {"LocalSignature", [](Zip& zip) { one(zip).local.signature = 0x04034b51; },
     "no local header at offset 32"},
    {"CentralSignature", [](Zip& zip) { one(zip).central.signature = 0x02014b51; }, "no central header"},
    {"Name", [](Zip& zip) { one(zip).local.name = "a/evil.py"; }, "another name"},
    {"NameOfSameSize", [](Zip& zip) { one(zip).local.name = "a/One.py"; }, "another name"},
    {"LocalNameSize", [](Zip& zip) { one(zip).local.name_size = 6; }, "another name"},
    {"CentralNameSize", [](Zip& zip) { two(zip).central.name_size = 5000; }, "past the directory's end"},
    {"Crc", [](Zip& zip) { one(zip).local.crc32 = 1; }, "disagree about its CRC"},
    {"Size", [](Zip& zip) { one(zip).local.size = 1; }, "disagree about its size"},
    {"SizeZero", [](Zip& zip) { one(zip).local.size = 0; }, "disagree about its size"},
    {"PackedSize", [](Zip& zip) { one(zip).local.packed_size = 1; }, "disagree about its packed size"},
    {"CentralPackedSizeLarger", [](Zip& zip) { one(zip).central.packed_size = 200; }, "overlaps"},
    {"CentralPackedSizeSmaller", [](Zip& zip) { one(zip).central.packed_size = 5; }, "disagree"},
    {"PackedSizePastTheEnd", [](Zip& zip) { one(zip).central.packed_size = 1U << 30; },
     "past the end of the archive"},
    {"StoredSizes",
     [](Zip& zip) {
       one(zip).deflate = false;
       one(zip).central.size = 1;
     },
     "its two sizes are"},
    {"Method", [](Zip& zip) { one(zip).local.method = 0; }, "disagree about its method"},
    {"Flags", [](Zip& zip) { one(zip).local.flags = 1U << 11; }, "disagree about its flags"},
    {"Version", [](Zip& zip) { one(zip).local.version = 10; }, "disagree about its version needed"},
    {"ReservedFlags", [](Zip& zip) { one(zip).flags = 1U << 7; }, "flags of no known meaning"},
    {"Patched", [](Zip& zip) { one(zip).flags = 1U << 5; }, "flags of no known meaning"},
    {"Comment", [](Zip& zip) { one(zip).central.comment = "c"; }, "comment of its own"},
    {"Disk", [](Zip& zip) { one(zip).central.disk = 1; }, "another disk"},
    {"Offset", [](Zip& zip) { one(zip).central.offset = 3; }, "overlaps"},
    {"OffsetPastTheEnd", [](Zip& zip) { one(zip).central.offset = 0x7fffffff; },
     "past the end of the archive"},
    {"Symlink", [](Zip& zip) { one(zip).central.attributes = 0120777U << 16; }, "symbolic link"},
    {"SymlinkFromWindows",
     [](Zip& zip) {
       one(zip).central.attributes = 0120777U << 16;
       one(zip).central.made_by = 20;
     },
     "symbolic link"},
    {"Device", [](Zip& zip) { one(zip).central.attributes = 0020666U << 16; },
     "neither a file nor a directory"},
    {"DirectoryNamedLikeFile", [](Zip& zip) { one(zip).central.attributes = 0040755U << 16; },
     "named like a file"},
    {"DosDirectory", [](Zip& zip) { one(zip).central.attributes = 0x10; }, "named like a file"},
    {"DirectoryWithContent", [](Zip& zip) { zip.items[0].data = "content"; }, "directory with content"},
    {"Encrypted", [](Zip& zip) { one(zip).flags = 1; }, "is encrypted", ErrorCode::unsupported},
    {"StronglyEncrypted", [](Zip& zip) { one(zip).flags = 0x41; }, "is encrypted", ErrorCode::unsupported},
    {"Aes",
     [](Zip& zip) {
       one(zip).local.method = one(zip).central.method = 99;
       one(zip).local.extra = one(zip).central.extra = extra_field(0x9901, "\1\0AE\3\10\0");
     },
     "is encrypted", ErrorCode::unsupported},
    {"Bzip2", [](Zip& zip) { one(zip).local.method = one(zip).central.method = 12; }, "(bzip2)",
     ErrorCode::unsupported},
    {"Lzma", [](Zip& zip) { one(zip).local.method = one(zip).central.method = 14; }, "(lzma)",
     ErrorCode::unsupported},
    {"Zstd", [](Zip& zip) { one(zip).local.method = one(zip).central.method = 93; }, "(zstd)",
     ErrorCode::unsupported},
    {"MethodNobodyKnows", [](Zip& zip) { one(zip).local.method = one(zip).central.method = 77; }, "method 77",
     ErrorCode::unsupported},
};
INSTANTIATE_TEST_SUITE_P(Members, Verdict, testing::ValuesIn(members), name_of);

const Case descriptors[] = {
    {"Absent", [](Zip& zip) { one(zip).flags = 8; }, "0 bytes where its data descriptor should be"},
    {"Unannounced", [](Zip& zip) { two(zip).gap = "PK\7\10" + std::string(12, '\0'); },
     "16 bytes that belong"},
    {"WithoutSignature", [](Zip& zip) { make_descriptor(one(zip), {.signature = false}); }, "12 bytes where"},
    {"WrongSignature",
     [](Zip& zip) {
       make_descriptor(one(zip), {.signature = false});
       two(zip).gap = "tail";
     },
     "without signature"},
    {"Crc", [](Zip& zip) { make_descriptor(one(zip), {.crc32 = 7}); }, "data descriptor disagrees"},
    {"CrcZero", [](Zip& zip) { make_descriptor(one(zip), {.crc32 = 0}); }, "data descriptor disagrees"},
    {"Size", [](Zip& zip) { make_descriptor(one(zip), {.size = 1}); }, "data descriptor disagrees"},
    {"PackedSize", [](Zip& zip) { make_descriptor(one(zip), {.packed_size = 1}); },
     "data descriptor disagrees"},
    {"WideWithoutZip64", [](Zip& zip) { make_descriptor(one(zip), {.wide = true}); }, "24 bytes where"},
    {"NarrowWithZip64",
     [](Zip& zip) {
       make_wide_descriptor(one(zip));
       one(zip).descriptor->wide = false;
     },
     "16 bytes where"},
    {"LocalCrcWrong",
     [](Zip& zip) {
       make_descriptor(one(zip));
       one(zip).local.crc32 = 5;
     },
     "disagree about its CRC"},
    {"LocalSizeWrong",
     [](Zip& zip) {
       make_descriptor(one(zip));
       one(zip).local.size = 5;
     },
     "disagree about its size"},
    {"StoredDataWithDescriptor",
     [](Zip& zip) {
       make_descriptor(one(zip));
       one(zip).deflate = false;
       one(zip).data = "PK\7\10" + le32(0) + le32(0) + le32(0) + "PK\3\4";
     },
     "holds the signature of a data descriptor"},
};
INSTANTIATE_TEST_SUITE_P(Descriptors, Verdict, testing::ValuesIn(descriptors), name_of);

const Case extras[] = {
    {"LocalPastTheEnd",
     [](Zip& zip) {
       one(zip).local.extra = "\1\2\xff\0";
       one(zip).local.extra += "x";
     },
     "extra"},
    {"CentralPastTheEnd", [](Zip& zip) { one(zip).central.extra = le16(0x7777) + le16(9) + "x"; },
     "reaches past its end"},
    {"Twice", [](Zip& zip) { one(zip).central.extra = extra_field(0x5455, "a") + extra_field(0x5455, "a"); },
     "21589 twice"},
    {"TwiceInLocalHeader",
     [](Zip& zip) {
       one(zip).local.extra = extra_field(1000, "") + extra_field(7, "") + extra_field(1000, "");
     },
     "1000 twice"},
    {"TooMany",
     [](Zip& zip) {
       for (std::uint16_t id = 0x100; id < 0x111; ++id) one(zip).local.extra += extra_field(id, "");
     },
     "more than 16 extra fields"},
    {"UnicodePath",
     [](Zip& zip) {
       one(zip).central.extra = extra_field(0x7075, "\1" + le32(crc32_of("a/one.py")) + "evil");
     },
     "second name"},
    {"UnicodePathLocal", [](Zip& zip) { one(zip).local.extra = extra_field(0x7075, "\1aaaaevil"); },
     "second name"},
    {"Zip64TooShort",
     [](Zip& zip) {
       make_zip64(one(zip));
       one(zip).central.extra = extra_field(1, le64(27));
     },
     "wrong length"},
    {"Zip64TooLong",
     [](Zip& zip) {
       make_zip64(one(zip));
       one(zip).central.extra = extra_field(1, sizes64(one(zip)).substr(4) + le64(0));
     },
     "wrong length"},
    {"Zip64LocalTooShort",
     [](Zip& zip) {
       make_zip64(one(zip));
       one(zip).local.extra = extra_field(1, le64(27));
     },
     "wrong length"},
    {"Zip64NotNeeded", [](Zip& zip) { one(zip).central.extra = sizes64(one(zip)); }, "wrong length"},
    {"Zip64Missing", [](Zip& zip) { one(zip).central.size = 0xffffffff; }, "missing or of the wrong length"},
    {"Zip64LocalSize",
     [](Zip& zip) {
       make_zip64(one(zip));
       one(zip).local.extra = extra_field(1, le64(1) + le64(deflated(one(zip).data).size()));
     },
     "disagree about its size"},
    {"Zip64LocalPackedSize",
     [](Zip& zip) {
       make_zip64(one(zip));
       one(zip).local.extra = extra_field(1, le64(one(zip).data.size()) + le64(2));
     },
     "disagree about its packed size"},
    {"Zip64PackedSizeHuge",
     [](Zip& zip) {
       make_zip64(one(zip));
       one(zip).central.extra = extra_field(1, le64(27) + le64(~std::uint64_t{0} - 40));
     },
     "past the end of the archive"},
};
INSTANTIATE_TEST_SUITE_P(Extras, Verdict, testing::ValuesIn(extras), name_of);

const Case names[] = {
    {"Twice", [](Zip& zip) { add_file(zip, "two.txt", "other"); }, "is there twice"},
    {"TwiceTheSame", [](Zip& zip) { zip.items.push_back(two(zip)); }, "is there twice"},
    {"DirectoryTwice", [](Zip& zip) { zip.items.push_back(zip.items[0]); }, "is there twice"},
    {"FileAndDirectory",
     [](Zip& zip) {
       zip.items.push_back(zip_of({{"two.txt/", ""}}).items[0]);
     },
     "file and a directory"},
    {"FileAbove", [](Zip& zip) { add_file(zip, "two.txt/below"); }, "is a file, and"},
    {"FileFarAbove",
     [](Zip& zip) {
       add_file(zip, "two.txt-x");
       add_file(zip, "two.txt/b/c/d");
     },
     "is a file, and"},
    {"Parent", [](Zip& zip) { set_name(two(zip), "../evil"); }, "contains '..'"},
    {"ParentWithin", [](Zip& zip) { set_name(two(zip), "a/../../evil"); }, "contains '..'"},
    {"Absolute", [](Zip& zip) { set_name(two(zip), "/etc/evil"); }, "is absolute"},
    {"Root", [](Zip& zip) { set_name(zip.items[0], "/"); }, "is empty"},
    {"Dot", [](Zip& zip) { set_name(two(zip), "./two"); }, "'.' as a component"},
    {"TwoSlashes", [](Zip& zip) { set_name(two(zip), "a//two"); }, "empty component"},
    {"DirectoryWithTwoSlashes", [](Zip& zip) { set_name(zip.items[0], "a//"); }, "empty component"},
    {"Backslash", [](Zip& zip) { set_name(two(zip), "a\\two"); }, "backslash"},
    {"Drive", [](Zip& zip) { set_name(two(zip), "C:evil"); }, "colon"},
    {"Nul", [](Zip& zip) { set_name(two(zip), std::string("two\0.txt", 8)); }, "contains NUL"},
    {"Control", [](Zip& zip) { set_name(two(zip), "two\n"); }, "control character"},
    {"Empty", [](Zip& zip) { set_name(two(zip), ""); }, "is empty"},
    {"Device", [](Zip& zip) { set_name(two(zip), "aux.py"); }, "Windows device"},
    {"TrailingDot", [](Zip& zip) { set_name(two(zip), "two."); }, "ends in a dot"},
    {"NotUtf8", [](Zip& zip) { set_name(two(zip), "caf\xe9"); }, "not valid UTF-8"},
    {"OverlongUtf8", [](Zip& zip) { set_name(two(zip), "a\xc0\xaf"); }, "not valid UTF-8"},
    {"Utf8Undeclared",
     [](Zip& zip) {
       set_name(two(zip), "caf\xc3\xa9");
       two(zip).local.flags = two(zip).central.flags = 0;
     },
     "does not say that it is UTF-8"},
    {"ZeroWidth", [](Zip& zip) { set_name(two(zip), "two\xe2\x80\x8b.txt"); }, "invisible character"},
    {"TextDirection", [](Zip& zip) { set_name(two(zip), "two\xe2\x80\xae.txt"); }, "invisible character"},
    {"HighControl", [](Zip& zip) { set_name(two(zip), "two\xc2\x85.txt"); }, "invisible character"},
};
INSTANTIATE_TEST_SUITE_P(Names, Verdict, testing::ValuesIn(names), name_of);

const Case contents[] = {
    {"Crc", [](Zip& zip) { one(zip).local.crc32 = one(zip).central.crc32 = 1; }, "declared CRC"},
    {"StoredCrc",
     [](Zip& zip) {
       one(zip).deflate = false;
       one(zip).local.crc32 = one(zip).central.crc32 = 1;
     },
     "declared CRC"},
    {"DeclaredTooSmall", [](Zip& zip) { one(zip).local.size = one(zip).central.size = 5; },
     "more than its declared 5"},
    {"DeclaredZero", [](Zip& zip) { one(zip).local.size = one(zip).central.size = 0; },
     "more than its declared 0"},
    {"DeclaredTooLarge", [](Zip& zip) { one(zip).local.size = one(zip).central.size = 99; },
     "where 99 are declared"},
    {"DeclaredBeyondDeflate", [](Zip& zip) { one(zip).local.size = one(zip).central.size = 1U << 30; },
     "of deflate can hold"},
    {"NotDeflate", [](Zip& zip) { one(zip).packed = "\xff\xff\xff\xff"; }, "deflate stream is damaged"},
    {"NoPackedBytes",
     [](Zip& zip) {
       one(zip).packed = "";
       one(zip).local.size = one(zip).central.size = 0;
     },
     "deflate stream"},
    {"CutOff", [](Zip& zip) { one(zip).packed = deflated(one(zip).data).substr(0, 6); }, "deflate stream"},
    {"BytesAfterStream", [](Zip& zip) { one(zip).packed = deflated(one(zip).data) + "x"; },
     "1 byte after the end of its"},
    {"ManyBytesAfterStream",
     [](Zip& zip) { one(zip).packed = deflated(one(zip).data) + std::string(1U << 20, 'x'); },
     "1048576 bytes after"},
};
INSTANTIATE_TEST_SUITE_P(Contents, Verdict, testing::ValuesIn(contents), name_of);

}  // namespace
}  // namespace axle::test
