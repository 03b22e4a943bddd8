"""The wheels that scripts/bench measures with, and their locks.

jupyterlab and scipy come by the machine's pip, once, into .cache/bench/; the others are written from text:
  tiny      one wheel of one module: what a run costs before it does anything
  wide      200 small wheels
  hundred   one wheel of 100 files
  many      one wheel of 100,000 files in 1,000 directories
  big       one wheel of 3 GB: for peak memory
"""

import base64
import hashlib
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from demo_wheels import lock
from peer import normalized, run
from wheel_text import Wheel

FETCHED = {
    "jupyterlab": ["jupyterlab>=4,<5"],
    "scipy": ["scipy", "pandas", "matplotlib", "scikit-learn"],
}
WRITTEN = ("tiny", "wide", "hundred", "many", "big")


@dataclass
class Corpus:
    """A directory of wheels and the locks of them; `old` and `new` differ in the version of one small wheel."""

    name: str
    wheels: Path
    hashed: Path
    plain: Path
    old: Path
    new: Path
    names: list[str]


def pylock(corpus: Corpus, base: str) -> str:
    """A pylock.toml of what `hashed` pins, with every wheel at a URL below `base`."""
    wanted = set(re.findall(r"sha256:([0-9a-f]{64})", corpus.hashed.read_text()))
    rows = ['lock-version = "1.0"', 'created-by = "bench"']
    for path in sorted(corpus.wheels.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in wanted:
            continue
        name, version = path.name.split("-")[:2]
        rows.append(f'[[packages]]\nname = "{normalized(name)}"\nversion = "{version}"\nwheels = [{{ name = "{path.name}", '
                    f'url = "{base}/{path.name}", size = {path.stat().st_size}, hashes = {{ sha256 = "{digest}" }} }}]')
    return "\n".join(rows) + "\n"


def small_wheel(version: str, name: str = "bench_one") -> Wheel:
    return Wheel(f"{name}-{version}-py3-none-any.whl").file(f"{name}/__init__.py", f"version = {version!r}\n")


def many_files(path: Path, count: int) -> None:
    """One wheel of `count` files of about 100 bytes in count/100 directories."""
    wheel = Wheel(path.name)
    for i in range(count):
        wheel.file(f"bench_many/d{i // 100:04}/m{i % 100:02}.py", f"value = {i}\n" + "# some text\n" * 8)
    path.write_bytes(wheel.build())


def big_wheel(path: Path, size: int) -> None:
    """One wheel with one file of `size` bytes, written in pieces."""
    info = "-".join(path.name.split("-")[:2]) + ".dist-info"
    piece = (b"one piece of a large file of data, which repeats.\n" * 21000)[: 1 << 20]
    digest = hashlib.sha256()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(zipfile.ZipInfo("bench_big/data.bin"), "w", force_zip64=True) as member:
            for _ in range(size // len(piece)):
                member.write(piece)
                digest.update(piece)
        texts = {f"{info}/METADATA": "Metadata-Version: 2.1\nName: bench-big\nVersion: 1.0\n",
                 f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
        rows = [("bench_big/data.bin", digest.digest(), size // len(piece) * len(piece))]
        rows += [(name, hashlib.sha256(text.encode()).digest(), len(text)) for name, text in texts.items()]
        texts[f"{info}/RECORD"] = "".join(
            f"{name},sha256={base64.urlsafe_b64encode(sha256).rstrip(b'=').decode()},{length}\n"
            for name, sha256, length in rows) + f"{info}/RECORD,,\n"
        for name, text in texts.items():
            archive.writestr(name, text)


def fill(name: str, folder: Path, pip: list[str]) -> None:
    if name in FETCHED:
        run([*pip, "--disable-pip-version-check", "download", "-q", "--only-binary", ":all:", "-d", folder,
             *FETCHED[name]])
    elif name == "wide":
        for i in range(199):
            wheel = small_wheel("1.0", f"bench_wide_{i:03}")
            (folder / wheel.file_name).write_bytes(wheel.build())
    elif name in ("hundred", "many"):
        many_files(folder / "bench_many-1.0-py3-none-any.whl", 100 if name == "hundred" else 100_000)
    elif name == "big":
        big_wheel(folder / "bench_big-1.0-py3-none-any.whl", 3 << 30)


def make_corpus(name: str, kept: Path, work: Path, pip: list[str]) -> Corpus:
    """Wheels from `kept`, which is filled where it is not there, in a directory of their own below `work`."""
    if not kept.exists():
        partial = kept.with_name(kept.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        fill(name, partial, pip)
        partial.rename(kept)
    folder = work / name
    wheels = folder / "wheels"
    shutil.copytree(kept, wheels)
    (wheels / small_wheel("1.0").file_name).write_bytes(small_wheel("1.0").build())
    old = lock(wheels)
    plain = lock(wheels, hashed=False)
    (wheels / small_wheel("2.0").file_name).write_bytes(small_wheel("2.0").build())
    line = [line for line in lock(wheels).splitlines() if line.startswith("bench_one==2.0")][0]
    new = re.sub(r"^bench_one==.*$", line, old, flags=re.M)
    files = {"hashed": old, "plain": plain, "old": old, "new": new}
    for file, text in files.items():
        (folder / f"{file}.txt").write_text(text)
    return Corpus(name, wheels, *(folder / f"{file}.txt" for file in files),
                  [row.split("==")[0] for row in old.splitlines()])
