#!/usr/bin/env python3
"""Container layers from outside: the same bytes everywhere, an environment when unpacked, refusals that leave nothing.

    layer_test.py AXLE

Reads layers with Python's tarfile, and with GNU tar, bsdtar, zstd, skopeo and umoci where they are installed; runs an
environment out of a layer in a root of its own, where this process may make one. What did not run is said in one line.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from layer_room import AXLE, SITE, SKIPPED, TARGET, LayerCase, main, sha256, tool, ustar_holds
from tree import record_faults, snapshot
from wheel_text import Wheel


class LayerTest(LayerCase):
    # The same bytes.

    def test_bytes_depend_on_nothing_but_the_input(self):
        for name in ("l.tar", "l.tar.gz", "l.tar.zst"):
            first = self.tar(name, "-j", "1")
            again = self.dir / "another place"
            again.mkdir(exist_ok=True)
            self.axle("layer", self.lock, "-o", again / name, "-j", "7", umask=0o077, env={"TZ": "Asia/Tokyo"})
            self.assertEqual(sha256((again / name).read_bytes()), sha256(first), name)
        # A store that has the wheels changes nothing while their archives are at hand.
        self.axle("fetch", self.lock)
        for name in ("l.tar", "l.tar.gz", "l.tar.zst"):
            before = (self.dir / name).read_bytes()
            self.assertEqual(sha256(self.tar(name)), sha256(before), name)

    def test_every_compression_holds_the_same_tar(self):
        plain = self.tar()
        self.assertEqual(gzip.decompress(self.tar("l.tar.gz")), plain)
        self.assertEqual(gzip.decompress(self.tar("r.tar.gz", "--recompress")), plain)
        if zstd := tool("zstd"):
            for words in ([], ["--recompress"]):
                self.tar("l.tar.zst", *words)
                self.assertEqual(subprocess.run([zstd, "-dc", self.dir / "l.tar.zst"], capture_output=True,
                                                check=True).stdout, plain)

    def test_digests_and_sizes_are_those_of_the_file(self):
        plain = self.tar()
        for name, kind in (("l.tar", "tar"), ("l.tar.gz", "tar+gzip"), ("l.tar.zst", "tar+zstd")):
            told = self.layer("-o", name)
            data = (self.dir / name).read_bytes()
            self.assertEqual(told["digest"], "sha256:" + sha256(data))
            self.assertEqual(told["diff_id"], "sha256:" + sha256(plain))
            self.assertEqual((told["size"], told["tar_size"]), (len(data), len(plain)))
            self.assertEqual(told["media_type"], "application/vnd.oci.image.layer.v1." + kind)
            self.assertEqual(told["distributions"], ["demo", "other-one"])

    def test_wheels_only_in_the_store_give_the_same_tar(self):
        for kind in ("gz", "zst"):
            shutil.rmtree(self.store, ignore_errors=True)
            spliced = self.layer("-o", f"a.tar.{kind}")
            anew = self.layer("-o", f"b.tar.{kind}", "--recompress")
            self.assertNotEqual(spliced["digest"], anew["digest"])
            self.axle("fetch", self.lock)
            from_store = self.layer("-o", f"c.tar.{kind}", links=False)
            self.assertEqual(from_store["diff_id"], spliced["diff_id"])
            self.assertEqual(from_store["recompressed"], ["demo", "other-one"])
            self.assertEqual(spliced["recompressed"], [])
            self.assertEqual(self.layer("-o", f"d.tar.{kind}", "--recompress", links=False)["digest"], anew["digest"])
            self.assertEqual(from_store["digest"], anew["digest"])

    def test_no_store_leaves_no_store(self):
        self.tar("n.tar.gz", "--no-store")
        self.assertEqual(os.listdir(self.dir), ["n.tar.gz"])

    def test_times_and_owners_are_those_that_were_asked_for(self):
        self.tar("t.tar", "--owner", "1000:20", env={"SOURCE_DATE_EPOCH": "1700000000"})
        with tarfile.open(self.dir / "t.tar") as tar:
            for member in tar:
                self.assertEqual((member.mtime, member.uid, member.gid), (1700000000, 1000, 20), member.name)

    # What is in it.

    def test_members_are_sorted_below_the_environment_and_have_exact_modes(self):
        self.tar()
        members = self.members()
        names = list(members)
        self.assertEqual(names[0], "opt/venv")
        self.assertTrue(all(name == "opt/venv" or name.startswith("opt/venv/") for name in names))
        self.assertEqual(names, sorted(names, key=lambda name: name.split("/")))
        self.assertFalse([name for name in names if "/.axle" in name])
        for name, member in members.items():
            self.assertEqual((member.uid, member.gid, member.uname, member.gname, member.mtime), (0, 0, "", "", 0))
            if member.isdir():
                self.assertEqual(member.mode, 0o755, name)
        self.assertEqual(members[f"opt/venv/{SITE}/demo/tool.sh"].mode, 0o755)
        self.assertEqual(members[f"opt/venv/{SITE}/demo/values.py"].mode, 0o644)
        self.assertEqual(members["opt/venv/bin/demo"].mode, 0o755)
        self.assertEqual(members["opt/venv/bin/python"].linkname, "/usr/bin/python3.12")
        # PAX only where it is needed.
        pax = {name for name, member in members.items() if member.pax_headers}
        self.assertEqual(pax, {name for name, member in members.items()
                               if not ustar_holds(name + ("/" if member.isdir() else ""))})

    def test_equal_files_are_hard_links(self):
        self.tar()
        members = self.members()
        first = members[f"opt/venv/{SITE}/demo/values.py"]
        self.assertTrue(first.isreg())
        for other in ("demo/values_again.py", "other_one/values.py"):
            member = members[f"opt/venv/{SITE}/{other}"]
            self.assertTrue(member.islnk())
            self.assertEqual(member.linkname, first.name)
        self.assertTrue(members[f"opt/venv/{SITE}/demo/empty_too.py"].isreg())

    def test_unpacked_it_is_the_installed_environment(self):
        self.tar("l.tar.gz")
        self.axle("sync", self.lock, "--root", self.dir / "root", "--venv", "/opt/venv", "--link-mode", "copy")
        wanted = snapshot(str(self.dir / "root/opt/venv"))
        readers = [("tarfile", [sys.executable, "-m", "tarfile", "-e", "l.tar.gz", "out-tarfile"])]
        for name in ("tar", "bsdtar"):
            if path := tool(name):
                readers.append((name, [path, "-xpf", "l.tar.gz", "-C", f"out-{name}"]))
        for name, command in readers:
            (self.dir / f"out-{name}").mkdir()
            subprocess.run(command, cwd=self.dir, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.assertEqual(snapshot(str(self.dir / f"out-{name}/opt/venv")), wanted, name)
            self.assertEqual(record_faults(str(self.dir / f"out-{name}/opt/venv")), [], name)

    def test_mtree_says_what_is_in_it(self):
        self.layer("-o", "l.tar", "--mtree", "l.mtree")
        lines = (self.dir / "l.mtree").read_text().splitlines()
        self.assertEqual(lines[0], "#mtree")
        members = self.members("l.tar")
        self.assertEqual(len(lines) - 1, len(members))
        with tarfile.open(self.dir / "l.tar") as tar:
            for line in lines[1:]:
                path, *words = line.split(" ")
                name = path[2:].encode().decode("unicode_escape").encode("latin-1").decode()
                keys = dict(word.split("=", 1) for word in words)
                if keys["type"] == "file":
                    self.assertEqual(keys["sha256digest"], sha256(tar.extractfile(members[name]).read()), name)

    def test_split_changes_one_layer_for_one_package(self):
        for split in ("package", "size:1M"):
            before = self.layer("-o", "s.tar.gz", "--split", split)["layers"]
            self.assertEqual([layer["distributions"] for layer in before][0], [])
            self.assertEqual(sorted(sum((layer["distributions"] for layer in before), [])), ["demo", "other-one"])
            seen = set()
            for layer in before:
                own = self.members(layer["file"])
                for member in own.values():
                    if member.islnk():
                        self.assertIn(member.linkname, own, "a link to another layer")
                    if not member.isdir():
                        self.assertNotIn(member.name, seen)
                        seen.add(member.name)
            self.assertEqual(seen, {name for name, member in self.one_layer().items() if not member.isdir()})
            changed = self.dir / f"changed-{split[:4]}"
            shutil.copytree(self.wheels, changed)
            wheel = Wheel("other_one-2.1-py3-none-any.whl").file("other_one/__init__.py", "two = 2.1\n")
            (changed / wheel.file_name).write_bytes(wheel.build())
            lock = changed / "requirements.txt"
            lines = self.lock.read_text().splitlines()
            lock.write_text(f"{lines[0]}\nother_one==2.1 --hash=sha256:{sha256(wheel.build())}\n")
            after = json.loads(self.axle("layer", lock, "-f", changed, "-o", "s2.tar.gz", "--split", split,
                                         "--json").stdout)["layers"]
            same = {layer["digest"] for layer in before} & {layer["digest"] for layer in after}
            self.assertEqual((len(before), len(after), len(same)), (3, 3, 2))

    def one_layer(self):
        self.tar()
        return self.members()

    # RECORD.

    def wrong_wheel(self) -> Path:
        folder = self.dir / "wrong"
        folder.mkdir()
        wheel = (Wheel("wrong-1.0-py3-none-any.whl").file("wrong.py", "x = 1\n")
                 .file("wrong_too.py", "y = 1\n", wrong_digest=True))
        (folder / wheel.file_name).write_bytes(wheel.build())
        return folder / wheel.file_name

    def test_a_wrong_record_is_found_while_writing(self):
        wheel = self.wrong_wheel()
        lock = self.dir / "wrong.txt"
        lock.write_text("wrong==1.0\n")
        done = self.axle("layer", lock, "-f", wheel.parent, "-o", "w.tar.gz", status=4)
        self.assertIn("wrong_too.py", done.stderr)
        self.assertEqual([path.name for path in self.dir.iterdir() if "w.tar" in path.name or "axle-new" in path.name],
                         [])
        lock.write_text(f"wrong==1.0 --hash=sha256:{sha256(wheel.read_bytes())}\n")
        done = self.axle("layer", lock, "-f", wheel.parent, "-o", "w.tar.gz")
        self.assertIn("RECORD is wrong", done.stderr)
        with tarfile.open(self.dir / "w.tar.gz") as tar:
            tar.extractall(self.dir / "unpacked", filter="fully_trusted") if hasattr(tarfile, "data_filter") else \
                tar.extractall(self.dir / "unpacked")
        self.assertEqual(record_faults(str(self.dir / "unpacked/opt/venv")), [])

    def test_edited_objects_are_those_of_an_installed_environment(self):
        """Of two sizes: read whole, and in pieces."""
        if not (cc := tool("cc")):
            return
        folder = self.dir / "native"
        folder.mkdir()
        (folder / "a.c").write_text("int alpha(void) { return 1; }\n")
        (folder / "b.c").write_text("int alpha(void); int beta(void) { return alpha(); }\n")
        (folder / "c.c").write_text("int alpha(void); const char pad[9000000] = {1}; int third(void) { return alpha() + pad[0]; }\n")
        build = lambda *words: subprocess.run([cc, "-shared", "-fPIC", *words], cwd=folder, check=True)
        build("-o", "libalpha.so", "-Wl,-soname,libalpha.so", "a.c")
        build("-o", "_beta.so", "b.c", "-L.", "-lalpha")
        build("-o", "_gamma.so", "c.c", "-L.", "-lalpha")
        wheel = (Wheel("native-1.0-py3-none-any.whl").file("native/__init__.py")
                 .file("native/libs/libalpha.so", (folder / "libalpha.so").read_bytes(), mode=0o755)
                 .file("native/_beta.so", (folder / "_beta.so").read_bytes(), mode=0o755)
                 .file("native/_gamma.so", (folder / "_gamma.so").read_bytes(), mode=0o755))
        (folder / wheel.file_name).write_bytes(wheel.build())
        lock = folder / "lock.txt"
        lock.write_text(f"native==1.0 --hash=sha256:{sha256(wheel.build())}\n")
        self.axle("sync", lock, "-f", folder, "--root", self.dir / "root", "--venv", "/opt/venv", "--link-mode", "copy", "--rpath", "fix")
        wanted = snapshot(str(self.dir / "root/opt/venv"))
        for name in ("_beta.so", "_gamma.so"):
            self.assertNotEqual(wanted[f"{SITE}/native/{name}"][2], sha256((folder / name).read_bytes()), "was not edited")
        for kind in ("tar", "tar.gz", "tar.zst"):
            self.axle("layer", lock, "-f", folder, "-o", f"n.{kind}", "--rpath", "fix")
            out = self.dir / f"out-{kind}"
            out.mkdir()
            if kind == "tar.zst" and not tool("zstd"):
                continue
            subprocess.run(["tar", "-xpf", f"n.{kind}", "-C", out], cwd=self.dir, check=True)
            self.assertEqual(snapshot(str(out / "opt/venv")), wanted, kind)
        self.assertFalse([name for name in os.listdir(self.dir) if name.startswith(".axle")])

    # Refusals.

    def test_refusals_leave_nothing(self):
        lock = str(self.lock)
        windows = ["--python-version", "3.12", "--platform", "win_amd64"]
        unpinned = self.dir / "unpinned.txt"
        unpinned.write_text("demo==1.0 --hash=sha256:" + "0" * 64 + "\n")
        (self.dir / "full").mkdir()
        (self.dir / "full/file").touch()
        (self.dir / "no-base").mkdir()
        for status, words, target in [
            (2, ["-o", "x.tar"], []),
            (2, ["-o", "x.tar"], ["--python", "3.12"]),
            (2, ["-o", "x.tar", "--venv", "relative"], TARGET),
            (2, ["-o", "x.tar", "--venv", "/"], TARGET),
            (2, ["-o", "x.what"], TARGET),
            (2, [], TARGET),
            (2, ["-o", "x.tar", "--oci", "x"], TARGET),
            (2, ["-o", "x.tar", "--base", "x"], TARGET),
            (2, ["-o", "x.tar", "--split", "size:0"], TARGET),
            (2, ["-o", "x.tar", "--owner", "root"], TARGET),
            (2, ["--oci", "full"], TARGET),
            (7, ["--oci", "x", "--base", "no-base"], TARGET),
            (7, ["--oci", "x", "--base", "absent"], TARGET),
            (7, ["-o", "absent/x.tar"], TARGET),
            (7, ["-o", "full"], [*TARGET, "--compression", "none"]),
            (8, ["-o", "x.tar"], windows),
            (8, ["-o", "x.tar"], ["--python-version", "3.12", "--platform", "macosx_14_0_arm64"]),
        ]:
            with self.subTest(words=words, target=target):
                before = sorted(os.listdir(self.dir))
                self.axle("layer", lock, *words, target=target, status=status)
                self.assertEqual(sorted(set(os.listdir(self.dir)) - {"store"}), sorted(set(before) - {"store"}))
        self.axle("layer", unpinned, "-o", "x.tar", status=4)
        self.axle("layer", unpinned, "--oci", "x-image", status=4)
        (self.dir / "an-empty-one").mkdir()
        self.axle("layer", unpinned, "--oci", "an-empty-one", status=4)
        self.assertEqual(os.listdir(self.dir / "an-empty-one"), [])
        self.assertFalse([name for name in os.listdir(self.dir) if name.startswith((".axle", "x"))])

    def test_a_kill_leaves_the_old_file_and_nothing_for_long(self):
        command = [AXLE, "layer", str(self.lock), "-f", str(self.wheels), "--offline", "--startup-hooks", "allow", "--no-store",
                   *TARGET]
        for output in (["-o", "x.tar.zst"], ["--oci", "image"]):
            if output[0] == "-o":
                (self.dir / "x.tar.zst").write_text("old")
            # From before the first write to after the last.
            for delay in (0.001, 0.004, 0.01, 0.02, 0.03, 0.05, 0.08):
                process = subprocess.Popen([*command, *output], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    process.wait(delay)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                if output[0] == "-o":
                    data = (self.dir / "x.tar.zst").read_bytes()
                    self.assertTrue(data == b"old" or len(data) > 10_000)
                elif (self.dir / "image/index.json").exists():
                    self.blobs(self.dir / "image", abandoned=True)
            for path in self.dir.rglob(".axle-*"):
                os.utime(path, (0, 0))
            self.axle("layer", self.lock, *output, "--no-store")
        self.blobs(self.dir / "image")
        self.assertEqual(sorted(os.listdir(self.dir)), ["image", "x.tar.zst"])

    def test_byte_code_is_that_of_an_installed_environment(self):
        python = os.path.realpath(sys.executable)
        here = ["--python", python, "--compile"]
        for jobs in ("1", "5"):
            self.axle("layer", self.lock, "-o", f"c{jobs}.tar.gz", "-j", jobs, target=here)
            shutil.rmtree(self.store)
        self.assertEqual((self.dir / "c1.tar.gz").read_bytes(), (self.dir / "c5.tar.gz").read_bytes())
        self.axle("sync", self.lock, "--root", self.dir / "root", "--venv", "/opt/venv", "--link-mode", "copy", target=here)
        (self.dir / "out").mkdir()
        subprocess.run(["tar", "-xpf", "c1.tar.gz", "-C", "out"], cwd=self.dir, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
        wanted = snapshot(str(self.dir / "root/opt/venv"))
        self.assertEqual(snapshot(str(self.dir / "out/opt/venv")), wanted)
        self.assertTrue([path for path in wanted if path.endswith(".pyc")])
        self.assertEqual(record_faults(str(self.dir / "out/opt/venv")), [])
        done = self.axle("layer", self.lock, "-o", "x.tar", "--compile", status=8)
        self.assertIn("--python", done.stderr)

    def test_a_failure_keeps_the_file_that_was_there(self):
        (self.dir / "x.tar").write_text("old")
        bad = self.dir / "bad.txt"
        bad.write_text("demo==1.0 --hash=sha256:" + "0" * 64 + "\n")
        self.axle("layer", bad, "-o", "x.tar", status=4)
        self.assertEqual((self.dir / "x.tar").read_text(), "old")
        self.assertGreater(len(self.tar("x.tar")), 10_000)

    # It runs.

    def test_it_runs_in_a_root_of_its_own(self):
        python = os.path.realpath(sys.executable)
        version = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
        self.axle("layer", self.lock, "-o", "l.tar.gz",
                  target=["--python-version", version, "--target-python", python])
        root = self.dir / "image"
        root.mkdir()
        subprocess.run(["tar", "-xpf", self.dir / "l.tar.gz", "-C", root], check=True)
        # The image's interpreter: this machine's, mounted where it is.
        shared = [path for path in ("/usr", "/lib", "/lib64", os.path.realpath(sys.base_prefix)) if os.path.isdir(path)]
        script = "set -e\n"
        for path in shared:
            if os.path.islink(path):
                os.symlink(os.readlink(path), f"{root}{path}")
            elif path == "/usr" or not path.startswith("/usr/"):
                os.makedirs(f"{root}{path}")
                script += f"mount --bind -o ro {path} {root}{path}\n"
        script += f"exec chroot {root} "
        probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            SKIPPED.append("no root of its own: unshare needs privileges that this process lacks")
            return
        for command in ("/opt/venv/bin/demo", "/opt/venv/bin/demo-script"):
            done = subprocess.run(["unshare", "--mount", "sh", "-c", script + command], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.stdout, "demo runs\n", done.stderr)


if __name__ == "__main__":
    sys.exit(main())
