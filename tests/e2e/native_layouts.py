#!/usr/bin/env python3
"""Native libraries of several wheels, made by the compilers at hand, loaded in every layout that axle makes.

    native_layouts.py AXLE [--all]

Each case is a library that is opened by its path in a fresh process and asked for a number, or a program that prints it.
All are loaded after copying, hard-linking and linking (directories as one link, and file by file where another wheel has
files in the same directories), with glibc and, where musl-gcc is installed, with musl; then once more after the
environment was moved. With --all every compiler at hand makes the libraries; else the first.
"""

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wheel_text import Wheel

TAGS = "py3-none-any"
VERSION = "%d.%d" % sys.version_info[:2]
SITE = f"lib/python{VERSION}/site-packages"

OPENER = """
import ctypes, sys
print(ctypes.CDLL(sys.argv[1]).value())
"""

DRIVER = r"""
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char** argv) {
  void* library = dlopen(argv[1], RTLD_NOW);
  if (!library) { fprintf(stderr, "%s\n", dlerror()); return 1; }
  printf("%d\n", ((int (*)(void))dlsym(library, "value"))());
  return 0;
}
"""


class Failure(Exception):
    pass


def expect(condition, *words):
    if not condition:
        raise Failure(" ".join(str(word) for word in words))


class Forge:
    """Libraries by one compiler; each is made once, and others are linked against it."""

    def __init__(self, compiler: list[str], place: Path):
        self.compiler, self.place = compiler, place
        place.mkdir()

    def run(self, *words) -> None:
        done = subprocess.run([*self.compiler, *words], cwd=self.place, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{self.compiler}: {done.stderr}")

    def library(self, name: str, body: str, needs=(), path: str | None = None, rpath=False, soname=None) -> bytes:
        """`value` is what the body makes of the libraries that it names."""
        source = self.place / f"{name}.c"
        source.write_text(body)
        words = ["-shared", "-fPIC", "-o", f"{name}", source.name, f"-Wl,-soname,{soname or name}", "-L.",
                 "-Wl,--no-as-needed", *[f"-l:{need}" for need in needs]]
        if path is not None:
            words += [f"-Wl,-rpath,{path}", "-Wl,--disable-new-dtags" if rpath else "-Wl,--enable-new-dtags"]
        # A needed library's own needs are not looked for: that is what is tested.
        self.run(*words, "-Wl,--allow-shlib-undefined", "-Wl,--unresolved-symbols=ignore-in-shared-libs")
        return (self.place / name).read_bytes()

    def program(self, name: str, body: str, needs=(), path: str | None = None, static=False) -> bytes:
        (self.place / f"{name}.c").write_text(body)
        words = ["-o", name, f"{name}.c", "-L.", *[f"-l:{need}" for need in needs]]
        if static:
            words.append("-static")
        if path is not None:
            words += [f"-Wl,-rpath,{path}", "-Wl,--enable-new-dtags"]
        self.run(*words, "-Wl,--unresolved-symbols=ignore-in-shared-libs")
        return (self.place / name).read_bytes()


def calls(*names: str, plus: int) -> str:
    declared = "".join(f"int {name}(void); " for name in names)
    return f"{declared}\nint value(void) {{ return {' + '.join([f'{name}()' for name in names] + [str(plus)])}; }}\n"


def gives(name: str, number: int) -> str:
    return f"int {name}(void) {{ return {number}; }}\nint value(void) {{ return {number}; }}\n"


def through(name: str, *names: str, plus: int) -> str:
    total = " + ".join([f"{each}()" for each in names] + [str(plus)])
    return calls(*names, plus=plus) + f"int {name}(void) {{ return {total}; }}\n"


def make_wheels(forge: Forge) -> tuple[list[Wheel], dict[str, int], dict[str, int]]:
    """The wheels; libraries by their paths in site-packages with the numbers they give; programs likewise."""
    make = forge.library
    executable = {"mode": 0o755}
    gamma = make("libgamma.so", gives("ground", 1))
    beta = make("libbeta.so", through("beta", "ground", plus=10), ["libgamma.so"], "$ORIGIN/../../gamma/lib")
    alpha = make("libalpha.so", through("alpha", "beta", plus=100), ["libbeta.so"], "$ORIGIN/../../beta/lib")
    # RPATH is inherited: the second library has none and is found through the first one's.
    heir = make("libheir.so", through("heir", "ground", plus=3000), ["libgamma.so"])
    delta = make("libdelta.so", calls("heir", "ground", plus=0), ["libheir.so", "libgamma.so"],
                 "$ORIGIN:$ORIGIN/../../gamma/lib", rpath=True)
    same_one = make("libsame_one.so", gives("same", 5), soname="libsame.so")
    same_two = make("libsame_two.so", gives("same", 7), soname="libsame.so")
    for name, content in (("libsame.so", same_one),):
        (forge.place / name).write_bytes(content)
    uses_one = make("uses_one.so", calls("same", plus=0), ["libsame.so"], "$ORIGIN/../same_one.libs")
    uses_two = make("uses_two.so", calls("same", plus=0), ["libsame.so"], "$ORIGIN/../same_two.libs")
    opens = make("libopens.so", r"""
#include <dlfcn.h>
int value(void) {
  void* library = dlopen("libgamma.so", RTLD_NOW);
  return library ? ((int (*)(void))dlsym(library, "ground"))() + 20000 : -1;
}
""", (), "$ORIGIN/../../gamma/lib")
    n_one = make("libn_one.so", gives("n_one", 400))
    n_two = make("libn_two.so", through("n_two", "n_one", plus=40), ["libn_one.so"], "$ORIGIN/../../one/lib")
    program = 'int printf(const char*, ...); int ground(void); int main(void) { printf("%d\\n", ground()); return 0; }\n'
    tool = forge.program("tool", program, ["libgamma.so"], f"$ORIGIN/../{SITE}/gamma/lib")
    inner = forge.program("inner", program, ["libgamma.so"], "$ORIGIN/../../gamma/lib")
    own = forge.program("own", program, ["libgamma.so"], "$ORIGIN/../lib")
    static = forge.program("static", 'int printf(const char*, ...); int main(void) { printf("77\\n"); return 0; }\n',
                           static=True)
    # auditwheel puts programs of .data/scripts into PACKAGE.scripts and leaves a script that starts them.
    shim = ("#!python\nimport os, sys, sysconfig\n"
            "if __name__ == '__main__':\n"
            "    path = os.path.join(sysconfig.get_path('platlib'), 'shim.scripts', 'shimmed')\n"
            "    os.execv(path, [path, *sys.argv[1:]])\n")
    shimmed = forge.program("shimmed", program, ["libgamma.so"], "$ORIGIN/../shim.libs")

    def wheel(name: str, requires=()) -> Wheel:
        made = Wheel(f"{name}-1.0-{TAGS}.whl", metadata="".join(f"Requires-Dist: {each}\n" for each in requires))
        if name != "nv_one" and name != "nv_two":
            made.file(f"{name}/__init__.py", "")
        return made

    wheels = [
        wheel("gamma").file("gamma/lib/libgamma.so", gamma),
        wheel("beta", ["gamma"]).file("beta/lib/libbeta.so", beta).file("beta/lib/deep/data.txt", "x"),
        wheel("alpha", ["beta"]).file("alpha/lib/libalpha.so", alpha).file("alpha/lib/deep/data.txt", "x"),
        wheel("delta", ["gamma"]).file("delta/lib/libdelta.so", delta).file("delta/lib/libheir.so", heir),
        wheel("same_one").file("same_one/uses_one.so", uses_one).file("same_one.libs/libsame.so", same_one),
        wheel("same_two").file("same_two/uses_two.so", uses_two).file("same_two.libs/libsame.so", same_two),
        wheel("opens", ["gamma"]).file("opens/lib/libopens.so", opens),
        wheel("nv_one").file("nv/one/lib/libn_one.so", n_one),
        wheel("nv_two", ["nv-one"]).file("nv/two/lib/libn_two.so", n_two),
        wheel("tool", ["gamma"]).file("@data/scripts/tool", tool, **executable)
        .file("@data/scripts/static", static, **executable).file("tool/bin/inner", inner, **executable)
        .file("tool/bin/static", static, **executable),
        wheel("own").file("own/bin/own", own, **executable).file("own/lib/libgamma.so", gamma),
        wheel("shim").file("@data/scripts/shimmed", shim, **executable)
        .file("shim.scripts/shimmed", shimmed, **executable).file("shim.libs/libgamma.so", gamma),
    ]
    libraries = {
        "gamma/lib/libgamma.so": 1, "beta/lib/libbeta.so": 11, "alpha/lib/libalpha.so": 111,
        "delta/lib/libdelta.so": 3002, "same_one/uses_one.so": 5, "same_two/uses_two.so": 7,
        "opens/lib/libopens.so": 20001, "nv/two/lib/libn_two.so": 440,
    }
    programs = {"bin/tool": 1, "bin/static": 77, f"{SITE}/tool/bin/inner": 1, f"{SITE}/tool/bin/static": 77,
                f"{SITE}/own/bin/own": 1, f"{SITE}/shim.scripts/shimmed": 1, "bin/shimmed": 1}
    return wheels, libraries, programs


def pads(wheels: list[Wheel]) -> Wheel:
    """A wheel with a file in every directory of the others: with it, nothing but files can be linked."""
    made = Wheel(f"pad-1.0-{TAGS}.whl")
    directories = {member.name.rpartition("/")[0] for wheel in wheels for member in wheel.members
                   if ".data/" not in member.name}
    for directory in sorted(directories):
        made.file(f"{directory}/pad.txt", "pad")
    return made


class Bench:
    def __init__(self, axle: str, top: Path):
        self.axle, self.top, self.count = axle, top, 0

    def run(self, *words, status=0) -> str:
        done = subprocess.run([self.axle, *map(str, words), "--store", str(self.top / "store"), "--offline"],
                              capture_output=True, text=True)
        expect(done.returncode == status, words, "gave", done.returncode, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout

    def sync(self, wheels: list[Wheel], *words, status=0) -> Path:
        """A fresh environment with these wheels."""
        self.count += 1
        place = self.top / f"case-{self.count}"
        (place / "links").mkdir(parents=True)
        for wheel in wheels:
            (place / "links" / wheel.file_name).write_bytes(wheel.build())
        lock = place / "requirements.txt"
        lock.write_text("".join(f"{wheel.stem.replace('-', '==')}\n" for wheel in wheels))
        python = [] if "--platform" in words else ["--python", sys.executable]
        self.run("sync", lock, "--find-links", place / "links", "--venv", place / "env", *python, *words, status=status)
        return place / "env"


def opened_by(opener: list[str], path: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    done = subprocess.run([*opener, str(path)], capture_output=True, text=True, env=environment, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


def load_all(env: Path, site: str, opener, libraries, programs, words: str) -> None:
    for name, number in libraries.items():
        answer = opened_by(opener, env / site / name)
        expect(answer == str(number), words, name, "gave", answer, "instead of", number)
    for name, number in programs.items():
        answer = opened_by([], env / name)
        expect(answer == str(number), words, name, "gave", answer, "instead of", number)


def test_layouts(bench: Bench, forge: Forge, name: str) -> None:
    wheels, libraries, programs = make_wheels(forge)
    opener = [sys.executable, "-c", OPENER]
    for mode in ("copy", "hardlink", "symlink"):
        for padded in (False, True):
            if padded and mode != "symlink":
                continue
            words = f"{name} {mode}{' file by file' if padded else ''}"
            env = bench.sync(wheels + ([pads(wheels)] if padded else []), "--link-mode", mode)
            load_all(env, SITE, opener, libraries, programs, words)
            bench.run("check", "--native", "--venv", env)
            if mode == "symlink" and not padded:
                expect((env / SITE / "gamma").is_symlink(), words, "gamma is not one link")
                expect((env / SITE / "same_one").is_symlink(), words, "same_one is not one link")
                expect((env / SITE / "beta/lib/deep").is_symlink(), words, "beta/lib/deep is not one link")
                expect((env / SITE / "own").is_symlink(), words, "own is not one link")
            moved = env.parent / "moved somewhere"
            env.rename(moved)
            own = {key: value for key, value in programs.items() if key != "bin/shimmed"}  # it names its interpreter
            load_all(moved, SITE, opener, libraries, own, words + " moved")


def test_musl(bench: Bench, top: Path) -> str:
    if shutil.which("musl-gcc") is None:
        return "musl-gcc is not installed"
    forge = Forge(["musl-gcc"], top / "musl")
    wheels, libraries, _ = make_wheels(forge)
    # dlopen of a bare name searches the paths of the program there, not those of the library that asks.
    del libraries["opens/lib/libopens.so"]
    driver = top / "musl" / "driver"
    (top / "musl" / "driver.c").write_text(DRIVER)
    forge.run("-o", "driver", "driver.c")
    site = "lib/python3.12/site-packages"
    for mode in ("copy", "hardlink", "symlink"):
        env = bench.sync(wheels, "--link-mode", mode, "--platform", "musllinux_1_2_x86_64", "--python-version", "3.12")
        # musl knows a library that was opened by its path under no name, but takes RUNPATH from those that load it.
        load_all(env, site, [str(driver)], libraries, {}, f"musl {mode}")
        moved = env.parent / "moved"
        env.rename(moved)
        load_all(moved, site, [str(driver)], libraries, {}, f"musl {mode} moved")
    return ""


def record_rows(env: Path, stem: str) -> dict[str, tuple[str, str]]:
    text = (env / SITE / f"{stem}.dist-info" / "RECORD").read_text()
    return {row[0]: (row[1], row[2]) for row in csv.reader(io.StringIO(text))}


def expect_true_record(env: Path, stem: str) -> None:
    for name, (digest, size) in record_rows(env, stem).items():
        if not digest:
            continue
        content = (env / SITE / name).read_bytes()
        true = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        expect(digest == "sha256=" + true and size == str(len(content)), "RECORD is wrong on", name)


def broken_wheels(forge: Forge) -> tuple[list[Wheel], bytes, bytes]:
    """A library without a path, one with an RPATH that leads nowhere, and what both need."""
    gamma = forge.library("libgamma.so", gives("ground", 1))
    lost = forge.library("liblost.so", calls("ground", plus=50), ["libgamma.so"])
    old = forge.library("libold.so", calls("ground", plus=60), ["libgamma.so"], "$ORIGIN/nowhere", rpath=True)
    return [
        Wheel(f"gamma-1.0-{TAGS}.whl").file("gamma/__init__.py", "").file("gamma/lib/libgamma.so", gamma),
        Wheel(f"lost-1.0-{TAGS}.whl", metadata="Requires-Dist: gamma\n").file("lost/__init__.py", "")
        .file("lost/lib/liblost.so", lost).file("lost/lib/more/data.txt", "x"),
        Wheel(f"old-1.0-{TAGS}.whl").file("old/__init__.py", "").file("old/lib/libold.so", old),
    ], lost, old


def test_fix(bench: Bench, forge: Forge) -> None:
    opener = [sys.executable, "-c", OPENER]
    for mode in ("copy", "hardlink", "symlink"):
        wheels, lost, old = broken_wheels(forge)
        libraries = {"lost/lib/liblost.so": 51, "old/lib/libold.so": 61}
        words = f"fix {mode}"
        plain = bench.sync(wheels, "--link-mode", mode)
        expect("cannot open" in opened_by(opener, plain / SITE / "old/lib/libold.so"), words, "nothing was broken")
        report = json.loads(bench.run("check", "--native", "--json", "--venv", plain, status=1))
        expect(any(one["kind"] == "library-unloadable" and "libold.so" in one["path"] for one in report["problems"]),
               words, report)
        env = bench.sync(wheels, "--link-mode", mode, "--rpath", "fix")
        load_all(env, SITE, opener, libraries, {}, words)
        bench.run("check", "--venv", env)
        for stem in ("lost-1.0", "old-1.0", "gamma-1.0"):
            expect_true_record(env, stem)
        facts = json.loads(bench.run("rpath", "--print", "--json", env / SITE / "old/lib/libold.so"))["objects"][0]
        expect(facts["kind"] == "rpath" and facts["rpaths"] == ["$ORIGIN/nowhere", "$ORIGIN/../../gamma/lib"],
               words, facts)
        # The wheel's own file is as it was, in the store and in the other environment.
        expect((plain / SITE / "old/lib/libold.so").read_bytes() == old, words, "the other environment changed")
        bench.run("store", "verify")
        again = ["sync", env.parent / "requirements.txt", "--find-links", env.parent / "links", "--venv", env,
                 "--link-mode", mode, "--rpath", "fix"]
        would = json.loads(bench.run("plan", *again[1:], "--json"))
        expect(not would["would_change"], words, "a second sync would change something")
        patched = {entry["path"] for entry in would["entries"] if entry["kind"] == "patched"}
        expect(patched == {f"{SITE}/{name}" for name in libraries}, words, patched)
        # Another command keeps what fix did.
        bench.run("uninstall", "old", "--venv", env)
        expect(not (env / SITE / "old").exists(), words, "something of old is left")
        load_all(env, SITE, opener, {"lost/lib/liblost.so": 51}, {}, words + " after uninstall")
        target = env / SITE / "lost/lib/liblost.so"
        target.unlink()
        target.write_bytes(b"damaged")
        bench.run("check", "--venv", env, status=1)
        bench.run(*again, "--repair")
        load_all(env, SITE, opener, libraries, {}, words + " repaired")
        bench.run("check", "--venv", env)
        bench.run("store", "gc")
        load_all(env, SITE, opener, libraries, {}, words + " after gc")
        bench.run("store", "verify")
        # auto gives the originals back.
        bench.run(*again[:-1], "auto")
        expect((env / SITE / "old/lib/libold.so").read_bytes() == old, words, "auto left the edited one")


def test_refusals(bench: Bench, forge: Forge) -> None:
    """An object that would need an edit and cannot have one: 8, and nothing is written."""
    wheels, _, _ = broken_wheels(forge)
    for wheel in wheels[:2]:
        content = bytearray(wheel.members[1].content)
        content[18:20] = (8).to_bytes(2, "little")  # MIPS: its largest page is not known
        wheel.members[1].content = bytes(content)
    place = bench.top / f"case-{bench.count + 1}"
    bench.sync(wheels[:2], "--rpath", "fix", "--platform", "linux_mips64el", "--python-version", "3.12", status=8)
    expect(not (place / "env").exists(), "a refused edit left an environment")
    bench.sync(wheels[:2], "--rpath", "auto", "--platform", "linux_mips64el", "--python-version", "3.12")


def test_rpath_command(bench: Bench, forge: Forge, place: Path) -> None:
    place.mkdir()
    ground = forge.library("libgamma.so", gives("ground", 1))
    lib = forge.library("libuser.so", calls("ground", plus=1), ["libgamma.so"], "$ORIGIN/../lib:$ORIGIN/none", rpath=True)
    bare = forge.library("libbare.so", calls("ground", plus=2), ["libgamma.so"])
    static = forge.program("static", 'int main(void) { return 0; }\n', static=True)
    for name, content in {"lib/libgamma.so": ground, "user/libuser.so": lib, "user/deep/odd name": bare,
                          "user/static": static, "user/text.so": b"#!/bin/sh\n"}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    (place / "user/link.so").symlink_to("libuser.so")
    other = place / "other-name"
    os.link(place / "user/libuser.so", other)
    user = place / "user/libuser.so"

    def rpath(*words, status=0):
        return json.loads(bench.run("rpath", *words, "--json", status=status))

    def one(path, *words):
        return rpath(path, *words)["objects"][0]

    shown = {Path(each["path"]).name: (each["kind"], each["rpaths"]) for each in rpath(place)["objects"]}
    expect(shown == {"libgamma.so": (None, []), "libuser.so": ("rpath", ["$ORIGIN/../lib", "$ORIGIN/none"]),
                     "odd name": (None, []), "static": (None, []),
                     "other-name": ("rpath", ["$ORIGIN/../lib", "$ORIGIN/none"])}, shown)
    text = bench.run("rpath", "--print", user)
    expect(text == f"{user}: rpath $ORIGIN/../lib:$ORIGIN/none\n", text)
    expect(rpath(user, "--add", "$ORIGIN/a", "--dry-run")["changed"] == 1 and user.read_bytes() == lib, "a dry run wrote")
    # A longer list needs a new segment; the other name of the file keeps the old content.
    added = one(user, "--add", "$ORIGIN/" + "a" * 200)
    expect(added["kind"] == "rpath" and added["changed"] and added["size_after"] > added["size"], added)
    expect(other.read_bytes() == lib and user.stat().st_nlink == 1, "the other hard link changed")
    expect(opened_by([sys.executable, "-c", OPENER], user) == "2", "the edited library does not load")
    expect(one(user, "--remove", "$ORIGIN/" + "a" * 200)["result"] == ["$ORIGIN/../lib", "$ORIGIN/none"], "remove")
    expect(one(user, "--shrink")["result"] == ["$ORIGIN/../lib"], "shrink")
    expect(one(place / "user/link.so", "--add", "$ORIGIN")["changed"], "a link's target is edited")
    expect((place / "user/link.so").is_symlink() and one(user)["rpaths"] == ["$ORIGIN/../lib", "$ORIGIN"], "the link")
    whole = rpath(place, "--set", "$ORIGIN/../lib")
    expect(whole["changed"] == 4 and whole["refused"] == 0 and len(whole["objects"]) == 4, whole)
    expect(opened_by([sys.executable, "-c", OPENER], user) == "2", "the tree's libraries do not load")
    expect(one(user, "--set", "")["result"] == [] and one(user)["kind"] is None, "an empty list removes it")
    refused = rpath(place / "user/static", "--set", "$ORIGIN", status=8)
    expect(refused["refused"] == 1 and "statically" in refused["objects"][0]["refused"], refused)
    bench.run("rpath", place / "user/text.so", status=3)
    bench.run("rpath", place / "absent", status=7)
    bench.run("rpath", status=2)
    bench.run("rpath", user, "--print", "--add", "x", status=2)
    bench.run("rpath", user, "--add", "a:b", status=3)
    stored = next((bench.top / "store").glob("v*/wheels/*/tree/purelib/*/lib/*.so"), None)
    if stored:
        before = stored.read_bytes()
        expect("store" in rpath(stored, "--add", "$ORIGIN/x", status=8)["objects"][0]["refused"], "the store was edited")
        expect(stored.read_bytes() == before, "the store changed")
    expect(not [path for path in place.rglob(".*axle*")], "something temporary is left")


def test_reports(bench: Bench, forge: Forge) -> None:
    """plan, inspect and check say the same of what will not load."""
    wheels, _, _ = broken_wheels(forge)
    env = bench.sync(wheels)
    lock, links = env.parent / "requirements.txt", env.parent / "links"
    wanted = {("library-unloadable", "error", "old"), ("library-preloaded", "warning", "lost")}

    def seen(problems):
        return {(each["kind"], each["severity"], each["distribution"]) for each in problems}

    planned = json.loads(bench.run("plan", lock, "-f", links, "--venv", env, "--json"))["native"]
    expect(seen(planned["problems"]) == wanted and planned["objects"] == 3, planned)
    inspected = json.loads(bench.run("inspect", env, "--json"))["native"]
    expect(seen(inspected["problems"]) == wanted and inspected["objects"] == 3, inspected)
    checked = json.loads(bench.run("check", "--native", env, "--json", status=1))
    expect(seen(checked["problems"]) == wanted, checked)
    expect("$ORIGIN/../../gamma/lib" in bench.run("plan", lock, "-f", links, "--venv", env), "no hint in the plan")
    alone = json.loads(bench.run("inspect", links / wheels[1].file_name, "--json"))["native"]
    expect(alone["verdicts"].get("not-found") == 1 and len(alone["problems"]) == 1, alone)
    expect("libgamma.so" in bench.run("inspect", links / wheels[1].file_name), "inspect's text has no miss")


def main() -> int:
    everything = "--all" in sys.argv or os.environ.get("AXLE_TEST_FULL") == "1"
    axle = str(Path([word for word in sys.argv[1:] if not word.startswith("--")][0]).resolve())
    compilers = [name for name in ("gcc", "clang", "cc") if shutil.which(name)]
    if not compilers:
        print("native_layouts: no C compiler, nothing is tested")
        return 0
    top = Path(tempfile.mkdtemp(prefix="axle-native-"))
    failures = 0
    try:
        bench = Bench(axle, top)
        tests = [(f"layouts {name}", lambda name=name: test_layouts(bench, Forge([name], top / name), name))
                 for name in (compilers if everything else compilers[:1])]
        tests.append(("fix", lambda: test_fix(bench, Forge([compilers[0]], top / "fix"))))
        tests.append(("refusals", lambda: test_refusals(bench, Forge([compilers[0]], top / "refusals"))))
        tests.append(("rpath", lambda: test_rpath_command(bench, Forge([compilers[0]], top / "rpath"), top / "tree")))
        tests.append(("reports", lambda: test_reports(bench, Forge([compilers[0]], top / "reports"))))
        tests.append(("musl", lambda: test_musl(bench, top)))
        for name, test in tests:
            try:
                skipped = test()
                print(f"{name}: " + (f"not run: {skipped}" if skipped else "ok"), flush=True)
            except Failure as failure:
                failures += 1
                print(f"{name}: FAILED: {failure}", flush=True)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
