#!/usr/bin/env python3
"""The commands of docs/containers.md, build-systems.md, bundle.md and launchers.md, as they stand there.

    pages_test.py AXLE

Each page has a directory of its own, with an empty home and small wheels written from text, and its `sh` and `console`
blocks run in it one after another: every command must succeed, and what a console block shows must be what is said. Only
versions and places of interpreters are replaced by those of this machine, and what needs a network or a container engine is
left out, line by line, by LEFT_OUT: a line of that list that no page has is a fault. Snippets of files must be part of the
files in scripts/integrations, which other tests build.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bundle_test import standalone_python
from wheel_text import Wheel

AXLE = os.path.abspath(sys.argv[1])
ROOT = Path(__file__).resolve().parents[2]
PYTHON = "%d.%d" % sys.version_info[:2]
# What a line begins with, and why it does not run here.
LEFT_OUT = {
    "skopeo copy docker://": "needs a registry",
    "skopeo copy oci:image:latest docker://": "needs a registry",
    "podman ": "needs a container engine",
    "uv pip compile": "needs an index; the lock is there",
    "export AXLE_INDEX_URL=": "needs an index; the lock names a directory of wheels",
}
TOOLS = ("skopeo", "umoci", "cmake")
missing: set[str] = set()
left_out: set[str] = set()


def fail(message: str) -> None:
    raise SystemExit(f"pages: {message}")


def runs(line: str) -> bool:
    """Whether the line can run here; what is left out is remembered."""
    for start in LEFT_OUT:
        if line.startswith(start):
            left_out.add(start)
            return False
    tool = line.split(" ")[0]
    if tool in TOOLS and not shutil.which(tool):
        missing.add(tool)
        return False
    return True


class Page:
    def __init__(self, name: str, work: Path):
        self.name = name
        self.text = (ROOT / "docs" / name).read_text()
        self.dir = work / name.removesuffix(".md")
        self.home = work / "home" / name.removesuffix(".md")
        for folder in (self.dir / "bin", self.dir / "wheels", self.home):
            folder.mkdir(parents=True)
        (self.dir / "bin/axle").symlink_to(AXLE)
        self.environment = {"PATH": f"{self.dir}/bin:{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "HOME": str(self.home),
                            "LC_ALL": "C.UTF-8", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.dir / "index"),
                            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def replace(self, old: str, new: str) -> None:
        if old not in self.text:
            fail(f"{self.name}: {old} does not stand there any more")
        self.text = self.text.replace(old, new)

    def blocks(self, language: str) -> list[str]:
        found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", self.text, re.M | re.S)
        return [re.sub(rf"(?m)^{indent}", "", block) for indent, block in found]

    def run(self, command: str, where: Path) -> str:
        done = subprocess.run(["sh", "-euc", command], cwd=where, env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            fail(f"{self.name}: status {done.returncode} of\n{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def shell(self, block: str) -> None:
        lines = re.sub(r"\\\n\s*", "", block).splitlines(keepends=True)
        self.run("".join(line for line in lines if runs(line)), self.dir)

    def console(self, block: str, where: Path) -> None:
        """`$ command`, and what it prints if something follows."""
        block = re.sub(r"\\\n\s*", "", block)
        for command, told in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            if runs(command):
                said = self.run(command, where)
                if told and said != told:
                    fail(f"{self.name}: {command} says\n{said}and not\n{told}")


def lock_of(wheels: Path) -> tuple[str, str]:
    """A requirements file and a uv.lock of the wheels in a directory."""
    requirements, packages = "", ""
    for path in sorted(wheels.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        requirements += f"{name}=={version} --hash=sha256:{digest}\n"
        packages += (f'\n[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "{wheels.name}" }}\n'
                     f'wheels = [{{ path = "{path.name}", hash = "sha256:{digest}" }}]\n')
    needs = ", ".join(f'{{ name = "{path.name.split("-")[0]}" }}' for path in sorted(wheels.glob("*.whl")))
    project = f'\n[[package]]\nname = "program"\nversion = "1.0"\nsource = {{ virtual = "." }}\ndependencies = [{needs}]\n'
    return requirements, f'version = 1\nrevision = 3\nrequires-python = ">=3.8"\n{packages}{project}'


def write_wheels(folder: Path) -> None:
    for wheel in (Wheel("greet-1.0-py3-none-any.whl").file("greet/__init__.py")
                  .file("greet/cli.py", "import words\ndef main():\n    print('hello', words.WORD)\n")
                  .file("@info/entry_points.txt", "[console_scripts]\nhello = greet.cli:main\n"),
                  Wheel("words-1.0-py3-none-any.whl").file("words/__init__.py", "WORD = 'world'\n")):
        (folder / wheel.file_name).write_bytes(wheel.build())


def write_locks(page: Page) -> None:
    write_wheels(page.dir / "wheels")
    requirements, uv_lock = lock_of(page.dir / "wheels")
    (page.dir / "requirements.txt").write_text(requirements)
    (page.dir / "uv.lock").write_text(uv_lock)


def containers(work: Path) -> None:
    page = Page("containers.md", work)
    page.replace("3.12", PYTHON)
    page.replace("cd /tmp", f"cd {page.home}")
    page.replace("/tmp/b.tar.gz", f"{page.home}/b.tar.gz")
    write_locks(page)
    if shutil.which("umoci"):
        page.run("umoci init --layout base && umoci new --image base:latest", page.dir)
    blocks = page.blocks("sh")
    for block in blocks:
        if "--base base" in block and not shutil.which("umoci"):
            missing.add("umoci")
            continue
        page.shell(block)
    for made in ("layer.tar.gz", "layer.tar.zst", "image/index.json"):
        if not (page.dir / made).is_file():
            fail(f"containers.md: {made} was not made")


def build_systems(work: Path) -> None:
    page = Page("build-systems.md", work)
    page.replace("/usr/bin/python3.11", os.path.realpath(sys.executable))
    page.replace("3.11", PYTHON)
    (page.dir / "index").mkdir()
    write_wheels(page.dir / "index")
    (page.dir / "requirements.txt").write_text(lock_of(page.dir / "index")[0])
    [patch] = page.blocks("diff")
    (page.dir / "greet.patch").write_text(patch)
    [lists] = page.blocks("cmake")
    for block in page.blocks("console"):
        if "pip" in block and subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
            missing.add("pip")
            shutil.copytree(page.dir / "index", page.dir / "wheels", dirs_exist_ok=True)
        elif "cmake" not in block:
            page.console(block, page.dir)
        elif shutil.which("cmake"):
            # As one who installed axle has it: the package in a prefix whose bin is on PATH.
            project, package = page.dir / "cmake project", page.dir / "lib/cmake/axle"
            package.mkdir(parents=True)
            for name in ("axleConfig.cmake", "axle_add_venv.cmake"):
                shutil.copy(ROOT / "cmake" / name, package)
            project.mkdir()
            (project / "CMakeLists.txt").write_text(lists)
            (project / "wheels").mkdir()
            write_wheels(project / "wheels")
            page.console(block, project)
        else:
            missing.add("cmake")
    patched = page.dir / f"build/greet/lib/python{PYTHON}/site-packages/greet/cli.py"
    if "goodbye" not in patched.read_text():
        fail("build-systems.md: the patch was not applied")

    original = (ROOT / "docs/build-systems.md").read_text()
    for language, file in (("ninja", "ninja/build.ninja"), ("cmake", "cmake/example/CMakeLists.txt")):
        [block] = re.findall(rf"```{language}\n(.*?)```", original, re.S)
        if block not in (ROOT / "scripts/integrations" / file).read_text():
            fail(f"build-systems.md: the {language} snippet is not part of {file}")
    example = "".join((ROOT / "scripts/integrations/bazel/example" / name).read_text() for name in ("BUILD.bazel", "tools/axle/BUILD.bazel"))
    targets = [bazel_target(target) for target in re.findall(r"^axle_\w+\([^()]*\)$", example, re.M)]
    for block in re.findall(r"   ```python\n(.*?)```", original, re.S):
        for target in re.findall(r"^   (axle_\w+\([^()]*\))$", block, re.M):
            if bazel_target(target) not in targets:
                fail(f"build-systems.md: the example's workspace has not {target}")


def bazel_target(text: str) -> list[str]:
    """Rule and attributes, however they are written."""
    rule, _, attributes = re.sub(r"\s", "", text).rstrip(")").partition("(")
    return [rule, *sorted(attribute for attribute in re.findall(r"\w+=(?:\[[^\]]*\]|[^,]+)", attributes))]


def bundle(work: Path) -> None:
    page = Page("bundle.md", work)
    page.replace("~/.pyenv/versions/3.12.1", str(standalone_python(work)))
    # In place of uvicorn, what answers --version alike.
    wheel = (Wheel("uvicorn-1.0-py3-none-any.whl").file("uvicorn/__init__.py", "import sys\ndef main():\n    print('Running', sys.argv[1])\n")
             .file("@info/entry_points.txt", "[console_scripts]\nuvicorn = uvicorn:main\n"))
    (page.dir / "wheels" / wheel.file_name).write_bytes(wheel.build())
    (page.dir / "requirements.lock.txt").write_text("--find-links wheels\n" + lock_of(page.dir / "wheels")[0])
    for block in page.blocks("sh"):
        page.shell(block)
    [settings] = page.blocks("toml")
    (page.dir / "settings.toml").write_text(settings)
    # The settings of the page are accepted, and hold.
    python = re.search(r"--with-python (\S+)", page.text)[1]
    page.run(f"axle bundle requirements.lock.txt --with-python {python} --entry uvicorn --settings settings.toml -o 'with settings'", page.dir)
    said = page.run("'with settings/bin/uvicorn'", page.dir)
    if "Running app:app" not in said:
        fail(f"bundle.md: with the page's settings the program says {said!r}")


def launchers(work: Path) -> None:
    page = Page("launchers.md", work)
    page.replace("/opt/app", "app")
    write_locks(page)
    for block in page.blocks("sh"):
        page.shell(block)
    if page.run("app/bin/hello", page.dir) != "hello world\n":
        fail("launchers.md: the launcher does not start its program")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="axle-pages-") as top:
        work = Path(top).resolve()
        for page in (containers, build_systems, bundle, launchers):
            page(work)
            print(f"ok {page.__name__}", flush=True)
    if unused := set(LEFT_OUT) - left_out:
        fail(f"no page has these lines: {unused}")
    for tool in sorted(missing):
        print(f"NOT RUN: what needs {tool}")


if __name__ == "__main__":
    main()
