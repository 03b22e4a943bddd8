#!/usr/bin/env python3
"""Installs real wheels with axle and with pip and compares what each left.

    compare_with_pip.py AXLE [--all | --count N] [--wheels DIR] [NAME...]

Each wheel goes alone into a copy of the same empty environment at the same path: by pip (--no-deps --no-compile), then
by axle in the modes copy, hardlink and symlink. Names, kinds, modes, bytes and the rows of RECORD must be the same but
for what INTENDED says, docs/differences-from-pip.md explains and the functions below check. axle's own RECORD must be
true in every mode, and `axle uninstall` must leave the empty environment as it was.

Wheels are downloaded by pip, once, into .cache/real-wheels/ (or DIR). Without a network nothing is compared: one line
says so, and the exit status is 0.
"""

import argparse
import csv
import io
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

from peer import download, normalized, pip_command, run, wheel_of
from tree import record_faults, snapshot

ROOT = Path(__file__).resolve().parents[2]

# Popular wheels. The first dozen has one of each kind: pure, native, shared namespace, .data with scripts and data,
# entry points, a .pth file, one that other tools treat specially, a type stub marker, a bundled executable.
WHEELS = """
six ruff setuptools pip google-api-core jupyterlab-pygments zope-interface distlib markupsafe coverage cffi rich

aiohttp alembic attrs beautifulsoup4 black boto3 botocore certifi charset-normalizer click contourpy cryptography cycler
debugpy fastapi filelock fonttools frozenlist google-auth google-cloud-bigquery google-cloud-core google-cloud-pubsub
google-cloud-storage google-crc32c google-resumable-media googleapis-common-protos greenlet grpc-google-iam-v1 grpcio
grpcio-status httptools idna iniconfig ipykernel jinja2 joblib jsonschema jupyterlab kiwisolver lxml mako matplotlib
multidict mypy ninja notebook numpy opentelemetry-api opentelemetry-sdk opentelemetry-semantic-conventions orjson
packaging pandas pillow platformdirs pluggy propcache proto-plus protobuf psycopg2-binary pyasn1 pyasn1-modules pycparser
pydantic pydantic-core pygments pyparsing pytest python-dateutil pytz pyyaml pyzmq requests rsa ruamel-yaml s3transfer
scikit-learn scipy shellingham soupsieve sphinxcontrib-applehelp sphinxcontrib-htmlhelp sqlalchemy starlette
threadpoolctl tqdm typer typing-extensions tzdata urllib3 uvicorn uvloop virtualenv watchfiles websockets wheel yarl
cmake pywin32-ctypes uv
""".split()

INTENDED = """
installer     INSTALLER holds "axle", not "pip"
direct-url    direct_url.json of a local file has no digest, unless the command gave one
record-form   RECORD: rows sorted by bytes; the same rows, but true digests of what differs here
entry-point   a console script's text: the same first line, the same object called
script-args   a .data/scripts file of `#!python ARGS` keeps ARGS, which pip drops
pip-variants  pip's own entry points beside those its wheel declares (pip3.X) are not added
pycache       a __pycache__ that the wheel brings and records is kept
"""


class Tree:
    """What an installer added to the empty environment."""

    def __init__(self, env: Path, empty: dict):
        self.env = env
        self.found = {path: value for path, value in flat(env).items() if path not in empty and not_a_copy(path)}

    def read(self, path: str) -> bytes:
        return (self.env / path).read_bytes()


def not_a_copy(path: str) -> bool:
    """lib64 is a link to lib: one of the two is enough."""
    return not path.startswith("lib64/")


def flat(env: Path) -> dict[str, tuple]:
    """Path to (mode, bytes) of every file, through links to files and directories."""
    found = {}
    for folder, dirs, files in os.walk(env, followlinks=True):
        # The store keeps Python from writing byte-code into it by a link that leads nowhere (docs/store-format.md).
        files = [name for name in files if not (name == "__pycache__" and os.path.islink(os.path.join(folder, name)))]
        below = os.path.relpath(folder, env)
        if below == ".":
            dirs[:] = [name for name in dirs if name not in (".axle", "lib64")]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.exists(path):
                mode = stat.S_IMODE(os.stat(path).st_mode)
                found[os.path.normpath(os.path.join(below, name))] = (mode, Path(path).read_bytes())
    return found


def rows(record: bytes) -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in csv.reader(io.StringIO(record.decode(), newline="")) if row}


def called(script: bytes) -> tuple:
    """First line, module and name of a generated console script."""
    found = re.search(rb"^from (\S+) import (\w+)", script, re.M)
    call = re.search(rb"sys\.exit\((.*)\)", script)
    return script.split(b"\n")[0], found and found.groups(), call and call[1]


def explain(path: str, pip: bytes, axle: bytes, differing: set[str]) -> str | None:
    """Which intended difference accounts for a file whose bytes differ; None is a defect."""
    name = os.path.basename(path)
    if name == "INSTALLER":
        return "installer" if (pip, axle) == (b"pip\n", b"axle\n") else None
    if name == "direct_url.json":
        one, other = json.loads(pip), json.loads(axle)
        if (one["url"], set(one)) == (other["url"], set(other)) and (not other["archive_info"] or not one["archive_info"]):
            return "direct-url"
    if name == "RECORD":
        one, other = rows(pip), rows(axle)
        if [row.encode() for row in other] != sorted(row.encode() for row in other):
            return None
        site = os.path.dirname(os.path.dirname(path))
        for row in set(one) | set(other):
            full = os.path.normpath(os.path.join(site, row))
            if full not in differing and (row.startswith("../") or row in one or row in other):
                if row not in one or row not in other:
                    return None
                if one[row] != other[row] and one[row] != ("", ""):
                    return None
        return "record-form"
    if path.startswith("bin/"):
        if called(pip)[1] and called(pip) == called(axle):
            return "entry-point"
        first, *rest = pip.split(b"\n")
        other, *others = axle.split(b"\n")
        if rest == others and other.startswith(first + b" "):
            return "script-args"
    return None


def compare(pip: dict, axle: dict, name: str) -> tuple[list[str], set[str]]:
    """(defects, intended differences) of one wheel."""
    defects, intended = [], set()
    differing = set()
    for path in sorted(set(pip) ^ set(axle)):
        here = path in axle
        if not here and normalized(name) in ("pip", "setuptools") and re.match(r"bin/(pip|easy_install)[-\d.]+$", path):
            intended.add("pip-variants")
        elif here and "/__pycache__/" in path:
            intended.add("pycache")
        else:
            defects.append(f"only {'axle' if here else 'pip'} has {path}")
            continue
        differing.add(path)
    common = sorted(set(pip) & set(axle))
    for path in common:
        if pip[path][0] != axle[path][0]:
            defects.append(f"{path}: mode {pip[path][0]:o} by pip, {axle[path][0]:o} by axle")
        if pip[path][1] != axle[path][1]:
            differing.add(path)
    for path in sorted(differing & set(common)):
        why = explain(path, pip[path][1], axle[path][1], differing)
        if why:
            intended.add(why)
        else:
            defects.append(f"{path}: other bytes")
    return defects, intended


def untrue_records(env: Path) -> list[str]:
    """Faults of the RECORDs in site-packages; what a wheel carries deeper (vendored dist-infos) is its own affair."""
    installed = {path.name for path in env.glob("lib/python*/site-packages/*.dist-info")}
    return sorted({fault for fault in record_faults(str(env / "lib")) if fault.split(": ")[0] in installed})


class Comparison:
    def __init__(self, axle: str, pip: list[str], scratch: Path):
        self.axle, self.pip = [axle], pip
        self.env = scratch / "env"
        self.template = scratch / "template"
        self.scratch = scratch
        run([sys.executable, "-m", "venv", "--without-pip", self.env])
        # Byte code that an interpreter writes while a test looks is nobody's difference.
        self.environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "AXLE_STORE": str(scratch / "store")}
        shutil.copytree(self.env, self.template, symlinks=True)
        self.empty = set(flat(self.env))
        self.snapshot = snapshot(str(self.env))

    def fresh(self) -> None:
        if self.env.exists():
            # Files of a hard-linked environment are read-only; their directories are not.
            shutil.rmtree(self.env)
        shutil.copytree(self.template, self.env, symlinks=True)

    def by_axle(self, wheel: Path, mode: str) -> dict:
        self.fresh()
        run([*self.axle, "install", "-q", "--venv", self.env, "--link-mode", mode, wheel], env=self.environ)
        return Tree(self.env, self.empty).found

    def wheel(self, path: Path, name: str) -> tuple[list[str], set[str]]:
        self.fresh()
        run([*self.pip, "--python", self.env / "bin" / "python", "--disable-pip-version-check", "install", "-q",
             "--no-deps", "--no-compile", "--no-index", "--root-user-action", "ignore", path], env=self.environ)
        pip = Tree(self.env, self.empty).found
        copied = self.by_axle(path, "copy")
        defects, intended = compare(pip, copied, name)
        defects += untrue_records(self.env)
        for mode in ("hardlink", "symlink"):
            other = self.by_axle(path, mode)
            defects += [f"{mode}: {fault}" for fault in untrue_records(self.env)]
            for file in sorted(set(other) | set(copied)):
                if file not in other or file not in copied:
                    defects.append(f"{mode}: {file} is only {'here' if file in other else 'in copy mode'}")
                elif other[file][1] != copied[file][1]:
                    defects.append(f"{mode}: {file} has other bytes than in copy mode")
                elif bool(other[file][0] & 0o111) != bool(copied[file][0] & 0o111):
                    defects.append(f"{mode}: {file} is executable in one mode only")
            run([*self.axle, "uninstall", "-q", "--venv", self.env, name], env=self.environ)
            after = snapshot(str(self.env))
            if after != self.snapshot:
                changed = [file for file in set(after) | set(self.snapshot) if after.get(file) != self.snapshot.get(file)]
                defects.append(f"{mode}: uninstall left other than the empty environment: {sorted(changed)[:5]}")
        return defects, intended


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2].strip())
    parser.add_argument("axle")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help=f"all {len(WHEELS)} wheels")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--wheels", type=Path, default=ROOT / ".cache" / "real-wheels")
    given = parser.parse_args()
    names = given.names or WHEELS[:len(WHEELS) if given.all else given.count]
    os.umask(0o022)

    with tempfile.TemporaryDirectory(prefix="axle-compare-") as folder:
        scratch = Path(folder)
        try:
            pip = pip_command(scratch)
        except RuntimeError as failure:
            print(f"NOT RUN: there is no pip: {str(failure).splitlines()[0]}")
            return 0
        refusal = download(pip, names, given.wheels, "--no-deps")
        if refusal:
            print(f"NOT RUN: pip has no network: {refusal.strip().splitlines()[-1]}")
            return 0
        comparison = Comparison(os.path.abspath(given.axle), pip, scratch)
        bad, seen, start = 0, {}, time.monotonic()
        for name in names:
            path = wheel_of(name, given.wheels)
            try:
                defects, intended = comparison.wheel(path, name)
            except RuntimeError as failure:
                defects, intended = [str(failure)], set()
            for why in intended:
                seen[why] = seen.get(why, 0) + 1
            bad += bool(defects)
            print(f"{'DIFFERS' if defects else 'same   '} {path.name}  {' '.join(sorted(intended))}", flush=True)
            for defect in defects[:20]:
                print(f"    {defect}")
        print(f"{len(names) - bad} of {len(names)} wheels are the same by axle and by pip "
              f"({time.monotonic() - start:.0f} s); intended differences met:")
        for line in INTENDED.strip().splitlines():
            print(f"    {seen.get(line.split()[0], 0):4}  {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
