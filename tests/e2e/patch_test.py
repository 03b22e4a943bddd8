"""`axle action unpack --patch` beside Debian's patch, and --compile-pyc.

usage: patch_test.py AXLE [--all]

Random files and changes of them become unified diffs by diff, with other context, other line numbers and other files below
them; what axle makes of a wheel must be what `patch --fuzz=0` makes of the same tree, and what one refuses the other refuses.
"""

import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from tree import record_faults, snapshot
from wheel_text import Wheel

AXLE = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "axle"
ROUNDS = 2000 if "--all" in sys.argv or os.environ.get("AXLE_TEST_FULL") else 100
VERSION = "%d.%d" % sys.version_info[:2]
SITE = f"lib/python{VERSION}/site-packages"


class PatchTest(unittest.TestCase):
    def setUp(self):
        self.work = Path(tempfile.mkdtemp(prefix="axle-patch-")).resolve()
        self.addCleanup(shutil.rmtree, self.work, True)

    def unpack(self, *more: str, status: int = 0, into: str = "tree", wheel: str = "demo-1.0-py3-none-any.whl"):
        done = subprocess.run([AXLE, "action", "unpack", "--wheel", wheel, "--into", into, "--python-version", VERSION, *more],
                              cwd=self.work, text=True, capture_output=True, env={}, check=False)
        self.assertEqual(done.returncode, status, f"{more}\n{done.stdout}{done.stderr}")
        return done

    def command(self, *words: str, status: int = 0):
        done = subprocess.run([AXLE, *words], cwd=self.work, text=True, capture_output=True, env={}, check=False)
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}{done.stderr}")

    def write(self, name: str, text: str | bytes) -> str:
        (self.work / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def demo(self) -> None:
        wheel = Wheel("demo-1.0-py3-none-any.whl", metadata="Requires-Dist: other<2\n")
        wheel.file("demo/__init__.py", "VALUE = 1\n").file("demo/cli.py", "def main():\n    print('hello')\n    return 0\n")
        wheel.file("demo/__pycache__/cli.cpython-399.pyc", b"old").file("demo/data.txt", "a\r\nb\r\n").file("demo/sub/only.txt", "x\n")
        wheel.file("demo/native.so", "no library\n").file("ns/part/mod.py", "a = 1\n").file("demo/tool", "#!/bin/sh\nexit 1\n", mode=0o755)
        wheel.file("@data/scripts/run", "#!python\nprint('run')\n").file("@data/data/share/x.txt", "x\n")
        wheel.file("@info/entry_points.txt", "[console_scripts]\ndemo = demo.cli:main\n")
        (self.work / wheel.file_name).write_bytes(wheel.build())

    def patch(self, path: str, hunks: str, name: str = "p.patch") -> str:
        return self.write(name, f"--- a/{path}\n+++ b/{path}\n{hunks}")

    # Against the oracle.

    def test_as_patch_does(self):
        """Whatever diff writes, at other lines, with the trees of both compared."""
        random_ = random.Random(ROUNDS)
        refused = applied = 0
        for number in range(ROUNDS):
            with self.subTest(number=number):
                outcome = self.one_round(random_)
                applied += outcome
                refused += not outcome
        self.assertGreater(applied, ROUNDS // 4)
        self.assertGreater(refused, ROUNDS // 50)

    def one_round(self, random_: random.Random) -> bool:
        place = self.work / "round"
        shutil.rmtree(place, ignore_errors=True)
        files = {f"demo/f{i}.txt": self.lines(random_) for i in range(random_.randrange(1, 4))}
        after = dict(files)
        for name in list(after):
            after[name] = self.changed(random_, after[name])
        if random_.random() < 0.2:
            after["demo/new one.txt"] = self.lines(random_) or ["x\n"]
        if random_.random() < 0.2:
            del after[random_.choice(list(files))]
        for side, content in (("a", files), ("b", after)):
            for name, lines in content.items():
                path = place / side / SITE / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(lines), newline="")
            (place / side / SITE / "demo").mkdir(parents=True, exist_ok=True)
        context = random_.choice(["-U0", "-U1", "-u", "-U5"])
        git = shutil.which("git") and random_.random() < 0.4
        words = ["git", "-c", "core.quotepath=true", "diff", "--no-index", "--no-prefix", context] if git else ["diff", "-rN", context]
        text = subprocess.run([*words, "a", "b"], cwd=place, capture_output=True, check=False).stdout
        if not text:
            return True
        # What the wheel holds is not always what the patch was made for.
        for name, lines in files.items():
            if random_.random() < 0.3:
                at = random_.randrange(len(lines) + 1)
                lines[at:at] = random_.choice([["x\n"], ["a\n", "b\n"], ["a\n"] * 4])
            if lines and random_.random() < 0.1:
                del lines[random_.randrange(len(lines))]
        wheel = Wheel("demo-1.0-py3-none-any.whl").file("demo/__init__.py")
        for name, lines in files.items():
            wheel.file(name, "".join(lines))
        (self.work / wheel.file_name).write_bytes(wheel.build())
        self.write("r.patch", text)
        shutil.rmtree(self.work / "plain", ignore_errors=True)
        shutil.rmtree(self.work / "tree", ignore_errors=True)
        self.unpack(into="plain")
        with open(self.work / "r.patch", "rb") as patch:
            oracle = subprocess.run(["patch", "-s", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-f", "-d", "plain"], cwd=self.work,
                                    stdin=patch, capture_output=True, check=False)
        done = subprocess.run([AXLE, "action", "unpack", "--wheel", wheel.file_name, "--into", "tree", "--python-version", VERSION,
                               "--patch", "r.patch", "--patch-strip", "1"], cwd=self.work, capture_output=True, text=True, check=False)
        said = f"{text.decode()}\n{files}\n{oracle.stdout.decode()}\n{done.stderr}"
        if "puts a line behind one that has no end" in done.stderr:
            self.assertEqual(done.returncode, 5)  # patch adds the newline, against what the diff says
            return False
        self.assertEqual(oracle.returncode == 0, done.returncode == 0, said)
        if oracle.returncode != 0:
            self.assertEqual(done.returncode, 5, said)
            self.assertFalse((self.work / "tree").exists())
            return False
        self.assertEqual(self.contents("plain"), self.contents("tree"), said)
        self.assertEqual(record_faults(str(self.work / "tree")), [])
        return True

    @staticmethod
    def lines(random_: random.Random) -> list[str]:
        end = random_.choice(["\n", "\n", "\n", "\r\n"])
        lines = [random_.choice("aabbcdefgh") + end for _ in range(random_.randrange(0, 30))]
        if lines and random_.random() < 0.2:
            lines[-1] = lines[-1].rstrip("\r\n")
        return lines

    @staticmethod
    def changed(random_: random.Random, lines: list[str]) -> list[str]:
        lines = list(lines)
        for _ in range(random_.randrange(0, 4)):
            at = random_.randrange(len(lines) + 1)
            if random_.random() < 0.5 and at < len(lines):
                del lines[at:at + random_.randrange(1, 4)]
            elif at < len(lines) or not lines or lines[-1].endswith("\n"):
                lines[at:at] = [random_.choice("axyz") + "\n"] * random_.randrange(1, 3)
        if lines and random_.random() < 0.1:
            lines[-1] = lines[-1].rstrip("\r\n") or "a"
        return lines

    def contents(self, tree: str) -> dict[str, bytes]:
        # patch does not know of RECORD.
        return {str(p.relative_to(self.work / tree)): p.read_bytes() for p in (self.work / tree).rglob("*")
                if p.is_file() and p.name != "RECORD"}

    # What the tree is then.

    def test_what_is_patched_is_recorded(self):
        self.demo()
        self.write("p.patch", f"--- a/{SITE}/demo/cli.py\n+++ b/{SITE}/demo/cli.py\n@@ -1,3 +1,3 @@\n def main():\n-    print('hello')\n"
                   f"+    print('patched')\n     return 0\n--- /dev/null\n+++ b/{SITE}/demo/more/extra.py\n@@ -0,0 +1 @@\n+x = 1\n"
                   f"--- a/{SITE}/demo/sub/only.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
                   f"diff --git a/{SITE}/demo/data.txt b/{SITE}/demo/renamed.txt\nsimilarity index 50%\n"
                   f"rename from {SITE}/demo/data.txt\nrename to {SITE}/demo/renamed.txt\n--- a/{SITE}/demo/data.txt\n"
                   f"+++ b/{SITE}/demo/renamed.txt\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"
                   f"diff --git a/{SITE}/demo/__init__.py b/{SITE}/demo/__init__.py\nold mode 100644\nnew mode 100755\n")
        self.patch(f"{SITE}/demo-1.0.dist-info/METADATA", "@@ -4 +4 @@\n-Requires-Dist: other<2\n+Requires-Dist: other<3\n", "q.patch")
        words = ["--patch", "p.patch", "--patch=q.patch", "--patch-strip", "1", "--patch-tool", "nowhere", "--facts-out", "facts",
                 "--depfile", "d", "--depfile-style", "lines", "--stamp", "stamp", "--preserve-path", "demo", "--preserve-path", "ns/part/mod.py"]
        self.unpack(*words)
        tree = self.work / "tree"
        self.assertEqual(record_faults(str(tree)), [])
        self.assertEqual((self.work / "d").read_text().split(), ["demo-1.0-py3-none-any.whl", "p.patch", "q.patch"])
        got = snapshot(str(tree))
        self.assertIn(f"{SITE}/demo/more/extra.py", got)
        self.assertEqual(got[f"{SITE}/demo/__init__.py"][1], "0o755")
        for gone in ("demo/sub", "demo/sub/only.txt", "demo/data.txt", "demo/__pycache__"):
            self.assertNotIn(f"{SITE}/{gone}", got)
        self.assertEqual((tree / SITE / "demo/renamed.txt").read_bytes(), b"a\r\nc\r\n")
        self.assertEqual(subprocess.run([sys.executable, "-c", "import demo.cli; demo.cli.main()"], text=True, capture_output=True, check=True,
                                        env={"PYTHONPATH": str(tree / SITE)}).stdout, "patched\n")
        # What a later step is told is what is there.
        self.axle("merge", "--tree", "tree", "--facts", "facts", "--into", "by-facts", "--python-version", VERSION)
        self.axle("merge", "--tree", "tree", "--into", "by-files", "--python-version", VERSION)
        self.assertEqual(snapshot(str(self.work / "by-facts")), snapshot(str(self.work / "by-files")))
        self.assertEqual(record_faults(str(self.work / "by-facts")), [])
        # The same again is no change; without the patch it is one.
        stamp = (self.work / "stamp").stat().st_mtime_ns
        self.unpack(*words)
        self.assertEqual((self.work / "stamp").stat().st_mtime_ns, stamp)
        text = (self.work / "stamp").read_bytes()
        self.unpack("--stamp", "stamp")
        self.assertNotEqual((self.work / "stamp").read_bytes(), text)

    def axle(self, *words: str) -> None:
        subprocess.run([AXLE, "action", *words], cwd=self.work, check=True, env={}, capture_output=True)

    def test_what_builds_rest_on_may_not_change(self):
        self.demo()
        add = "@@ -0,0 +1 @@\n+x\n"
        for path, hunks, names in (
            ("top.py", add, "a name at the top"), ("demo/sub/x.so", add, "a native file"), ("ns/__init__.py", add, "package"),
            ("demo-1.0.dist-info/RECORD", add, "written anew"), ("demo-1.0.dist-info/entry_points.txt", "@@ -1 +1 @@\n-[console_scripts]\n+[x]\n",
                                                                 "decided"),
            ("demo-1.0.dist-info/METADATA", "@@ -2 +2 @@\n-Name: demo\n+Name: demon\n", "another"),
            ("demo/nothing.py", "@@ -1 +1 @@\n-a\n+b\n", "nothing that the wheel brings"),
            ("demo/cli.py", "@@ -1 +1 @@\n-other\n+b\n", "does not apply"),
        ):
            self.patch(f"{SITE}/{path}", hunks)
            with self.subTest(path=path):
                done = self.unpack("--patch", "p.patch", "--patch-strip", "1", status=5)
                self.assertIn(names, done.stderr)
            self.assertFalse((self.work / "tree").exists())
        for path, hunks, status in (
            ("share/new.txt", add, 5), ("share/x.txt", "@@ -1 +1 @@\n-x\n+y\n", 0), ("bin/run", "@@ -2 +2 @@\n-print('run')\n+print('ran')\n", 0),
            ("bin/demo", "@@ -1 +1 @@\n-a\n+b\n", 5), ("../out", add, 3), ("/etc/x", add, 5), (f"{SITE}/demo/../../x", add, 3),
            (f"{SITE}/demo/a\\b", add, 3),
        ):
            with self.subTest(path=path):
                self.patch(path, hunks)
                self.unpack("--patch", "p.patch", "--patch-strip", "1", status=status)
        self.assertFalse((self.work / "out").exists())
        self.patch(f"{SITE}/demo/__init__.py", "@@ -1 +0,0 @@\n-VALUE = 1\n")
        self.unpack("--patch", "p.patch", "--patch-strip", "1")  # empty, and still there
        self.write("p.patch", f"--- a/{SITE}/demo/__init__.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-VALUE = 1\n")
        self.unpack("--patch", "p.patch", "--patch-strip", "1", status=5)
        self.unpack("--preserve-path", "nothing", status=6)
        self.write("p.patch", f"--- a/{SITE}/demo/tool\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-#!/bin/sh\n-exit 1\n")
        self.unpack("--patch", "p.patch", "--patch-strip", "1")
        self.unpack("--patch", "p.patch", "--patch-strip", "1", "--preserve-path", "demo/tool", status=5)
        self.unpack("--patch", "absent", status=7)
        self.write("p.patch", "garbage\n")
        self.unpack("--patch", "p.patch", status=3)
        self.write("p.patch", "diff --git a/x b/x\nGIT binary patch\n")
        self.unpack("--patch", "p.patch", status=8)
        self.write("p.patch", "")
        self.unpack("--patch", "p.patch")

    # Byte-code.

    def test_byte_code(self):
        self.demo()
        tag = sys.implementation.cache_tag
        python = os.path.realpath(sys.executable)
        self.unpack("--compile-pyc", python, "--depfile", "d", "--depfile-style", "lines")
        self.assertIn(python, (self.work / "d").read_text())
        tree = self.work / "tree"
        self.assertEqual(record_faults(str(tree)), [])
        found = sorted(str(p.relative_to(tree / SITE)) for p in tree.rglob("*.pyc"))
        self.assertEqual(found, [f"demo/__pycache__/__init__.{tag}.pyc", f"demo/__pycache__/cli.{tag}.pyc", f"ns/part/__pycache__/mod.{tag}.pyc"])
        self.assertEqual((tree / SITE / found[0]).read_bytes()[4], 1)
        for more in (["-j1"], ["-j7"]):
            self.unpack("--compile-pyc", python, *more, into="again")
            self.assertEqual(snapshot(str(self.work / "again")), snapshot(str(tree)))
        self.unpack("--compile-pyc", python, "--pyc-invalidation-mode", "checked-hash", into="checked")
        self.assertEqual((self.work / "checked" / SITE / found[0]).read_bytes()[4], 3)
        # Python takes it: the source is not looked at.
        (tree / SITE / "demo/cli.py").write_text("def main(): print('source')\n")
        run = [sys.executable, "-c", "import demo.cli; demo.cli.main()"]
        self.assertEqual(subprocess.run(run, text=True, capture_output=True, check=True, env={"PYTHONPATH": str(tree / SITE)}).stdout, "hello\n")
        (self.work / "checked" / SITE / "demo/cli.py").write_text("def main(): print('source')\n")
        self.assertEqual(subprocess.run(run, text=True, capture_output=True, check=True,
                                        env={"PYTHONPATH": str(self.work / "checked" / SITE)}).stdout, "source\n")
        # After patches.
        self.patch(f"{SITE}/demo/cli.py", "@@ -1,3 +1,2 @@\n def main():\n-    print('hello')\n     return 0\n")
        self.unpack("--patch", "p.patch", "--patch-strip=1", "--compile-pyc", python, into="both")
        self.assertEqual(record_faults(str(self.work / "both")), [])
        self.assertEqual(subprocess.run(run, text=True, capture_output=True, check=True, env={"PYTHONPATH": str(self.work / "both" / SITE)}).stdout, "")

    def test_byte_code_of_wheels_that_are_not_unpacked_first(self):
        """merge, venv and layer make the same as unpack does, or as `axle layer --compile`."""
        self.demo()
        python = os.path.realpath(sys.executable)
        wheel = next(self.work.glob("*.whl")).name
        common = ["--wheel", wheel, "--python-version", VERSION, "--compile-pyc", python]
        self.unpack("--compile-pyc", python)
        unpacked = snapshot(str(self.work / "tree"))
        for operation in ("merge", "venv"):
            self.command("action", operation, *common, "--into", operation, "--depfile", "d", "--depfile-style", "lines")
            self.assertIn(python, (self.work / "d").read_text())
            made = snapshot(str(self.work / operation))
            self.assertEqual({path: what for path, what in unpacked.items() if made.get(path) != what}, {})
        before = {path.name for path in self.work.iterdir()}
        layer = [*common, "--target-python", "/usr/bin/python3"]
        self.command("action", "layer", *layer, "-o", "own.tar", "--depfile", "d", "--depfile-style", "lines")
        self.assertIn(python, (self.work / "d").read_text())
        self.write("requirements.txt", f"./{wheel}\n")
        self.command("layer", "requirements.txt", "--compile", "--python", python, "--target-python", "/usr/bin/python3", "-o", "other.tar",
                  "--store", "store")
        listings = []
        for name in ("own.tar", "other.tar"):
            with tarfile.open(self.work / name) as tar:
                listings.append({member.name: (member.mode, member.linkname, tar.extractfile(member).read() if member.isreg() else b"")
                                 for member in tar if not member.name.endswith(("pyvenv.cfg", "/direct_url.json", "/RECORD", "/REQUESTED"))})
        self.assertEqual({name for name in listings[0].keys() ^ listings[1].keys()}, set())
        self.assertEqual([name for name in listings[0] if listings[0][name] != listings[1][name]], [])
        self.assertIn(f"opt/venv/{SITE}/demo/__pycache__/cli.{sys.implementation.cache_tag}.pyc", listings[0])
        self.command("action", "layer", *layer, "--oci", "image", "--split", "package")
        self.command("action", "layer", *layer, "--pyc-invalidation-mode", "checked-hash", "-o", "new.tar", status=8)
        self.command("action", "venv", "--tree", "tree", "--python-version", VERSION, "--compile-pyc", python, "--into", "new", status=2)
        self.command("action", "inspect", "--wheel", wheel, "--compile-pyc", python, status=2)
        self.command("action", "venv", "--wheel", wheel, "--python-version", VERSION, "--patch", "p.patch", "--into", "new", status=2)
        self.assertEqual({path.name for path in self.work.iterdir()} - before, {"own.tar", "other.tar", "image", "requirements.txt", "store"})

    def test_byte_code_that_is_not_made(self):
        self.demo()
        self.unpack("--compile-pyc", sys.executable, "--pyc-invalidation-mode", "timestamp", status=8)
        self.unpack("--compile-pyc", "/bin/cat", status=7)
        self.unpack("--compile-pyc", "absent", status=7)
        self.unpack("--compile", status=8)
        self.assertFalse((self.work / "tree").exists())
        wheel = Wheel("old-1.0-py3-none-any.whl").file("old/__init__.py", "print 'two'\n").file("old/fine.py", "x = 1\n").file("bad/x.py", "x =\n")
        (self.work / wheel.file_name).write_bytes(wheel.build())
        self.unpack("--compile-pyc", sys.executable, wheel=wheel.file_name)
        found = [p.name.split(".")[0] for p in (self.work / "tree").rglob("*.pyc")]
        self.assertEqual(found, ["fine"])
        self.assertFalse((self.work / "tree" / SITE / "bad/__pycache__").exists())
        self.assertEqual(record_faults(str(self.work / "tree")), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
