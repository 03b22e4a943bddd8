#!/usr/bin/env python3
"""Runs the cases of fixtures/cases/: what a user does, what they see, and what is there afterwards.

    run_cases.py AXLE [--update] [--keep DIR] [CASE...]

A case is a text file. Lines before the first section say what it shows. Then, in the order of doing:

    [wheel demo-1.0-py3-none-any.whl]   a wheel in wheels/ (wheel_text.py makes METADATA, WHEEL and RECORD, if not given)
                                        Words after the name: cut=N keeps N bytes; without=RECORD leaves that file out.
    --- demo/__init__.py                begins a member; words after the name: mode=755, unlisted, absent (only RECORD
                                        has it), wrong-digest, wrong-size, algorithm=md5, stored, bzip2, link
    metadata: Requires-Python: >=4      before the first member: one more line of METADATA

    [file locks/a.txt]                  a file with this text
    [run]
    $ axle sync a.txt --venv env        one line for sh; `axle` is the program, the working directory is the case's own
    status 3                            default 0
    out REGEX / err REGEX               some line of the output matches; `no-out`, `no-err`: none does
    [tree env]                          what is below env: "644 path", "link path -> target", "dir path/" when empty
    [content env/bin/demo]              regexes: for each, in order, a line of the file matches
    [records env]                       every RECORD below it is complete and true

In texts `$SHA256(FILE)` is the digest of wheels/FILE; in trees, contents and commands `pyX.Y` in `lib/pyX.Y/` is the
interpreter's version, `$TMP` the case's directory, `$PYTHON` the interpreter. Trees leave out `.axle/`. --update
rewrites trees and statuses as they are now; the difference is to be read before it is committed.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from tree import listing, record_faults
from wheel_text import Wheel

CASES = Path(__file__).resolve().parents[2] / "fixtures" / "cases"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass
class Section:
    kind: str
    words: list[str]
    lines: list[str] = field(default_factory=list)


def parse(text: str) -> tuple[list[str], list[Section]]:
    head: list[str] = []
    sections: list[Section] = []
    for line in text.split("\n"):
        match = re.fullmatch(r"\[(wheel|file|run|tree|content|records)( [^\]]*)?\]", line)
        if match:
            sections.append(Section(match[1], (match[2] or "").split()))
        else:
            (sections[-1].lines if sections else head).append(line)
    return head, sections


def without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


class Failure(Exception):
    pass


def make_wheel(section: Section) -> Wheel:
    wheel = Wheel(section.words[0])
    for word in section.words[1:]:
        key, _, value = word.partition("=")
        if key == "cut":
            wheel.cut = int(value)
        elif key == "without":
            wheel.without.add(value)
        else:
            raise Failure(f"unknown word {word!r} at a wheel")
    member = None
    lines: list[str] = []

    def finish():
        if member is not None:
            name, how = member
            text = "\n".join(without_blank_end(lines))
            wheel.file(name, text if how.get("is_link") or not text else text + "\n", **how)

    for line in section.lines:
        if line.startswith("metadata: ") and member is None:
            wheel.metadata += line.removeprefix("metadata: ") + "\n"
        elif line.startswith("--- "):
            finish()
            name, *words = line[4:].split()
            how: dict = {}
            for word in words:
                key, _, value = word.partition("=")
                if key == "mode":
                    how["mode"] = int(value, 8)
                elif key == "algorithm":
                    how["algorithm"] = value
                else:
                    how |= {
                        "unlisted": {"listed": False},
                        "absent": {"in_zip": False},
                        "wrong-digest": {"wrong_digest": True},
                        "wrong-size": {"wrong_size": True},
                        "stored": {"compression": zipfile.ZIP_STORED},
                        "bzip2": {"compression": zipfile.ZIP_BZIP2},
                        "link": {"is_link": True, "compression": zipfile.ZIP_STORED},
                    }[word]
            member, lines = (name, how), []
        elif member is not None:
            lines.append(line)
        elif line.strip():
            raise Failure(f"text before the first member: {line!r}")
    finish()
    return wheel


class Case:
    def __init__(self, path: Path, axle: str, work: Path, update: bool):
        self.path, self.work, self.update = path, work, update
        self.head, self.sections = parse(path.read_text(encoding="utf-8"))
        (work / "bin").mkdir(parents=True)
        (work / "wheels").mkdir()
        (work / "home").mkdir()
        os.symlink(axle, work / "bin" / "axle")
        self.environment = {
            "PATH": f"{work}/bin:{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "HOME": f"{work}/home",
            "AXLE_STORE": f"{work}/store",
            "TMP": str(work),
            "PYTHON": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
        }
        for name, value in os.environ.items():
            if name.startswith(("ASAN_", "UBSAN_", "LSAN_", "TSAN_")):
                self.environment[name] = value

    def digest(self, match: re.Match) -> str:
        return hashlib.sha256((self.work / "wheels" / match[1]).read_bytes()).hexdigest()

    def real(self, text: str) -> str:
        text = re.sub(r"\$SHA256\(([^)]*)\)", self.digest, text)
        return text.replace("pyX.Y", VERSION).replace("$TMP", str(self.work)).replace("$PYTHON", sys.executable)

    def general(self, text: str) -> str:
        return text.replace(str(self.work), "$TMP").replace(sys.executable, "$PYTHON").replace(VERSION, "pyX.Y")

    def run(self) -> None:
        for number, section in enumerate(self.sections, 1):
            try:
                getattr(self, "do_" + section.kind)(section)
            except Failure as failure:
                raise Failure(f"section {number} [{' '.join([section.kind, *section.words])}]: {failure}") from None
        if self.update:
            blocks = ["\n".join(without_blank_end(self.head))]
            for section in self.sections:
                title = " ".join([section.kind, *section.words])
                blocks.append("\n".join([f"[{title}]", *without_blank_end(section.lines)]))
            # Results stand at their command, without a blank line between.
            text = blocks[0]
            for section, block in zip(self.sections, blocks[1:]):
                text += ("\n" if section.kind in ("tree", "content", "records") else "\n\n") + block
            self.path.write_text(text + "\n", encoding="utf-8")

    def do_wheel(self, section: Section) -> None:
        (self.work / "wheels" / section.words[0]).write_bytes(make_wheel(section).build())

    def do_file(self, section: Section) -> None:
        path = self.work / section.words[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = without_blank_end(section.lines)
        path.write_text(self.real("".join(line + "\n" for line in lines)), encoding="utf-8")

    def do_run(self, section: Section) -> None:
        command, status, wanted = "", 0, []
        at_status = None
        for index, line in enumerate(section.lines):
            if line.startswith("$ "):
                command = line[2:]
            elif line.startswith("status "):
                status, at_status = int(line[7:]), index
            elif match := re.fullmatch(r"(no-)?(out|err) (.*)", line):
                wanted.append((bool(match[1]), match[2], self.real(match[3])))
            elif line.strip():
                raise Failure(f"cannot read {line!r}")
        done = subprocess.run(["sh", "-c", self.real(command)], cwd=self.work, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=300)
        said = f"\n$ {command}\n{done.stdout}{done.stderr}"
        if done.returncode != status:
            if not self.update:
                raise Failure(f"exit status {done.returncode}, not {status}{said}")
            if at_status is not None:
                section.lines[at_status] = f"status {done.returncode}"
            else:
                section.lines.insert(1, f"status {done.returncode}")
        for none, stream, pattern in wanted:
            lines = (done.stdout if stream == "out" else done.stderr).split("\n")
            if any(re.search(pattern, line) for line in lines) == none:
                raise Failure(f"{'a' if none else 'no'} line of {stream} matches {pattern!r}{said}")

    def do_tree(self, section: Section) -> None:
        top = self.work / self.real(section.words[0])
        found = [self.general(line) for line in listing(str(top))] if top.is_dir() else ["absent"]
        wanted = [line for line in section.lines if line.strip()]
        if self.update:
            section.lines = found
        elif found != wanted:
            lines = [f"- {line}" for line in wanted if line not in found]
            lines += [f"+ {line}" for line in found if line not in wanted]
            raise Failure("\n".join(["is another one", *(lines or ["the same in another order"])]))

    def do_content(self, section: Section) -> None:
        path = self.work / self.real(section.words[0])
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError as error:
            raise Failure(str(error)) from None
        at = 0
        for pattern in without_blank_end(section.lines):
            while at < len(lines) and not re.search(self.real(pattern), lines[at]):
                at += 1
            if at == len(lines):
                raise Failure(f"no (further) line matches {pattern!r}\n{path.read_text(errors='replace')}")
            at += 1

    def do_records(self, section: Section) -> None:
        if faults := record_faults(str(self.work / self.real(section.words[0]))):
            raise Failure("\n".join(faults))


def run_case(path: Path, arguments, base: Path) -> str | None:
    work = base / path.stem
    try:
        Case(path, os.path.abspath(arguments.axle), work, arguments.update).run()
    except Failure as failure:
        return str(failure)
    if not arguments.keep:
        shutil.rmtree(work, ignore_errors=True)
    return None


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("axle")
    parser.add_argument("cases", nargs="*", help="names of cases, or files; default: all")
    parser.add_argument("--update", action="store_true", help="write trees and statuses as they are")
    parser.add_argument("--keep", help="a directory that keeps what the cases made")
    arguments = parser.parse_intermixed_args()
    paths = [Path(case) if case.endswith(".case") else CASES / f"{case}.case" for case in arguments.cases]
    paths = paths or sorted(CASES.glob("*.case"))
    base = Path(arguments.keep or tempfile.mkdtemp(prefix="axle-cases-")).resolve()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, failure in zip(paths, pool.map(lambda path: run_case(path, arguments, base), paths)):
            if failure is not None:
                failed += 1
                print(f"{path.stem}: {failure}\n")
    if not arguments.keep:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{len(paths) - failed} cases passed, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
