"""What the tests of layers share: two wheels that a tar can stumble over, and a directory with a store for each test."""

import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from wheel_text import Wheel

AXLE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
VERSION = "3.12.4"
PLATFORM = "manylinux_2_28_x86_64"
TARGET = ["--python-version", VERSION, "--platform", PLATFORM, "--target-python", "/usr/bin/python3.12"]
SITE = "lib/python3.12/site-packages"
SKIPPED: list[str] = []


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tool(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        SKIPPED.append(f"{name} is not installed")
    return path


def ustar_holds(path: str) -> bool:
    """Whether a path of ASCII has a slash that leaves at most 155 characters before it and 100 after it."""
    cuts = [i for i, c in enumerate(path[:-1]) if c == "/"]
    return path.isascii() and (len(path) <= 100 or any(i <= 155 and len(path) - i - 1 <= 100 for i in cuts))


def make_wheels(folder: Path) -> None:
    """Two wheels with what a tar can stumble over: long and foreign names, equal, empty, large and stored files."""
    noise = random.Random(1).randbytes(5_000_000)
    text = "".join(f"value_{i} = {i * i}\n" for i in range(400))
    long_name = "/".join(["a_rather_long_directory_name"] * 9)
    demo = (Wheel("demo-1.0-py3-none-any.whl")
            .file("demo/__init__.py", "def main():\n    print('demo runs')\n")
            .file("demo/values.py", text)
            .file("demo/values_again.py", text)
            .file("demo/empty.py").file("demo/empty_too.py")
            .file("demo/large.bin", noise + bytes(5_000_000))
            .file("demo/stored.bin", noise[:100_000], compression=0)
            .file(f"demo/{long_name}/module.py", "x = 1\n")
            .file("demo/na\u00efve \u2603.txt", "snow")
            .file("demo/tool.sh", "#!/bin/sh\necho tool\n", mode=0o755)
            .file("demo.py-not", "a name beside a directory\n")
            .file("@data/scripts/demo-script", "#!python\nimport demo\ndemo.main()\n", mode=0o755)
            .file("@data/data/share/demo/doc.txt", "doc\n" * 3000)
            .file("@data/headers/demo.h", "#pragma once\n")
            .file("@info/entry_points.txt", "[console_scripts]\ndemo = demo:main\n"))
    other = (Wheel("other_one-2.0-py3-none-any.whl")
             .file("other_one/__init__.py", "two = 2\n")
             .file("other_one/values.py", text))
    for wheel in (demo, other):
        (folder / wheel.file_name).write_bytes(wheel.build())


class LayerCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = Path(tempfile.mkdtemp(prefix="axle-layer-"))
        cls.wheels = cls.top / "wheels"
        cls.wheels.mkdir()
        make_wheels(cls.wheels)
        lines = []
        for path in sorted(cls.wheels.iterdir()):
            name, version = path.name.split("-")[:2]
            lines.append(f"{name}=={version} --hash=sha256:{sha256(path.read_bytes())}\n")
        cls.lock = cls.top / "requirements.txt"
        cls.lock.write_text("".join(lines))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.top)

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(dir=self.top))
        self.store = self.dir / "store"

    def axle(self, *words, status=0, cwd=None, umask=0o022, env=None, target=TARGET, links=True):
        command = [AXLE, *map(str, words), *(["-f", str(self.wheels)] if links else []), "--offline",
                   "--startup-hooks", "allow", *target]
        environment = {k: v for k, v in os.environ.items() if k not in ("SOURCE_DATE_EPOCH", "VIRTUAL_ENV")}
        environment.update({"AXLE_STORE": str(self.store), **(env or {})})
        done = subprocess.run(command, cwd=cwd or self.dir, umask=umask, env=environment, text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}{done.stderr}")
        return done

    def layer(self, *words, **how):
        return json.loads(self.axle("layer", self.lock, *words, "--json", **how).stdout)

    def tar(self, name="plain.tar", *words, **how) -> bytes:
        self.axle("layer", self.lock, "-o", name, *words, **how)
        return (self.dir / name).read_bytes()

    def members(self, name="plain.tar"):
        with tarfile.open(self.dir / name) as tar:
            return {member.name: member for member in tar}

    def blobs(self, layout: Path, abandoned=False) -> dict:
        """Every blob by its digest, which is checked; the manifest and the config of `latest`."""
        for blob in (layout / "blobs/sha256").iterdir():
            if abandoned and blob.name.startswith(".axle-"):
                continue
            self.assertEqual(sha256(blob.read_bytes()), blob.name)
        index = json.loads((layout / "index.json").read_text())
        [entry] = [entry for entry in index["manifests"]
                   if entry.get("annotations", {}).get("org.opencontainers.image.ref.name") == "latest"]
        read = lambda digest: json.loads((layout / "blobs/sha256" / digest.split(":")[1]).read_text())
        manifest = read(entry["digest"])
        config = read(manifest["config"]["digest"])
        self.assertEqual(len(config["rootfs"]["diff_ids"]), len(manifest["layers"]))
        for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"]):
            data = (layout / "blobs/sha256" / layer["digest"].split(":")[1]).read_bytes()
            self.assertEqual(layer["size"], len(data))
            if layer["mediaType"].endswith("gzip"):
                self.assertEqual("sha256:" + sha256(gzip.decompress(data)), diff_id)
        return {"manifest": manifest, "config": config, "index": index}


def main() -> int:
    program = unittest.main(exit=False, verbosity=0)
    for line in sorted(set(SKIPPED)):
        print("not run:", line)
    return 0 if program.result.wasSuccessful() else 1
