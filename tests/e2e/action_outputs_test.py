"""What an action reads and writes: nothing but what it was told, all of it or nothing, and undisturbed by others.

usage: action_outputs_test.py AXLE

Where strace is, every file that an action opens must be one that it was told of.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import unittest

from action_room import AXLE, FOR, SITE, ActionRoom
from tree import record_faults, snapshot
from wheel_text import Wheel


class ActionOutputsTest(ActionRoom):
    def test_one_output_belongs_to_one_action_at_a_time(self):
        command = [AXLE, "action", "unpack", "--wheel", "demo-1.0-py3-none-any.whl", "--into", "same", *FOR]
        for _ in range(5):
            running = [subprocess.Popen(command, cwd=self.work, env={}, stderr=subprocess.PIPE, text=True) for _ in range(8)]
            for process in running:
                said = process.communicate()[1]
                self.assertIn(process.returncode, (0, 7), said)
                self.assertEqual("is being made by another action" in said, process.returncode == 7, said)
            self.assertIn(0, [process.returncode for process in running])
            self.assertEqual(record_faults(str(self.work / "same")), [])
            self.assertNotIn(".same.axle-new", self.names())

    def test_files_made_by_several_actions_are_whole(self):
        """The last one stays: nobody's half, nobody's failure, and no names of them in the end."""
        kinds = {"inspect": [["inspect", "--wheel", wheel, "-o", "same"] for wheel in ("demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl")],
                 "layer": [["layer", "--wheel", wheel, "-o", "same.tar", *FOR] for wheel in ("demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl")]}
        before = self.names()
        for kind, commands in kinds.items():
            output = self.work / commands[0][-1 if kind == "inspect" else 4]
            whole = []
            for words in commands:
                self.axle(*words)
                whole.append(output.read_bytes())
            for _ in range(5):
                running = [subprocess.Popen([AXLE, "action", *words], cwd=self.work, env={}, stderr=subprocess.PIPE, text=True)
                           for words in commands * 4]
                for process in running:
                    said = process.communicate()[1]
                    self.assertEqual(process.returncode, 0, said)
                self.assertIn(output.read_bytes(), whole)
            output.unlink()
        self.assertEqual(self.names(), before)

    def test_read_only_outputs_are_replaced(self):
        """As Bazel makes its outputs; root may do everything, so that somebody else tries it."""
        self.unpack("demo-1.0-py3-none-any.whl", "tree")
        for folder, _, files in os.walk(self.work / "tree"):
            for name in files:
                os.chmod(os.path.join(folder, name), 0o444)
            os.chmod(folder, 0o555)
        words = {}
        if os.geteuid() == 0:
            os.chmod(self.work, 0o755)
            for path in [self.work, *self.work.rglob("*")]:
                os.lchown(path, 65534, 65534)
            words = {"user": 65534, "group": 65534, "extra_groups": []}
            try:
                subprocess.run([AXLE, "--version"], cwd=self.work, check=True, capture_output=True, **words)
            except (OSError, subprocess.CalledProcessError):
                self.skipTest("nobody cannot start axle where it lies")
        for wheel in ("demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"):
            subprocess.run([AXLE, "action", "unpack", "--wheel", wheel, "--into", "tree", *FOR], cwd=self.work, env={}, check=True, **words)
        self.assertEqual(record_faults(str(self.work / "tree")), [])
        self.assertTrue((self.work / "tree" / SITE / "other.py").exists())
        self.assertNotIn(".tree.axle-new", self.names())

    def test_only_files_are_replaced(self):
        os.mkfifo(self.work / "pipe")
        (self.work / "dir").mkdir()
        wheel = "demo-1.0-py3-none-any.whl"
        for there in ("pipe", "dir", "/dev/null"):
            for words in (["inspect", wheel, "--output", there], ["unpack", wheel, "--into", "t", *FOR, "--depfile", there],
                          ["unpack", wheel, "--into", "t", *FOR, "--stamp", there], ["layer", wheel, "-o", there, *FOR],
                          ["launcher", "--entry", "a:b", "-o", there]):
                if there == "/dev/null" and os.geteuid() == 0:
                    continue  # what would be lost is the machine's
                with self.subTest(words=words):
                    self.axle(*words, status=7 if words[0] != "layer" else 2)
        self.assertEqual(self.names() & {"t", ".t.axle-new"}, set())
        self.assertTrue((self.work / "pipe").is_fifo())

    def test_unchanged_outputs_stay_as_they_are(self):
        options = ("--stamp", "s", "--depfile", "d", "--facts-out", "f", "--times", "now")
        self.unpack("demo-1.0-py3-none-any.whl", "t1", *options)

        def look():
            return {str(p): (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in [*self.work.rglob("*")] if "whl" not in p.name}

        before = look()
        self.unpack("demo-1.0-py3-none-any.whl", "t1", *options)
        self.assertEqual(look(), before)
        changed = Wheel("demo-1.0-py3-none-any.whl").file("demo/__init__.py", "VALUE = 7\n").file("demo/cli.py", "def main():\n    print('hello')\n")
        (self.work / changed.file_name).write_bytes(changed.build())
        self.unpack("demo-1.0-py3-none-any.whl", "t1", *options)
        after = look()
        site = str(self.work / "t1" / SITE)
        self.assertEqual(after[f"{site}/demo/cli.py"], before[f"{site}/demo/cli.py"])
        self.assertNotEqual(after[f"{site}/demo/__init__.py"], before[f"{site}/demo/__init__.py"])
        self.assertNotEqual(after[str(self.work / "s")], before[str(self.work / "s")])
        self.assertNotIn(f"{site}/ns", after)
        self.assertEqual(record_faults(str(self.work / "t1")), [])

    def test_failures_leave_nothing(self):
        (self.work / "cut-1.0-py3-none-any.whl").write_bytes((self.work / "demo-1.0-py3-none-any.whl").read_bytes()[:-30])
        bad = Wheel("bad-1.0-py3-none-any.whl").file("bad.py", "x", wrong_digest=True)
        (self.work / bad.file_name).write_bytes(bad.build())
        evil = Wheel("evil-1.0-py3-none-any.whl").file("../evil.py", "x")
        (self.work / evil.file_name).write_bytes(evil.build())
        (self.work / "file").write_text("x")
        self.unpack(into="old")
        old = snapshot(str(self.work / "old"))
        names = self.names()
        cases = [(3, "cut-1.0-py3-none-any.whl", "new", ()), (4, "bad-1.0-py3-none-any.whl", "new", ()),
                 (3, "evil-1.0-py3-none-any.whl", "new", ()), (7, "none-1.0-py3-none-any.whl", "new", ()),
                 (7, "demo-1.0-py3-none-any.whl", "file", ()), (7, "demo-1.0-py3-none-any.whl", "file/below", ()),
                 (4, "demo-1.0-py3-none-any.whl", "new", ("--sha256", "0" * 64)),
                 (6, "demo-1.0-py3-none-any.whl", "new", ("--platform", "win_amd64", "--python-version", "2.7")),
                 (3, "demo-1.0.zip", "new", ()), (7, "demo-1.0-py3-none-any.whl", "new", ("--stamp", "file/s")),
                 (8, "demo-1.0-py3-none-any.whl", "new", ("--compile",)),
                 (7, "demo-1.0-py3-none-any.whl", "new", ("--compile-pyc", "no-python")),
                 (7, "demo-1.0-py3-none-any.whl", "new", ("--patch", "no-patch")),
                 (2, "demo-1.0-py3-none-any.whl", "new", ("--unknown",)),
                 (4, "bad-1.0-py3-none-any.whl", "old", ()), (7, "demo-1.0-py3-none-any.whl", "old", ("--depfile", "file/d"))]
        for status, wheel, into, more in cases:
            with self.subTest(wheel=wheel, into=into, more=more):
                if wheel == "demo-1.0.zip":
                    shutil.copy(self.work / "demo-1.0-py3-none-any.whl", self.work / wheel)
                    names.add(wheel)
                if more[:1] == ("--platform",) and status == 6:
                    status = 6
                    wheel = "win-1.0-cp39-cp39-macosx_10_9_x86_64.whl"
                    (self.work / wheel).write_bytes(Wheel(wheel).file("w.py", "").build())
                    names.add(wheel)
                    more = ("--platform", "win_amd64")
                done = self.unpack(wheel, into, *more, status=status)
                self.assertTrue(done.stderr.startswith("error: "), done.stderr)
                self.assertEqual(self.names(), names)
                self.assertEqual(snapshot(str(self.work / "old")), old)
        self.axle("unpack", "--wheel", "demo-1.0-py3-none-any.whl", "--into", "new", status=2)
        self.axle("merge", "--tree", "missing", "--into", "new", *FOR, status=7)
        os.mkdir(self.work / "empty")
        self.axle("merge", "--tree", "empty", "--into", "new", *FOR, status=3)
        (self.work / "old" / SITE / "demo/cli.py").write_text("changed")
        self.axle("merge", "--tree", "old", "--into", "new", *FOR, status=4)
        self.assertEqual(self.names(), names | {"empty"})

    def test_a_killed_action_is_cleaned_up_by_the_next(self):
        os.makedirs(self.work / ".t1.axle-new/tree/half")
        os.chmod(self.work / ".t1.axle-new/tree/half", 0o500)
        self.unpack()
        self.assertNotIn(".t1.axle-new", self.names())

        # Files, and the room of a layer; what another action holds at that moment stays.
        (self.work / ".facts.axle-new").write_text("half")
        self.axle("inspect", "--wheel", "demo-1.0-py3-none-any.whl", "--output", "facts")
        (self.work / ".l.tar.axle-new").mkdir()
        (self.work / ".l.tar.axle-new/.axle-new-1-1").write_text("half")
        self.axle("layer", "--wheel", "demo-1.0-py3-none-any.whl", "--output", "l.tar", *FOR)
        self.assertEqual([name for name in self.names() if "axle-new" in name], [])
        (self.work / "facts").unlink()
        with open(self.work / ".facts.axle-new", "w", encoding="utf-8") as held:
            held.write("being made")
            fcntl.flock(held, fcntl.LOCK_EX)
            self.axle("inspect", "--wheel", "demo-1.0-py3-none-any.whl", "--output", "facts")
        self.assertTrue((self.work / "facts").is_file())
        self.assertEqual([name for name in self.names() if "axle-new" in name], [".facts.axle-new"])

    def test_links_bring_no_output_into_an_input(self):
        """Paths are compared as written, and by where their directories are."""
        wheel = "demo-1.0-py3-none-any.whl"
        self.unpack(wheel, "t1")
        (self.work / "apart").mkdir()
        shutil.copy(self.work / wheel, self.work / "apart" / wheel)
        (self.work / "here").symlink_to(".")
        (self.work / "link").symlink_to("apart")
        (self.work / "into").symlink_to("t1")
        (self.work / "wheel.whl").symlink_to("apart/" + wheel)
        before = snapshot(str(self.work))
        for words in (["merge", "--tree", "t1", "--into", "new", *FOR, "--stamp", "into/stamp"],
                      ["merge", "--tree", "t1", "--into", f"into/{SITE}/new", *FOR],
                      ["merge", "--tree", "into", "--into", "here/t1", *FOR],
                      ["unpack", "--wheel", f"link/{wheel}", "--into", "apart", *FOR],
                      ["unpack", "--wheel", f"apart/{wheel}", "--into", "link/", *FOR],
                      ["unpack", "--wheel", "wheel.whl", "--into", "apart", *FOR],
                      ["unpack", "--wheel", wheel, "--into", "apart", "--facts-out", "link/more/facts", *FOR],
                      ["inspect", "--wheel", f"apart/{wheel}", "-o", f"link/{wheel}"],
                      ["layer", "--wheel", f"link/{wheel}", "--oci", "here/apart", *FOR]):
            with self.subTest(words=words):
                said = self.axle(*words, status=2).stderr
                self.assertIn(", through a link\n", said)
                self.assertEqual(snapshot(str(self.work)), before)
        # Hard links are files of their own, and a linked directory beside is as good as any.
        os.link(self.work / wheel, self.work / "hard.json")
        self.axle("inspect", "--wheel", wheel, "-o", "hard.json")
        self.axle("unpack", "--wheel", f"link/{wheel}", "--into", "here/t2", "--stamp", "link/stamp", *FOR)
        self.assertEqual(record_faults(str(self.work / "t2")), [])

    def test_sandbox_of_links(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1")
        self.unpack("other-2.0-py3-none-any.whl", "t2")
        self.axle("merge", "t1", "t2", "--into", "expected", *FOR)
        sandbox = self.work / "sandbox"
        for path in [*self.work.glob("*.whl"), *(self.work / "t1").rglob("*"), *(self.work / "t2").rglob("*")]:
            if path.is_file():
                there = sandbox / path.relative_to(self.work)
                there.parent.mkdir(parents=True, exist_ok=True)
                there.symlink_to(path)
        for mode in ("copy", "hardlink", "symlink"):
            self.axle("merge", "t1", "t2", "--into", f"out-{mode}", "--link-mode", mode, *FOR, cwd="sandbox")
        for mode in ("copy", "hardlink"):
            self.assertEqual(snapshot(str(sandbox / f"out-{mode}")), snapshot(str(self.work / "expected")))
        # Links say what the paths say, not where the sandbox's links lead.
        link = sandbox / "out-symlink" / SITE / "other.py"
        self.assertEqual(os.readlink(link), f"../../../../t2/{SITE}/other.py")
        self.unpack("demo-1.0-py3-none-any.whl", "t3", cwd="sandbox")
        self.assertEqual(snapshot(str(sandbox / "t3")), snapshot(str(self.work / "t1")))

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_reads_only_what_it_was_told(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--facts-out", "t1.facts")
        self.unpack("other-2.0-py3-none-any.whl", "t2")
        (self.work / "args").write_text("merge\n--tree\nt1\n--facts\nt1.facts\n--tree\nt2\ndemo-1.0-py3-none-any.whl\n--into\nout\n"
                                        "--python-version\n3.11\n--depfile\nout.d\n--stamp\nout.stamp\n")
        before = self.names()
        traced = subprocess.run(["strace", "-f", "-e", "trace=file,desc,network", "-o", self.work / "trace", AXLE, "action", "@args"], cwd=self.work,
                                env={"HOME": "/nonexistent-home", "AXLE_STORE": "/nonexistent-store"}, check=False)
        if traced.returncode != 0:
            self.skipTest("strace does not run here")
        log = (self.work / "trace").read_text()
        self.assertNotIn("nonexistent", log.split("\n", 1)[1])
        self.assertNotRegex(log, r"\b(socket|connect)\(")
        inputs = {"args", *re.findall(r"^ (\S+?)(?: \\)?$", (self.work / "out.d").read_text(), re.M)}
        system = re.compile(r"/(etc/ld|lib|usr/lib|proc|sys|dev|etc/localtime|usr/share/zoneinfo)|.*\.so")
        opened = set()
        for name, flags in re.findall(r'openat?\((?:\S+, )?"([^"]+)", (\S+?)(?:, \d+)?\) = \d', log):
            if "O_DIRECTORY" in flags or "O_CREAT" in flags or name.startswith("/") and system.match(name):
                continue
            opened.add(name)
        # Files of trees are opened by paths below the tree's descriptor.
        relative = inputs | {path.split("/", 1)[1] for path in inputs if "/" in path}
        last = {path.rsplit("/", 1)[-1] for path in inputs}
        own = re.compile(r"(out|\.out)\b|\.\w+\.axle-new|openssl|/usr/lib/ssl")
        self.assertEqual({name for name in opened if name not in relative and name not in last and not own.search(name)}, set())
        self.assertEqual(self.names(), before | {"out", "out.d", "out.stamp", "trace"})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
