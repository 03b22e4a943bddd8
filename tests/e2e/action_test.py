"""`axle action` from outside: what it makes.

usage: action_test.py AXLE
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import unittest

from action_room import AXLE, FOR, SITE, ActionRoom
from tree import record_faults, snapshot
from wheel_text import Wheel


class ActionTest(ActionRoom):
    def test_unpack(self):
        before = self.names()
        self.unpack()
        self.assertEqual(self.names(), before | {"t1"})
        self.assertEqual(record_faults(str(self.work / "t1")), [])
        tree = snapshot(str(self.work / "t1"))
        self.assertEqual(tree[f"{SITE}/demo/tool"][1], "0o755")
        self.assertEqual(tree[f"{SITE}/demo/cli.py"][1], "0o644")
        for path in ("bin/Demo.run", "bin/run", "share/demo/x.txt", "include/site/python3.11/demo/demo.h", "lib/extra.txt"):
            self.assertIn(path, tree)
        self.assertNotIn(str(self.work).encode(), b"".join(p.read_bytes() for p in (self.work / "t1").rglob("*") if p.is_file()))

    def test_every_layout_umask_place_and_order_gives_the_same(self):
        self.unpack()
        os.makedirs(self.work / "deep er/dir")
        old = os.umask(0o077)
        try:
            self.unpack(str(self.work / "demo-1.0-py3-none-any.whl"), "../t2", cwd="deep er/dir".split("/")[0])
        finally:
            os.umask(old)
        self.assertEqual(snapshot(str(self.work / "t1")), snapshot(str(self.work / "t2")))
        self.axle("unpack", "demo-1.0-py3-none-any.whl", "--into", "flat", "--layout", "target", *FOR)
        self.assertTrue((self.work / "flat/demo/__init__.py").is_file())

    def test_merge_of_trees_is_merge_of_wheels(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--facts-out", "t1.facts")
        self.unpack("other-2.0-py3-none-any.whl", "t2", "--facts-out", "t2.facts")
        self.axle("merge", "--wheel", "demo-1.0-py3-none-any.whl", "--wheel", "other-2.0-py3-none-any.whl", "--into", "wheels", *FOR)
        expected = snapshot(str(self.work / "wheels"))
        self.assertEqual(record_faults(str(self.work / "wheels")), [])
        for mode in ("copy", "hardlink", "clone", "auto"):
            for name, sources in {"read": ["--tree", "t1", "--tree", "t2/"],
                                  "facts": ["--tree", "t1", "--facts", "t1.facts", "--src", "t2", "--facts", "t2.facts"],
                                  "mixed": ["demo-1.0-py3-none-any.whl", "t2"], "twice": ["t1", "t2", "t1"]}.items():
                out = f"{mode}-{name}"
                self.axle("merge", *sources, "--into", out, "--link-mode", mode, *FOR)
                self.assertEqual(snapshot(str(self.work / out)), expected, out)
        self.axle("merge", "--tree", "wheels", "--into", "again", *FOR)
        self.assertEqual(snapshot(str(self.work / "again")), expected)
        self.axle("merge", "t1", "t2", "--into", "links", "--link-mode", "symlink", *FOR)
        links = [p for p in (self.work / "links").rglob("*") if p.is_symlink()]
        self.assertTrue(links)
        for link in links:
            self.assertTrue(os.readlink(link).startswith("../"), link)
            self.assertTrue(link.exists(), link)
        moved = self.work / "moved"
        moved.mkdir()
        for name in ("t1", "t2", "links"):
            (self.work / name).rename(moved / name)
        self.assertEqual(record_faults(str(moved / "links")), [])
        self.assertTrue((moved / f"links/{SITE}/ns/a/__init__.py").is_file())

    def test_collisions(self):
        sources = ["other-2.0-py3-none-any.whl", "clash-1.0-py3-none-any.whl"]
        done = self.axle("merge", *sources, "--into", "out", *FOR, status=5)
        self.assertIn("other.py", done.stderr)
        self.assertNotIn("out", self.names())
        for policy, value, warned in (("first", 2, True), ("last", 3, True), ("warning", 3, True), ("ignore", 3, False)):
            done = self.axle("merge", *sources, "--into", policy, "--collision-policy", policy, *FOR)
            self.assertEqual((self.work / policy / SITE / "other.py").read_text(), f"VALUE = {value}\n")
            self.assertEqual("other.py" in done.stderr, warned, done.stderr)
            self.assertEqual(record_faults(str(self.work / policy)), [])
        twice = Wheel("demo-1.1-py3-none-any.whl").file("demo/__init__.py", "VALUE = 9\n")
        (self.work / twice.file_name).write_bytes(twice.build())
        self.axle("merge", "demo-1.0-py3-none-any.whl", twice.file_name, "--into", "out", *FOR, status=5)

    def test_prune(self):
        wheel = Wheel("pruned-1.0-py3-none-any.whl").file("pruned/__init__.py", "x = 1\n").file("pruned/tests/test_x.py").file("pruned/x.pyi")
        (self.work / wheel.file_name).write_bytes(wheel.build())
        self.unpack(wheel.file_name, "t", "--prune", "tests", "--prune=*.pyi", "--prune", "**/x.pyi")
        self.unpack(wheel.file_name, "whole", "--facts-out", "facts")
        self.axle("merge", "--tree", "whole", "--facts", "facts", "--into", "m", "--prune", "tests", "--prune", "stubs", *FOR)
        for tree in ("t", "m"):
            found = set(snapshot(str(self.work / tree / SITE / "pruned")))
            self.assertEqual(found, {"__init__.py"})
            self.assertEqual(record_faults(str(self.work / tree)), [])
        # As rules_py says it, its way to give the version included.
        self.axle("unpack", "--wheel", wheel.file_name, "--into", "r", "--python-version-major", "3", "--python-version-minor=11",
                  "--exclude-glob", "pruned/te*s", "--exclude-glob", "**/*.pyi")
        self.assertEqual(set(snapshot(str(self.work / "r" / SITE / "pruned"))), {"__init__.py"})
        self.assertEqual(record_faults(str(self.work / "r")), [])
        for glob in ("", "a//b", "../x", "a/[bc]", "a**/b", "x?"):
            self.unpack(wheel.file_name, "x", "--exclude-glob", glob, status=2)
        self.unpack(wheel.file_name, "x", "--prune", "!", status=2)
        self.unpack(wheel.file_name, "x", "--prune", "test", status=2)

    def test_venv(self):
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.axle("venv", "demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl", "--into", "env", "--python-version", python,
                  "--target-python", os.path.realpath(sys.executable))
        for where in ("env", "moved"):
            if where == "moved":
                (self.work / "env").rename(self.work / "moved")
            run = subprocess.run([self.work / where / "bin/Demo.run"], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
            self.assertEqual(run.stdout, "hello\n")
            run = subprocess.run([self.work / where / "bin/python", "-c", "import ns.a, ns.b, other, sys; print(sys.prefix)"],
                                 capture_output=True, text=True, check=True)
            self.assertEqual(run.stdout.strip(), str(self.work / where))
        self.axle("venv", "demo-1.0-py3-none-any.whl", "--into", "bare", *FOR)
        for path in (self.work / "bare").rglob("*"):
            if path.is_symlink():
                target = os.path.normpath(path.parent / os.readlink(path))
                self.assertTrue(target.startswith(str(self.work / "bare")) and path.exists(), path)
        self.assertFalse((self.work / "bare/bin/python").is_symlink())
        self.axle("venv", "--into", "x", *FOR, "--interpreter", "link", status=2)

    def test_layer(self):
        wheels = ["demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"]
        for name in ("a.tar", "a.tar.gz", "a.tar.zst", "again.tar.gz"):
            self.axle("layer", *wheels, "--output", f"out/{name}", "--descriptor", f"{name}.json", "--mtree", f"{name}.mtree", *FOR,
                      "--depfile", f"{name}.d")
        self.assertEqual((self.work / "out/a.tar.gz").read_bytes(), (self.work / "out/again.tar.gz").read_bytes())
        raw = (self.work / "out/a.tar").read_bytes()
        self.assertEqual(gzip.decompress((self.work / "out/a.tar.gz").read_bytes()), raw)
        descriptor = json.loads((self.work / "a.tar.gz.json").read_text())
        packed = (self.work / "out/a.tar.gz").read_bytes()
        self.assertEqual(descriptor["digest"], "sha256:" + hashlib.sha256(packed).hexdigest())
        self.assertEqual(descriptor["diffId"], "sha256:" + hashlib.sha256(raw).hexdigest())
        self.assertEqual((descriptor["size"], descriptor["tarSize"]), (len(packed), len(raw)))
        with tarfile.open(self.work / "out/a.tar") as tar:
            self.assertEqual(tar.getmember(f"opt/venv/{SITE}/demo/tool").mode, 0o755)
            self.assertEqual(tar.getmember("opt/venv/bin/python").linkname, "/usr/local/bin/python3.11")
        self.assertEqual((self.work / "a.tar.d").read_text(), "out/a.tar: \\\n demo-1.0-py3-none-any.whl \\\n other-2.0-py3-none-any.whl\n")
        before = (self.work / "out/a.tar.gz").stat()
        self.axle("layer", *wheels, "--output", "out/a.tar.gz", *FOR)
        after = (self.work / "out/a.tar.gz").stat()
        self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))
        names = self.names()
        self.axle("layer", *wheels, "clash-1.0-py3-none-any.whl", "--output", "out/b.tar", *FOR, status=5)
        self.axle("layer", *wheels, "--output", "out/b.zip", *FOR, status=2)
        self.axle("layer", "out", "--output", "out/b.tar", *FOR, status=2)
        self.axle("layer", *wheels, "--output", "out/b.tar", "--platform", "win_amd64", *FOR, status=8)
        self.assertEqual(self.names(), names)
        self.assertEqual({path.name for path in (self.work / "out").iterdir()}, {"a.tar", "a.tar.gz", "a.tar.zst", "again.tar.gz"})

    def test_image(self):
        """The image of an action is that of `axle layer`, and untouched when nothing changed."""
        wheels = ["demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"]
        for words in ([], ["--split", "package", "--compression", "zstd"]):
            shutil.rmtree(self.work / "image", ignore_errors=True)
            self.axle("layer", *wheels, "--oci", "image", "--descriptor", "image.json", "--depfile", "image.d", *words, *FOR)
            lock = 'lock-version = "1.0"\ncreated-by = "test"\n'
            for name in wheels:
                digest = hashlib.sha256((self.work / name).read_bytes()).hexdigest()
                lock += (f'[[packages]]\nname = "{name.split("-")[0]}"\nversion = "{name.split("-")[1]}"\n'
                         f'wheels = [{{ name = "{name}", path = "{name}", hashes = {{ sha256 = "{digest}" }} }}]\n')
            (self.work / "pylock.toml").write_text(lock)
            subprocess.run([AXLE, "layer", "pylock.toml", "--oci", "wanted", "--no-store", "--offline", "--startup-hooks", "allow", "-q",
                            *words, *FOR], cwd=self.work, check=True)
            wanted = {path.relative_to(self.work / "wanted"): path.read_bytes()
                      for path in (self.work / "wanted").rglob("*") if path.is_file()}
            found = {path.relative_to(self.work / "image"): path.read_bytes()
                     for path in (self.work / "image").rglob("*") if path.is_file()}
            self.assertEqual(set(found), set(wanted))
            self.assertEqual(found, wanted)
            manifest = json.loads((self.work / "image/index.json").read_text())["manifests"][0]
            self.assertEqual(json.loads((self.work / "image.json").read_text())["digest"], manifest["digest"])
            self.assertTrue((self.work / "image.d").read_text().startswith("image: "))
            before = {path: path.stat().st_mtime_ns for path in (self.work / "image").rglob("*")}
            self.axle("layer", *wheels, "--oci", "image", *words, *FOR)
            self.assertEqual({path: path.stat().st_mtime_ns for path in (self.work / "image").rglob("*")}, before)
            shutil.rmtree(self.work / "wanted")
        names = self.names()
        self.axle("layer", *wheels, "--oci", "x", "--output", "x.tar", *FOR, status=2)
        self.axle("layer", *wheels, "--output", "x.tar", "--split", "package", *FOR, status=2)
        self.axle("layer", *wheels, "--oci", "x", "--compression", "rar", *FOR, status=2)
        self.axle("layer", *wheels, "clash-1.0-py3-none-any.whl", "--oci", "x", *FOR, status=5)
        self.assertEqual(self.names(), names)

    def test_launcher(self):
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.axle("venv", "demo-1.0-py3-none-any.whl", "--into", "env", "--python-version", python,
                  "--target-python", os.path.realpath(sys.executable))
        self.axle("launcher", "--entry", "demo.cli:main", "--output", "env/bin/beside")
        self.axle("launcher", "--entry", "demo.cli:main", "--output", "fixed", "--shebang", str(self.work / "env/bin/python"),
                  "--depfile", "fixed.d")
        for program in ("env/bin/beside", "fixed"):
            run = subprocess.run([self.work / program], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
            self.assertEqual(run.stdout, "hello\n")
        self.assertEqual((self.work / "fixed.d").read_text(), "fixed:\n")
        if os.uname().machine == "x86_64":
            self.axle("launcher", "--entry", "demo.cli:main", "--output", "native", "--launcher", "native", "--shebang", "env/bin/python")
            self.axle("venv", "demo-1.0-py3-none-any.whl", "--into", "env2", "--python-version", python, "--launcher", "native",
                      "--target-python", os.path.realpath(sys.executable))
            for program in ("native", "env2/bin/Demo.run"):
                self.assertEqual((self.work / program).read_bytes()[:4], b"\x7fELF")
                self.assertEqual(subprocess.run([self.work / program], capture_output=True, text=True, check=True, env={}).stdout, "hello\n")
        flags = ("--launcher-flags=-I -X utf8=0", "--launcher-env", "DEMO=$ORIGIN")
        probe = Wheel("probe-1.0-py3-none-any.whl").file("probe.py", "import os, sys\n\n\ndef main():\n"
                      "    print(sys.flags.isolated, sys.flags.utf8_mode, os.environ.get('DEMO'))\n")
        probe.file("@info/entry_points.txt", "[console_scripts]\nprobe = probe:main\n")
        (self.work / probe.file_name).write_bytes(probe.build())
        for kind, more in (("script", flags[:1]), ("sh", flags[:1]), ("native", flags)):
            if kind == "native" and os.uname().machine != "x86_64":
                continue
            with self.subTest(launcher=kind):
                self.axle("venv", probe.file_name, "--into", "p-" + kind, "--python-version", python, "--launcher", kind,
                          "--target-python", os.path.realpath(sys.executable), *more)
                self.axle("launcher", "--entry", "probe:main", "--output", f"p-{kind}/bin/made", "--launcher", kind, *more,
                          *(("--shebang", str(self.work / f"p-{kind}/bin/python")) if kind == "script" else ()))
                here = str(self.work / "p-native/bin") if kind == "native" else None
                for program in ("probe", "made"):
                    run = subprocess.run([self.work / f"p-{kind}/bin" / program], capture_output=True, text=True, check=True,
                                         env={"PATH": "/usr/bin:/bin"})
                    self.assertEqual(run.stdout, f"1 0 {here}\n")
        self.axle("launcher", "--entry", "a:b", "--output", "x", *flags, status=2)
        self.axle("launcher", "--entry", "a:b", "--output", "x", "--launcher-flags=-c", status=2)
        before = (self.work / "fixed").stat()
        self.axle("launcher", "--entry", "demo.cli:main", "--output", "fixed", "--shebang", str(self.work / "env/bin/python"))
        self.assertEqual((self.work / "fixed").stat().st_mtime_ns, before.st_mtime_ns)
        self.axle("launcher", "--entry", "demo.cli", "--output", "x", status=2)
        self.axle("launcher", "--entry", "not a name:x", "--output", "x", status=3)
        self.axle("launcher", "--entry", "a:b", "--output", "x", "--launcher", "script", status=2)
        self.axle("launcher", "--entry", "a:b", "--output", "x", "--launcher", "round", status=2)

    def test_inspect(self):
        facts = json.loads(self.axle("inspect", "demo-1.0-py3-none-any.whl").stdout)
        layout = facts["layout"]
        self.assertEqual(layout["top_levels"], ["demo", "demo-1.0.dist-info", "ns"])
        self.assertEqual(layout["namespace_top_levels"], ["ns"])
        self.assertEqual(layout["namespace_entries"], ["ns/a"])
        self.assertEqual(layout["regular_roots"], ["ns/a"])
        self.assertEqual(layout["console_scripts"], ["Demo.run=demo.cli:main"])
        self.assertEqual(layout["data_files"], ["lib64/extra.txt", "share/demo/x.txt"])
        self.assertEqual(layout["scripts"], ["run"])
        self.assertEqual(facts["dist_info"], "demo-1.0.dist-info")
        self.assertNotIn("objects", facts)
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--facts-out", "t1.facts")
        known = json.loads(self.axle("inspect", "demo-1.0-py3-none-any.whl", "--facts", "t1.facts").stdout)
        self.assertEqual(known["namespaces"], [{"path": "ns", "kind": "pep420"}])
        self.assertEqual(known["objects"], [])
        self.assertEqual(known["sha256"], hashlib.sha256((self.work / "demo-1.0-py3-none-any.whl").read_bytes()).hexdigest())
        self.assertEqual(known["layout"], layout)
        self.axle("inspect", "other-2.0-py3-none-any.whl", "--facts", "t1.facts", status=3)
        self.axle("inspect", "demo-1.0-py3-none-any.whl", "--output", "o.json", "--depfile", "o.d")
        self.assertEqual((self.work / "o.d").read_text(), "o.json: \\\n demo-1.0-py3-none-any.whl\n")

    def test_inspect_inflates_only_the_dist_info(self):
        raw = Wheel("big-1.0-py3-none-any.whl").file("big/__init__.py", "x = 1\n" * 50).build()
        # Damage the member's data; its CRC no longer fits, and nobody may notice.
        at = raw.find(b"big/__init__.py") + len(b"big/__init__.py")
        (self.work / "big-1.0-py3-none-any.whl").write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1:])
        self.axle("inspect", "big-1.0-py3-none-any.whl")
        self.unpack("big-1.0-py3-none-any.whl", "out", status=3)

    def test_reports(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--stamp", "t1.stamp", "--depfile", "t1.d", "--dyndep", "t1.dd",
                    "--manifest", "t1.json", "--origin", "//demo")
        self.assertEqual((self.work / "t1.d").read_text(), "t1.stamp: \\\n demo-1.0-py3-none-any.whl\n")
        rows = json.loads((self.work / "t1.json").read_text())
        self.assertEqual(rows, sorted(rows))
        self.assertIn(["demo/cli.py", f"t1/{SITE}/demo/cli.py", "//demo"], rows)
        for _, source, _ in rows:
            self.assertTrue((self.work / source).is_file())
        dyndep = (self.work / "t1.dd").read_text()
        made = {f"t1/{path}" for path, what in snapshot(str(self.work / "t1")).items() if what[0] != "dir"}
        self.assertEqual(set(re.findall(r"^ (\S+?)(?: \$|: dyndep)$", dyndep, re.M)), made)
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--stamp", "t1.stamp", "--dyndep", "scan.dd", "--dry-run")
        self.assertEqual((self.work / "scan.dd").read_text(), dyndep)
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--depfile", "lines.d", "--depfile-style", "lines")
        self.assertEqual((self.work / "lines.d").read_text(), "demo-1.0-py3-none-any.whl\n")

    def test_parameter_files(self):
        shutil.copy(self.work / "demo-1.0-py3-none-any.whl", self.work / "a b")  # never a wheel's name
        os.makedirs(self.work / "wh eels")
        shutil.copy(self.work / "demo-1.0-py3-none-any.whl", self.work / "wh eels")
        wheel = "wh eels/demo-1.0-py3-none-any.whl"
        texts = {"shell": f"unpack\n--wheel\n'{wheel}'\n--into\n{{}}\n--python-version\n3.11\n",
                 "multiline": f"unpack\n--wheel\n{wheel}\n--into\n{{}}\n--python-version\n3.11\n",
                 "flags": f"--wheel={wheel}\n--into={{}}\n--python-version=3.11\n"}
        for name, text in texts.items():
            (self.work / f"{name}.params").write_text(text.format(f"out-{name}"))
        self.axle("@shell.params")
        self.axle("@multiline.params")
        self.axle("unpack", "--flagfile=flags.params")
        expected = snapshot(str(self.work / "out-shell"))
        self.assertTrue(expected)
        for name in ("multiline", "flags"):
            self.assertEqual(snapshot(str(self.work / f"out-{name}")), expected)
        self.axle("@missing.params", status=7)
        done = self.axle("--json", "@missing.params", status=7)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "io")

    def test_lost_modes_of_bazel_trees(self):
        self.unpack()
        expected = snapshot(str(self.work / "t1"))
        self.unpack(into="t2")
        for path in (self.work / "t2").rglob("*"):
            os.chmod(path, 0o555)
        self.axle("merge", "--tree", "t2", "--into", "out", *FOR)
        merged = snapshot(str(self.work / "out"))
        expected[f"{SITE}/demo/tool"] = merged[f"{SITE}/demo/tool"]  # no longer known
        self.assertEqual(merged, expected)
        shutil.rmtree(self.work / "t2", onerror=lambda f, p, e: (os.chmod(os.path.dirname(p), 0o755), os.chmod(p, 0o755), f(p)))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
