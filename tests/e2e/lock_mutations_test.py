#!/usr/bin/env python3
"""Real lock files with something broken in them, and extremes: each ends soon, with a selection or an error that has its place.

    lock_mutations_test.py AXLE [--runs N] [--seed S]

By default a small sample; with AXLE_TEST_FULL 1,500 runs.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "locks"
BYTES = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\x1b[0m", b"\xc0\x80", b"\xed\xa0\x80"]
KEYS = ["name", "version", "source", "marker", "markers", "groups", "files", "wheels", "sdist", "dependencies", "hash", "hashes",
        "url", "size", "requires-python", "lock-version", "metadata", "extras", "extra", "index", "path"]
VALUES = ["1", "-1", "9" * 23, "1e999", "true", '""', '"\\u0000"', "[]", "{}", "[[[[]]]]", "1979-05-27", '"../../x"', "nan",
          '[1, "a"]', "{a = 1}", '"sha256:zz"', f'"{"9" * 5000}"', '"==1.*"', f'"{"(" * 2000}"', f'"{"a" * 70000}"', "null",
          '"9999999999999999999999999!1"', f'"1+{"1." * 3000}1"', "\"python_version < '3' and \"", '"file:///etc/passwd"']
TARGETS = [("3.12", "manylinux_2_28_x86_64"), ("3.10", "win_amd64")]
VALUE = re.compile(r'(?m)(?<=[=:] )("(?:[^"\\\n]|\\.)*"|\[[^\n]*\]|\{[^\n]*\}|\d+)')


def mutate(content: bytes, rng: random.Random) -> bytes:
    kind = rng.randrange(10)
    at = rng.randrange(len(content) or 1)
    if kind == 0:
        broken = bytearray(content)
        for _ in range(rng.randrange(1, 20)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        return bytes(broken)
    if kind == 1:
        return content[:at]
    if kind == 2:
        return content[:at] + rng.choice(BYTES) + content[at:]
    if kind == 3:
        return content.replace(b"\n", b"\r\n")
    if kind < 7:
        lines = content.split(b"\n")
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        if kind == 4:
            del lines[one]
        elif kind == 5:
            lines.insert(one, lines[one])
        else:
            lines[one], lines[other] = lines[other], lines[one]
        return b"\n".join(lines)
    text = content.decode("utf-8", "replace")
    pattern, values = (re.compile(rf"\b{rng.choice(KEYS)}\b"), KEYS) if kind == 7 else (VALUE, VALUES)
    found = list(pattern.finditer(text))
    if found:
        match = rng.choice(found)
        text = text[:match.start()] + rng.choice(values) + text[match.end():]
    return text.encode()


def extremes() -> list[tuple[str, str]]:
    deep = "(" * 100_000 + "python_version > '3'" + ")" * 100_000
    long = " and ".join(["python_version > '3'"] * 50_000)
    uv = "version = 1\n"
    source = 'source = { registry = "https://index.example/simple" }\n'
    chain = "".join(f'[[package]]\nname = "a{i}"\nversion = "1"\n{source}dependencies = [{{ name = "a{(i + 1) % 5000}" }}]\n'
                    for i in range(5000))
    root = '[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\ndependencies = [{ name = "a0" }]\n'
    found = [("uv.lock", uv + root + chain), ("Pipfile.lock", '{"_meta":' * 50_000), ("Pipfile.lock", '{"_meta":{},"default":' + "[" * 50_000),
             ("requirements.txt", f"a==1 ; {deep}\n"), ("requirements.txt", f"a==1 ; {long}\n"), ("requirements.txt", "-r requirements.txt\na==1\n"),
             ("requirements.txt", f"a=={'9' * 500_000}\n"), ("requirements.txt", "a==1 \\\n" * 50_000), ("requirements.txt", "a==1\0\n"),
             ("requirements.txt", "".join(f"a{i}\n" for i in range(10_000)) + "-c constraints.txt\n"),
             ("Pipfile.lock", '{"_meta": {"pipfile-spec": 6}, "default": {"a": {"version": "==1", "markers": "' + deep + '"}}}')]
    for name, head in [("uv.lock", uv), ("pylock.toml", 'lock-version = "1.0"\n'), ("pdm.lock", "a = 1\n"), ("poetry.lock", "a = 1\n")]:
        for text in ["x" + ".a" * 100_000 + " = 1", "[x" + ".a" * 100_000 + "]", "x = " + "[" * 100_000, "x = " + "{a=" * 100_000, "x = 1\nx = 2",
                     "y = " + "9" * 30, "".join(f"[t{i}]\n" for i in range(20_000))]:
            found.append((name, f"{head}{text}\n"))
    return found


class Judge:
    def __init__(self, axle: str, work: Path):
        self.axle, self.work, self.runs, self.failures = axle, work, 0, 0

    def run(self, name: str, content: bytes, what: str, python: str, platform: str) -> None:
        (self.work / name).write_bytes(content)
        with open(self.work / "errors", "w+b") as errors:
            process = subprocess.Popen(
                [self.axle, "plan", name, "--pins", "--json", "--all-extras", "--all-groups", "--python-version", python, "--platform",
                 platform], cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace")
        faults = []
        if process.returncode not in (0, 3, 4, 5, 6, 8):
            faults.append(f"exit status {process.returncode}")
        if process.returncode == 3 and not re.search(r"^error: \S+?:\d+:\d+: ", said):
            faults.append("an error without its place")
        if "Sanitizer" in said or "runtime error" in said:
            faults.append("a sanitizer's report")
        # Processor time, so that other work on the machine does not count; sanitizers cost a multiple.
        if usage.ru_utime + usage.ru_stime > 10:
            faults.append(f"{usage.ru_utime + usage.ru_stime:.1f} s")
        if len(said) > 20_000:
            faults.append(f"a message of {len(said)} characters")
        self.runs += 1
        if faults:
            self.failures += 1
            print("WRONG", what, "; ".join(faults), said[:300])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("axle")
    parser.add_argument("--runs", type=int, default=1500 if os.environ.get("AXLE_TEST_FULL") else 80)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    locks = sorted(path for path in FIXTURES.rglob("*") if path.suffix in (".lock", ".txt") or path.name.startswith("pylock"))
    with tempfile.TemporaryDirectory(prefix="axle-mutations-") as work:
        judge = Judge(str(Path(arguments.axle).resolve()), Path(work))
        (judge.work / "constraints.txt").write_text("".join(f"a{i}==1\n" for i in range(10_000)))
        for number, (name, text) in enumerate(extremes()):
            judge.run(name, text.encode(), f"extreme {number} ({name})", *TARGETS[0])
        for number in range(arguments.runs):
            path = rng.choice(locks)
            content = mutate(path.read_bytes(), rng)
            if rng.random() < 0.4 and content:
                content = mutate(content, rng)
            project = path.parent / "pyproject.toml"
            (judge.work / "pyproject.toml").unlink(missing_ok=True)
            if project.exists():
                broken = rng.random() < 0.1
                (judge.work / "pyproject.toml").write_bytes(mutate(project.read_bytes(), rng) if broken else project.read_bytes())
            judge.run(path.name, content, f"run {number} of seed {arguments.seed} ({path.relative_to(FIXTURES)})", *rng.choice(TARGETS))
        print(f"{judge.runs} runs, {judge.failures} failed")
        return 1 if judge.failures else 0


if __name__ == "__main__":
    sys.exit(main())
