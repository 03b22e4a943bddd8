#!/usr/bin/env python3
"""The link doctor against the loader, and edits of every object, over popular wheels with native libraries.

    native_sweep.py AXLE [--all] [--wheels DIR] [--only verdicts|edits] [--keep DIR]

Installs the wheels of DIR (default .cache/native/, filled by pip with the names below: 1.4 GB) into one environment.
Verdicts: for each need of each object what `axle check` says is compared with what ld.so says of the object
(LD_TRACE_LOADED_OBJECTS), and with what dlopen of each library gives. Edits: every object gets a list that is longer,
shorter, or none, and must load, and satisfy eu-elflint, as it did before. Runs with --all or AXLE_TEST_FULL=1; else only
on the libraries of this interpreter. All of it is some 15,000 processes and 7 GB: let --keep name a directory in memory.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peer import download, pip_command, run

ROOT = Path(__file__).resolve().parents[2]

NAMES = """numpy scipy pandas PySide6-Essentials PySide6-Addons shiboken6 pyarrow matplotlib lxml psycopg2-binary cryptography
pillow scikit-learn scikit-image opencv-python-headless h5py pydantic-core orjson rpds-py cffi grpcio google-crc32c protobuf
PyYAML aiohttp yarl multidict frozenlist uvloop ujson msgpack regex tokenizers safetensors sentencepiece duckdb lightgbm
shapely pyproj rasterio fiona netCDF4 numba llvmlite tables numcodecs blosc2 soundfile av pyzmq greenlet gevent psutil
SQLAlchemy ruff cmake ninja pymupdf pikepdf onnxruntime pynacl bcrypt zstandard lz4 kiwisolver contourpy wrapt cmeel-boost
eigenpy cmeel-assimp cmeel-octomap cmeel-console-bridge cmeel-tinyxml2 cmeel-urdfdom hpp-fcl nvidia-nvjitlink-cu12
nvidia-cusparse-cu12 nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12 nvidia-curand-cu12 nvidia-cuda-cupti-cu12""".split()

LONG = "$ORIGIN/" + "axle-a-longer-directory-name/" * 3 + "lib"

# Each object is opened in a process of its own: libraries run code when they are loaded, and may not like each other.
OPENER = """
import ctypes, json, os, signal, sys
for line in sys.stdin:
    path = line.rstrip("\\n")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(20)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        try:
            ctypes.CDLL(path, mode=os.RTLD_LAZY)
            answer = "loads"
        except OSError as error:
            answer = str(error)
        os.write(write, answer.encode(errors="replace")[:4000])
        os._exit(0)
    os.close(write)
    answer = b""
    while piece := os.read(read, 4096):
        answer += piece
    os.close(read)
    status = os.waitpid(child, 0)[1]
    print(json.dumps([path, answer.decode(errors="replace") or f"ended with {status}"]), flush=True)
"""


def is_elf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def objects_below(top: Path) -> list[Path]:
    """Found by content, among files that are no text by their name."""
    found = []
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith((".py", ".pyi", ".txt", ".h", ".hpp", ".json", ".pyc", ".qml", ".png", ".svg", ".csv")):
                continue
            path = Path(folder, name)
            if not path.is_symlink() and is_elf(path):
                found.append(path)
    return sorted(found)


def facts_of(axle: str, paths: list[Path]) -> dict[Path, dict]:
    lines = "".join(json.dumps({"op": "elf-facts", "args": [str(path)]}) + "\n" for path in paths)
    done = subprocess.run([axle, "debug"], input=lines, capture_output=True, text=True, check=True)
    return {path: json.loads(line).get("ok") for path, line in zip(paths, done.stdout.splitlines())}


def loader() -> str:
    found = subprocess.run(["readelf", "-lW", os.path.realpath(sys.executable)], capture_output=True, text=True,
                           check=True).stdout
    return re.search(r"interpreter: (\S+)\]", found)[1]


def trace(path: Path, program: str) -> dict[str, bool]:
    """Needed names of the object and all that it needs, and whether the loader finds them."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    done = subprocess.run([program, str(path)], env={**environment, "LD_TRACE_LOADED_OBJECTS": "1"}, text=True,
                          capture_output=True, check=False, errors="replace")
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"\s+(\S+) => (not found|\S+)", line)
        if match:
            found[match[1]] = match[2] != "not found"
        elif line.strip().startswith("/"):
            found[line.split()[0]] = True
    return found


def compare_verdicts(axle: str, env: Path, site: Path) -> int:
    objects = objects_below(site)
    facts = facts_of(axle, objects)
    report = json.loads(subprocess.run([axle, "check", "--native", "--quick", "--json", "--venv", env], capture_output=True,
                                       text=True, check=False).stdout)
    said: dict[tuple[str, str], str] = {}
    for one in report["problems"]:
        name = re.match(r"needs ([^\s,]+)", one["message"])
        if name and not name[1].startswith("GLIBC_"):
            said[one["path"], name[1]] = one["kind"] if one["severity"] == "warning" else one["message"]
    program = loader()
    machine = Counter(one["machine"] for one in facts.values() if one).most_common(1)[0][0]
    roots = [path for path in objects if facts[path] and facts[path]["machine"] == machine and facts[path]["needed"]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        traces = dict(zip(roots, pool.map(lambda path: trace(path, program), roots)))
    needs, differing, kinds = 0, [], Counter()
    for path in roots:
        for name in facts[path]["needed"]:
            if "/" in name or name.startswith("ld-linux"):
                continue
            needs += 1
            verdict = said.get((str(path.relative_to(env)), name), "found")
            kinds[verdict if verdict.startswith("library-") or verdict == "found" else "library-unloadable"] += 1
            if (verdict == "found") != traces[path].get(name, False):
                differing.append((str(path.relative_to(site)), name, verdict, traces[path].get(name)))
    print(f"verdicts: {len(objects)} objects, {needs} needs: " +
          ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    for path, name, verdict, loads in differing:
        print(f"  differs: {path} needs {name}: axle {verdict!r}, ld.so {'finds it' if loads else 'does not find it'}")
    print(f"verdicts: {len(differing)} disagreements", flush=True)
    missing = {name for _, name in said}  # what is inherited too: each is opened alone
    broken = {env / path for (path, name), verdict in said.items() if not verdict.startswith("library-")}
    return len(differing) + compare_loads([path for path in roots if ".so" in path.name], missing, broken)


def compare_loads(libraries: list[Path], missing: set[str], broken: set[Path]) -> int:
    """dlopen of each library: what it does not find must be missing by axle's word, and what axle calls broken must fail."""
    answers = loads(libraries, "")
    differing, reasons = [], Counter()
    for path in libraries:
        answer = answers.get(path, "no answer")
        absent = re.match(r"(\S+): cannot open shared object file", answer)
        if absent and absent[1] not in missing:
            differing.append(f"{path} needs {absent[1]}, of which axle says nothing")
        if path in broken and answer == "loads":
            differing.append(f"{path} loads, and axle says that it will not")
        if answer != "loads":
            reasons["a library that is not there" if absent else answer.replace(str(path), path.name)] += 1
    print(f"dlopen: {list(answers.values()).count('loads')} of {len(libraries)} load; others:")
    for reason, count in reasons.most_common():
        print(f"  {count}: {reason}")
    for line in differing:
        print(f"  differs: {line}")
    print(f"dlopen: {len(differing)} disagreements")
    return len(differing)


def loads(paths: list[Path], search: str) -> dict[Path, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    if search:
        environment["LD_LIBRARY_PATH"] = search
    answers = {}
    halves = [paths[index::2] for index in range(2)]
    running = []
    for half in halves:
        process = subprocess.Popen([sys.executable, "-I", "-B", "-c", OPENER], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, env=environment)
        running.append((process, "".join(f"{path}\n" for path in half)))
    with ThreadPoolExecutor(2) as pool:
        for output, _ in pool.map(lambda one: one[0].communicate(one[1]), running):
            for line in output.splitlines():
                path, answer = json.loads(line)
                answers[Path(path)] = answer
    return answers


def findings(path: Path) -> int:
    done = subprocess.run(["eu-elflint", "--gnu-ld", path], capture_output=True, text=True, check=False, errors="replace")
    return len([line for line in (done.stdout + done.stderr).splitlines() if line.strip() and "No errors" not in line])


def sweep_edits(axle: str, site: Path, scratch: Path) -> int:
    objects = objects_below(site)
    facts = facts_of(axle, objects)
    libraries = [path for path in objects if facts[path] and ".so" in path.name]
    # What is found through a path that an edit takes away is found here, before and after.
    search = ":".join(sorted({str(path.parent) for path in libraries}))
    copy = scratch / "edited"
    place = {path: copy / path.relative_to(site) for path in objects}

    def fresh() -> None:
        shutil.rmtree(copy, ignore_errors=True)
        for path in objects:
            place[path].parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place[path])
            place[path].chmod(0o755)

    fresh()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        before = loads([place[path] for path in libraries], search)
        lint = shutil.which("eu-elflint")
        lints = dict(zip(objects, pool.map(lambda path: findings(place[path]), objects))) if lint else {}
        good = [path for path in libraries if before.get(place[path]) == "loads"]
        failures = 0
        for name, words in (("add", ["--add", "$ORIGIN/axle-added"]), ("lengthen", ["--set", f"$ORIGIN:{LONG}"]),
                            ("shorten", ["--set", "$ORIGIN"]), ("remove", ["--set", ""])):
            if name != "add":
                fresh()
            done = json.loads(subprocess.run([axle, "rpath", copy, *words, "--json"], capture_output=True, text=True,
                                             check=False).stdout)
            methods = Counter(one["method"] for one in done["objects"] if one["changed"])
            after = loads([place[path] for path in good], search)
            broken = [(path, after.get(place[path])) for path in good if after.get(place[path]) != "loads"]
            worse = []
            if lint:
                for path, number in zip(objects, pool.map(lambda path: findings(place[path]), objects)):
                    if number > lints[path]:
                        worse.append(path)
            print(f"{name}: {done['changed']} of {len(done['objects'])} changed, {done['refused']} refused; "
                  f"{len(good) - len(broken)} of {len(good)} load as before; eu-elflint finds more in {len(worse)}; "
                  + ", ".join(f"{count} {method}" for method, count in methods.most_common()), flush=True)
            for one in done["objects"]:
                if one["refused"]:
                    print(f"  refused: {one['path']}: {one['refused']}")
            for path, answer in broken:
                print(f"  does not load any more: {path.relative_to(site)}: {answer}")
            for path in worse:
                print(f"  eu-elflint finds more: {path.relative_to(site)}")
            failures += len(broken) + len(worse)
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2].strip())
    parser.add_argument("axle")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--wheels", type=Path, default=ROOT / ".cache" / "native")
    parser.add_argument("--only", choices=["verdicts", "edits"])
    parser.add_argument("--keep", type=Path, help="work here, and leave the environment")
    given = parser.parse_args()
    axle = os.path.abspath(given.axle)
    with tempfile.TemporaryDirectory(prefix="axle-sweep-") as folder:
        scratch = given.keep or Path(folder)
        scratch.mkdir(exist_ok=True)
        if not (given.all or os.environ.get("AXLE_TEST_FULL") == "1"):
            # Of the interpreter, also where it runs in an environment: that has no such directory.
            own = next((Path(path) for path in sys.path if Path(path).name == "lib-dynload"), None)
            if own is None or not own.is_dir():
                print("NOT RUN: this interpreter has no libraries of its own")
                return 0
            some = scratch / "lib-dynload"
            some.mkdir()
            for path in objects_below(own)[:12]:
                shutil.copy2(path, some / path.name)
            return 1 if sweep_edits(axle, some, scratch) else 0
        if not given.wheels.is_dir() or not any(given.wheels.iterdir()):
            trouble = download(pip_command(scratch), NAMES, given.wheels, "--no-deps")
            if trouble:
                print(f"pip: {trouble.strip().splitlines()[-1]}")
        env = scratch / "env"
        if not env.exists():
            lock = scratch / "lock.txt"
            wheels = sorted(given.wheels.glob("*.whl"))
            lock.write_text("".join("==".join(path.name.split("-")[:2]) + "\n" for path in wheels))
            run([axle, "sync", lock, "-f", given.wheels, "--offline", "--venv", env, "--store", scratch / "store",
                 "--python", sys.executable, "-q", "--startup-hooks", "allow", "--on-conflict", "first"])
        site = next(env.glob("lib/python*/site-packages"))
        failures = 0
        if given.only != "edits":
            failures += compare_verdicts(axle, env, site)
        if given.only != "verdicts":
            failures += sweep_edits(axle, site, scratch)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
