"""A room in which syncs in symlink mode are repeated, from the plan that the store remembers and without it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from reproducible_test import differences, everything
from room import Room, expect
from tree import record_faults
from wheel_text import Wheel

PYTHON = ("--python", sys.executable)
FULL = os.environ.get("AXLE_TEST_FULL") == "1"
LINKED = ("--link-mode", "symlink", *PYTHON)


def wheels(version: str = "1.0") -> list[Wheel]:
    """Whatever is not a link in an environment of links, and a start-up hook."""
    alpha = Wheel(f"alpha-{version}-py3-none-any.whl").file("alpha/__init__.py", f"import sys\nv = {version!r}\ndef main(): print(v, sys.prefix)\n")
    alpha.file("alpha/data/one.txt", "one\n").file("ns/alpha/m.py", "A = 1\n").file("ns/both.txt", "the same\n").file("alpha_single.py", "S = 1\n")
    alpha.file("@info/entry_points.txt", "[console_scripts]\nalpha = alpha:main\nalpha-two = alpha:main\n[gui_scripts]\nalpha-gui = alpha:main\n")
    alpha.file("@info/licenses/LICENSE", "free\n").file("@info/licenses/deep/NOTICE", "noted\n")
    beta = Wheel(f"beta-{version}-py3-none-any.whl").file("ns/beta.py", "B = 1\n").file("ns/both.txt", "the same\n")
    beta.file("@data/scripts/beta-tool", "#!python\nimport sys\nprint('tool', sys.prefix)\n", mode=0o755)
    beta.file("@data/scripts/beta-odd", "#!python\n# -*- coding: latin-1 -*-\nimport sys\nprint('odd', sys.prefix)  # \xe4\n".encode("latin-1"), mode=0o755)
    beta.file("@data/scripts/beta-window", "#!pythonw\nimport sys\nprint('window', sys.prefix)\n", mode=0o755)
    beta.file("@data/scripts/beta-program", "#!/bin/sh\necho program\n", mode=0o755)
    beta.file("@data/data/share/beta/x.txt", version).file("@data/headers/beta.h", "#define B\n").file("@data/data/etc/beta.conf", "conf\n")
    gamma = Wheel(f"gamma-{version}-py3-none-any.whl").file("gamma/__init__.py", "G = 1\n").file("gamma.pth", "import gamma\n").file("gamma/sub/a.txt", "a\n")
    gamma.file("@data/platlib/gamma_native.py", "N = 1\n")
    delta = Wheel(f"delta-{version}-py3-none-any.whl").file("delta.py", "D = 1\n").file("@info/odd, name.txt", "comma\n")
    return [alpha, beta, gamma, delta]


SCRIPTS = {"alpha": "1.0", "alpha-two": "1.0", "alpha-gui": "1.0", "beta-tool": "tool", "beta-odd": "odd", "beta-window": "window"}


class Bytes:
    """What base/codec.h writes."""

    def __init__(self, data: bytes, magic: bytes):
        assert data.startswith(magic), data[:8]
        self.data, self.at = data[:-32], len(magic)

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def text(self) -> str:
        size = self.number()
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def digest(self) -> str:
        self.at += 32
        return self.data[self.at - 32 : self.at].hex()


def receipt(venv: Path) -> dict:
    """All that an environment's receipt says but for inodes and times of directories (docs/store-format.md)."""
    data = Bytes((venv / ".axle" / "receipt").read_bytes(), b"AXLERCP3")
    said = {"request": data.digest(), "inputs": [(data.text(), data.digest()) for _ in range(data.number())]}
    said["places"] = [(data.text(), data.number() and 0, data.number() and 0) for _ in range(data.number())]
    said["head"] = (data.text(), data.number(), data.text(), data.text())
    said["dists"] = []
    for _ in range(data.number()):
        dist = [data.digest(), data.text(), data.text(), data.text(), data.number()]
        said["dists"].append((*dist, data.text() if dist[4] & 2 else ""))
    for _ in range(data.number()):
        path, kind, executable = data.text(), data.number(), data.number()
        owners = [data.number() for _ in range(data.number())]
        entry = [kind, executable, owners, data.digest()]
        if kind == 0:
            entry += [data.digest(), data.number(), data.number()]
        elif kind == 1:
            entry += [data.number(), data.number(), data.text()]
        elif kind == 2:
            entry.append(data.text())
        said["entry " + path] = entry
    assert data.at == len(data.data)
    return said


def timeless(said: str) -> str:
    said = re.sub(r"\bnew-\d+-\d+", "NEW", said)
    return re.sub(r'"seconds": ?[0-9.e-]+|\b[0-9.]+ (ms|s)\b', "TIME", said)


class Remembering(Room):
    def __init__(self, base: Path, name: str, **variables: str):
        super().__init__(base, name, **variables)
        self.v1 = self.dir / "store" / "v1"

    def fill(self, wheels: list[Wheel], lock: str = "lock.txt") -> None:
        lines = []
        for wheel in wheels:
            data = wheel.build()
            (self.dir / "wheels" / wheel.file_name).write_bytes(data)
            lines.append(f"{'=='.join(wheel.stem.split('-'))} --hash=sha256:{hashlib.sha256(data).hexdigest()}\n")
        (self.dir / lock).write_text("".join(lines))

    def link(self, venv: str, *words: str, lock: str = "lock.txt", **how) -> str:
        return self.sync(venv, *(words if "--link-mode" in words else (*LINKED, *words)), lock=lock, **how)

    def plans(self) -> list[Path]:
        return sorted((self.v1 / "plans").glob("*"))

    def forget(self) -> None:
        shutil.rmtree(self.v1 / "plans", ignore_errors=True)
        shutil.rmtree(self.v1 / "own", ignore_errors=True)

    def outcome(self, venv: str) -> dict:
        path = self.dir / venv
        return everything(str(path)) | {f"receipt: {what}": value for what, value in receipt(path).items()}

    def facts(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.v1.glob("wheels/*/facts")}

    def reads_facts(self, act) -> bool:
        """Whether what act() does reads facts of wheels: without any that can be read it has to make them anew."""
        before = self.facts()
        for path in before:
            path.write_bytes(b"nothing that can be read")
        act()
        healed = [path.read_bytes() != b"nothing that can be read" for path in before]
        for path, data in before.items():
            path.write_bytes(data)
        return any(healed)

    def remembered(self, venv: str, *words: str, **how) -> str:
        """A sync from the plan that is remembered, and proof that it was."""
        said = []
        read = self.reads_facts(lambda: said.append(self.link(venv, *words, **how)))
        expect(not read, f"{self.dir.name}: {venv} {words}: done from the plan")
        return said[0]

    def is_full(self, venv: str, what: str, *words: str, **how) -> None:
        read = self.reads_facts(lambda: self.link(venv, *words, **how))
        expect(read, f"{self.dir.name}: {what}: not done from the plan")

    def again(self, venv: str, prepare=lambda: None, words: tuple = (), **how) -> tuple[str, str]:
        """The same fresh environment both ways, which come out equal; what each said."""
        path = self.dir / venv
        results = []
        kept = self.plans()
        keep = self.v1.parent / "kept-plans"
        shutil.copytree(self.v1 / "plans", keep)
        for way in ("full", "remembered"):
            shutil.rmtree(path, ignore_errors=True)
            prepare()
            if way == "full":
                shutil.rmtree(self.v1 / "plans")
                said = self.link(venv, *words, **how)
                shutil.rmtree(self.v1 / "plans", ignore_errors=True)
                os.rename(keep, self.v1 / "plans")
            else:
                said = self.remembered(venv, *words, **how)
            results.append((said, self.outcome(venv)))
            if "--platform" not in words:  # whose interpreter is not here
                self.axle("check", "--venv", venv)
        expect(self.plans() == kept, f"{self.dir.name}: {venv}: no other plan")
        wrong = differences(results[0][1], results[1][1])
        expect(not wrong, f"{self.dir.name}: {venv}: both ways come out the same: {sorted(wrong)[:6]}")
        for what in sorted(wrong)[:2]:
            print(results[0][1].get(what), results[1][1].get(what), sep="\n  ")
        return results[0][0], results[1][0]


def made(base: Path, name: str, **variables: str) -> Remembering:
    room = Remembering(base, name, **variables)
    room.fill(wheels())
    room.link("first")
    expect(len(room.plans()) == 1, f"{name}: a plan is remembered")
    return room


def runs(room: Remembering, venv: str) -> None:
    """Its scripts start, and in their own environment."""
    path = room.dir / venv
    for script, word in SCRIPTS.items():
        done = subprocess.run([path / "bin" / script], capture_output=True, text=True, cwd="/", env={"PATH": "/usr/bin:/bin"}, check=False)
        expect(done.stdout == f"{word} {path}\n", f"{venv}: {script}: {done.stdout}{done.stderr}")
    done = subprocess.run([path / "bin" / "beta-program"], capture_output=True, text=True, check=False)
    expect(done.stdout == "program\n", f"{venv}: beta-program: {done.stderr}")
    done = room.run(venv, "import alpha, alpha_single, ns.alpha.m, ns.beta, gamma, gamma_native, delta; print(1)")
    expect(done.stdout == "1\n", f"{venv}: imports: {done.stderr}")
    expect(record_faults(str(path)) == [], f"{venv}: RECORDs: {record_faults(str(path))[:5]}")
