#include "exec/transaction.h"

#include <fcntl.h>

#include <fstream>

#include "axle/base/error.h"
#include "base/file.h"
#include "exec/environment_fixture.h"
#include "exec/own_files.h"

namespace axle::test {
namespace {

class TransactionTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    std::filesystem::create_directories(root() + "/.axle");
    write("old/file", "old");
    write("replaced", "old");
    write("kept", "kept");
    before_ = tree();
  }

  Fd open_root() const { return open_dir(AT_FDCWD, root()); }
  static TransactionPaths paths() { return {{"new", "replaced"}, {"old", "replaced"}, {"old"}}; }
  void lay() const {
    write("new/deep/file", "new");
    write("replaced", "new");
  }
  // As of a process that is gone: its destructor never runs. Reachable, so that it is no leak.
  static Transaction& killed(const Fd& fd) {
    static auto& graveyard = *new std::vector<Transaction*>;
    graveyard.push_back(new Transaction(fd, paths(), {}));
    return *graveyard.back();
  }
  bool is_clean() const { return std::filesystem::is_empty(root() + "/.axle"); }

  std::map<std::string, std::string> before_;
};

TEST_F(TransactionTest, UndoesWhatWasNotCommitted) {
  const Fd fd = open_root();
  {
    Transaction transaction(fd, paths(), {});
    lay();
  }
  EXPECT_EQ(tree(), before_);
  EXPECT_TRUE(is_clean());
}

TEST_F(TransactionTest, KeepsWhatWasCommitted) {
  const Fd fd = open_root();
  {
    Transaction transaction(fd, paths(), {});
    lay();
    transaction.commit("receipt");
    transaction.clean_up();
  }
  EXPECT_FALSE(tree().contains("old"));
  EXPECT_EQ(read("replaced"), "new");
  EXPECT_EQ(read("new/deep/file"), "new");
  EXPECT_EQ(read(own::receipt), "receipt");
  EXPECT_FALSE(needs_recovery(fd));
}

// A kill leaves what these states have on disk; recovery must end in old or new, also when it is itself
// repeated.
TEST_F(TransactionTest, RecoversAKillBeforeTheCommit) {
  const Fd fd = open_root();
  killed(fd);
  lay();
  EXPECT_TRUE(needs_recovery(fd));
  recover_transaction(fd, {});
  EXPECT_EQ(tree(), before_);
  EXPECT_TRUE(is_clean());
  recover_transaction(fd, {});
  EXPECT_EQ(tree(), before_);
}

TEST_F(TransactionTest, RecoversAKillAfterTheCommit) {
  const Fd fd = open_root();
  Transaction& transaction = killed(fd);
  lay();
  transaction.commit("receipt");
  recover_transaction(fd, {});
  EXPECT_EQ(read("replaced"), "new");
  EXPECT_FALSE(tree().contains("old"));
  EXPECT_EQ(read(own::receipt), "receipt");
  EXPECT_FALSE(needs_recovery(fd));
}

TEST_F(TransactionTest, RefusesAJournalThatIsNone) {
  const Fd fd = open_root();
  write(".axle/journal", "garbage");
  EXPECT_THROW(recover_transaction(fd, {}), Error);
  EXPECT_EQ(tree(), before_);
}

TEST_F(TransactionTest, PutsTheOldBackWhenItCannotBeMovedAside) {
  const Fd fd = open_root();
  TransactionPaths broken = paths();
  broken.move_aside = {"old", "replaced", "there/is/nothing"};
  EXPECT_THROW(Transaction(fd, broken, {}), Error);
  EXPECT_EQ(tree(), before_);
}

}  // namespace
}  // namespace axle::test
