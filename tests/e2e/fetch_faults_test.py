#!/usr/bin/env python3
"""Randomised installs from a server that misbehaves, some of them killed: no wrong environment, no poisoned store.

    fetch_faults_test.py AXLE [--runs N] [--seed S]

Each run locks a few small wheels by hash, serves each with a behaviour drawn at random, and syncs an environment with
a store that all runs share. Afterwards the environment is exactly the old one or exactly the new one, and at the end
the store verifies and serves every wheel.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

SERVER = pathlib.Path(__file__).resolve().parents[1] / "support" / "fault_server.py"

# Behaviours that a download survives, and those it cannot; the latter end with 4 or 7.
GOOD = ["ok", "chunked", "truncate/1/{half}", "truncate-norange/1/{half}", "changed/{half}", "liar/{half}",
        "wrong-range/{half}", "flaky/503/1", "drop/1", "hops/3", "close/50", "encoded"]
BAD = ["corrupt", "short", "endless", "gigantic", "status/404", "status/403", "loop", "truncate/99/{half}", "garbage"]


def make_wheel(folder, name, version, rng):
    dist_info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"version = {version!r}\n".encode(),
        f"{name}/data.bin": rng.randbytes(rng.randrange(1000, 200_000)),
        f"{dist_info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{dist_info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files[f"{dist_info}/RECORD"] = (record + f"{dist_info}/RECORD,,\n").encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    content = {member: data for member, data in files.items() if not member.endswith("RECORD")}
    return {"name": name, "version": version, "file": path.name, "size": path.stat().st_size, "content": content,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def lock_of(wheels, url_of):
    lines = ['lock-version = "1.0"', 'created-by = "test"']
    for wheel in wheels:
        lines += ["[[packages]]", f'name = "{wheel["name"]}"', f'version = "{wheel["version"]}"',
                  "[[packages.wheels]]", f'name = "{wheel["file"]}"', f'url = "{url_of(wheel)}"',
                  f'size = {wheel["size"]}', f'hashes = {{sha256 = "{wheel["sha256"]}"}}']
    return "\n".join(lines) + "\n"


def installed(venv, names):
    """What the environment has of our distributions: path to bytes."""
    found = {}
    for site in venv.glob("lib/python*/site-packages"):
        for path in site.rglob("*"):
            relative = path.relative_to(site).as_posix()
            if path.is_file() and relative.split("/")[0].split("-")[0] in names and not relative.endswith(
                    ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")):
                found[relative] = path.read_bytes()
    return found


def expected(wheels):
    return {path: content for wheel in wheels for path, content in wheel["content"].items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("axle", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    counts = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "files").mkdir()
        wheels = [make_wheel(folder / "files", f"pkg{i}", f"1.{version}", rng) for i in range(5) for version in range(3)]
        names = {wheel["name"] for wheel in wheels}
        server = subprocess.Popen([sys.executable, SERVER, "--no-tls", "--root", folder / "files"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        base = f"http://127.0.0.1:{json.loads(server.stdout.readline())['http']}"
        store, venv, lock = folder / "store", folder / "venv", folder / "pylock.toml"
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}

        def start(*arguments):
            return subprocess.Popen([options.axle, *arguments, "--store", store], env=environment, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)

        def run(*arguments):
            process = start(*arguments)
            output = process.communicate(timeout=120)
            return process.returncode, output[0] + output[1]

        try:
            state = {}
            killed = False
            for number in range(options.runs):
                # A store that has everything tests nothing: now and then it begins anew.
                if number % 7 == 0:
                    subprocess.run(["chmod", "-R", "u+w", store], check=False, capture_output=True)
                    subprocess.run(["rm", "-rf", store], check=True)
                chosen = [rng.choice([w for w in wheels if w["name"] == name]) for name in sorted(names)]
                chosen = rng.sample(chosen, rng.randrange(1, len(chosen) + 1))
                bad = rng.random() < 0.3

                def url_of(wheel):
                    path = rng.choice(BAD if bad and wheel is chosen[0] else GOOD)
                    path = path.format(half=wheel["size"] // 2)
                    # A URL of its own for each run, so that "the first request" is this run's.
                    return f"{base}/{path}/{wheel['file']}?run={number}"

                lock.write_text(lock_of(chosen, url_of))
                process = start("sync", str(lock), "--venv", str(venv))
                kill = rng.random() < 0.4
                if kill:
                    time.sleep(rng.random() * rng.choice([0.02, 0.1, 0.5]))
                    process.send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
                output = "".join(process.communicate(timeout=120))
                status = process.returncode
                counts[status] = counts.get(status, 0) + 1
                where = f"run {number}: status {status}\n{lock.read_text()}\n{output}"
                assert status in ({0, 4, 7, 130, 143, -9, -2, -15} if kill else {0, 4, 7}), where
                if status in (4, 7):
                    assert base in output and chosen[0]["name"] in output, where
                if status == -9 and venv.exists():
                    run("check", "--venv", str(venv))  # the next command undoes or finishes what was left
                now, new = installed(venv, names), expected(chosen)
                if status == 0:
                    assert now == new, where
                else:
                    assert now in (state, new), where
                state = now
                # What a killed run left goes with the next one that comes as far as fetching.
                if status in (-9, -2, -15):
                    killed = True
                elif status in (0, 4, 7):
                    killed = False
                assert killed or not list(store.rglob("*.part")), where

            status, output = run("store", "verify")
            assert status == 0, output
            for version in range(3):
                chosen = [wheel for wheel in wheels if wheel["version"] == f"1.{version}"]
                lock.write_text(lock_of(chosen, lambda wheel: f"{base}/ok/{wheel['file']}"))
                status, output = run("sync", str(lock), "--venv", str(venv))
                assert status == 0 and installed(venv, names) == expected(chosen), output
        finally:
            server.stdin.close()
            server.wait()
    print(f"{options.runs} runs: " + ", ".join(f"{count} ended with {status}" for status, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
