#!/usr/bin/env python3
"""Layers of real programs: the same bytes under other conditions, an installed environment when unpacked, and running.

    layer_image_test.py AXLE [--all]

Makes a base image with umoci: this Python, its standard library and the libraries that it needs. Puts layers on it, once
as usual and once in another directory, with another umask, other threads, another date and wheels of another age;
unpacks the image with umoci, compares it with an environment that `axle sync` made, times included, and starts its
programs with chroot. Of its own by default; with --all or AXLE_TEST_FULL=1 also jupyterlab and the scipy stack (from
.cache/bench, where scripts/bench keeps them, or from the index), and buildah builds the Dockerfiles of docs/containers.md.
What did not run is said in one line.
"""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from tree import faults_of_record, snapshot, walk  # noqa: E402
from wheel_text import Wheel  # noqa: E402

AXLE = os.path.abspath(sys.argv[1])
EVERYTHING = "--all" in sys.argv[2:] or os.environ.get("AXLE_TEST_FULL") == "1"
PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
VERSION = ".".join(map(str, sys.version_info[:3]))
EPOCH = "1700000000"
TARGET = ["--python-version", VERSION, "--target-python", PYTHON]
# What is to be started in an image, by the arguments of its environment's python; "bin/x" is a program.
STARTS = {
    "sample": [["bin/demo"], ["bin/demo-script"], ["-c", "import demo; demo.main()"]],
    "jupyterlab": [["bin/jupyter", "--version"], ["bin/jupyter-lab", "--version"],
                   ["-c", "import jupyterlab, zmq, tornado, IPython, nbconvert, argon2, rpds, yaml"]],
    "scipy": [["-c", "import numpy, scipy.linalg, pandas, matplotlib.pyplot, sklearn.linear_model; "
               "print(scipy.linalg.inv(numpy.eye(3)).sum(), pandas.DataFrame({'a': [1]}).a.sum())"]],
}


def run(*words, **how) -> str:
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, check=False, **how)
    if done.returncode != 0:
        sys.exit(f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def is_static(program: str) -> bool:
    """No interpreter is named at the front of the file."""
    with open(program, "rb") as file:
        head = file.read(4096)
    return b"/ld-linux" not in head and b"/ld-musl" not in head


def libraries_of(objects: list[Path]) -> set[str]:
    """The shared libraries that these need, and those that manylinux expects of every system."""
    text = "".join(subprocess.run(["ldd", path], text=True, capture_output=True, check=False).stdout for path in objects)
    text += subprocess.run(["sh", "-c", "/sbin/ldconfig -p | grep -E 'lib(stdc\\+\\+.so.6|gcc_s.so.1|z.so.1|rt.so.1|dl.so.2|pthread.so.0|util.so.1|m.so.6) '"], text=True,
                           capture_output=True, check=False).stdout
    found = re.findall(r"(?:=> |^\s+)(/\S+)", text, re.M)
    return {path for path in found if "/tcl" not in path and "libX" not in path}


def make_base(work: Path) -> Path:
    """An OCI layout whose image has this Python where it is here."""
    base, bundle = work / "base", work / "base-bundle"
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run("umoci", "init", "--layout", base)
    run("umoci", "new", "--image", f"{base}:latest")
    run("umoci", "unpack", *rootless, "--image", f"{base}:latest", bundle)
    rootfs = bundle / "rootfs"
    stdlib = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}))
    left_out = shutil.ignore_patterns("site-packages", "dist-packages", "test", "tests", "__pycache__", "idlelib", "config-*",
                                      "tkinter", "turtledemo", "lib2to3", "ensurepip", "_tkinter*")
    shutil.copytree(stdlib, f"{rootfs}{stdlib}", symlinks=True, ignore=left_out)
    for path in libraries_of([Path(PYTHON), *stdlib.glob("lib-dynload/*.so")]) | {PYTHON}:
        Path(f"{rootfs}{path}").parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.realpath(path), f"{rootfs}{path}")
    (rootfs / "tmp").mkdir(exist_ok=True)
    run("umoci", "repack", "--image", f"{base}:latest", bundle)
    shutil.rmtree(bundle)
    return base


def sample(folder: Path) -> None:
    values = "".join(f"value_{i} = {i}\n" for i in range(3000))
    demo = (Wheel("demo-1.0-py3-none-any.whl")
            .file("demo/__init__.py", "import hashlib, json\nfrom demo import values\ndef main():\n    print('demo runs')\n")
            .file("demo/values.py", values).file("demo/again.py", values).file("demo/data.bin", bytes(range(256)) * 30_000)
            .file("demo/tool.sh", "#!/bin/sh\n", mode=0o755)
            .file("@data/scripts/demo-script", "#!python\nimport demo\ndemo.main()\n", mode=0o755)
            .file("@info/entry_points.txt", "[console_scripts]\ndemo = demo:main\n"))
    (folder / demo.file_name).write_bytes(demo.build())


def wheels_of(name: str, work: Path) -> Path:
    folder = work / "wheels"
    folder.mkdir()
    if name == "sample":
        sample(folder)
        return folder
    from bench_corpora import FETCHED  # noqa: PLC0415
    kept = ROOT / ".cache" / "bench" / name
    if kept.is_dir():
        for path in kept.glob("*.whl"):
            shutil.copy(path, folder)
    else:
        run(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--only-binary", ":all:", "-d", folder,
            *FETCHED[name])
    return folder


def lock_of(wheels: Path) -> str:
    rows = [(path.name.split("-")[:2], hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted(wheels.glob("*.whl"))]
    return "".join(f"{name}=={version} --hash=sha256:{digest}\n" for (name, version), digest in rows)


class Another:
    """Other conditions: directory, umask, threads, time zone, date, age of the wheels."""

    def __init__(self, work: Path, wheels: Path):
        self.place = work / "another place" / "deeper"
        self.place.mkdir(parents=True)
        self.wheels = self.place / "the wheels"
        shutil.copytree(wheels, self.wheels, copy_function=shutil.copyfile)
        # libfaketime is preloaded, so it moves only programs that are linked dynamically.
        self.before = []
        if shutil.which("faketime") and not is_static(AXLE):
            self.before = ["faketime", "2031-07-08 09:10:11"]
        else:
            print("NOT RUN: another date (faketime is not installed, or axle is static)")


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name.count(".axle-") == 0}


def times(top: Path) -> dict[str, float]:
    return {path: status.st_mtime for path, status in walk(str(top)) if stat.S_ISREG(status.st_mode)}


def check_program(name: str, base: Path | None, work: Path) -> None:
    wheels = wheels_of(name, work)
    (work / "lock.txt").write_text(lock_of(wheels))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    environment.pop("VIRTUAL_ENV", None)
    outputs = [["-o", "l.tar"], ["-o", "l.tar.gz"], ["-o", "l.tar.zst"], ["--oci", "split", "--split", "package"]]
    if base:
        outputs.append(["--oci", "image", "--base", str(base)])
    common = ["--offline", "--startup-hooks", "allow", "--no-store", "-q", *TARGET]
    usual = work / "usual"
    usual.mkdir()
    another = Another(work, wheels)
    for output in outputs:
        run(AXLE, "layer", work / "lock.txt", "-f", wheels, *output, *common, cwd=usual, env=environment)
        run(*another.before, AXLE, "layer", work / "lock.txt", "-f", another.wheels, *output, *common, "-j", "7", cwd=another.place,
            umask=0o077, env={**environment, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    shutil.rmtree(another.wheels)
    found, wanted = digests(another.place), digests(usual)
    assert found == wanted, {path for path in wanted if found.get(path) != wanted[path]}
    shutil.rmtree(another.place)
    print(f"{name}: {len(wanted)} files are the same: " + ", ".join(f"{path} {wanted[path][:12]}" for path in ("l.tar.gz", "l.tar.zst")))
    if not base:
        return
    run(AXLE, "sync", work / "lock.txt", "-f", wheels, *common, "--root", work / "root", "--venv", "/opt/venv", "--link-mode", "copy",
        env=environment)
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run("umoci", "unpack", *rootless, "--image", f"{usual}/image:latest", work / "bundle")
    rootfs = work / "bundle" / "rootfs"
    unpacked, installed = snapshot(str(rootfs / "opt/venv")), snapshot(str(work / "root/opt/venv"))
    assert unpacked == installed, sorted(set(unpacked.items()) ^ set(installed.items()))[:10]
    of_image, of_environment = times(rootfs / "opt/venv"), times(work / "root/opt/venv")
    assert of_image == of_environment, [(path, of_image[path], time) for path, time in of_environment.items()
                                        if of_image[path] != time][:10]
    # Of the distributions, not of dist-infos that one has vendored.
    own = {path.name for path in (rootfs / "opt/venv").glob("lib/python*/site-packages/*.dist-info")}
    [site] = (rootfs / "opt/venv").glob("lib/python*/site-packages")
    faults = [fault for info in own for fault in faults_of_record(str(site), info)]
    assert faults == [], faults[:10]
    print(f"{name}: {len(unpacked)} files and directories are those of an installed environment")
    if os.geteuid() != 0:
        print("NOT RUN: starting in the image (chroot needs root)")
        return
    for words in STARTS[name]:
        command = [f"/opt/venv/{words[0]}", *words[1:]] if words[0].startswith("bin/") else ["/opt/venv/bin/python", *words]
        said = run("env", "-i", "HOME=/tmp", "PATH=/opt/venv/bin", shutil.which("chroot"), rootfs, *command)
        print(f"{name}: {' '.join(words)[:60]} -> {' '.join(said.split())[:70]}")
    if EVERYTHING and name == "sample":
        start_by_podman(usual / "image", work)


def start_by_podman(image: Path, work: Path) -> None:
    """Loads an image with the sample, and starts it as a container."""
    if not all(map(shutil.which, ("podman", "runc", "skopeo"))) or os.geteuid() != 0:
        print("NOT RUN: podman (it, runc or skopeo is not installed, or this is not root)")
        return
    run("skopeo", "copy", "-q", f"oci:{image}:latest", f"docker-archive:{work}/image.tar:sample:latest")
    podman = ["podman", "--root", work / "containers", "--runroot", work / "running", "--storage-driver", "vfs"]
    run(*podman, "load", "-q", "-i", work / "image.tar")
    # Limits and network are those that a sandbox can give; crun does not start where cgroups are of both versions.
    said = run(*podman, "--runtime", shutil.which("runc"), "run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024",
               "--ulimit", "nproc=1024:1024", "sample:latest", "/opt/venv/bin/demo")
    assert said == "demo runs\n", said
    run(*podman, "rmi", "--all", "--force")
    print("sample: podman loaded and started it")


def follow_the_page(base: Path, work: Path) -> None:
    """The Dockerfiles of docs/containers.md as they stand, but for the version of Python, built by buildah without a network."""
    minor = "%d.%d" % sys.version_info[:2]
    page = (ROOT / "docs/containers.md").read_text().replace("3.12", minor)
    recipes = re.findall(r"```dockerfile\n(.*?)```", page, re.S)
    assert len(recipes) == 2, len(recipes)
    bundle = work / "with-the-name"
    run("umoci", "unpack", "--image", f"{base}:latest", bundle)
    (bundle / "rootfs/usr/local/bin").mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(f"{bundle}/rootfs/usr/local/bin/python{minor}"):
        os.symlink(PYTHON, f"{bundle}/rootfs/usr/local/bin/python{minor}")
    run("umoci", "repack", "--image", f"{base}:named", bundle)
    shutil.rmtree(bundle)
    context = work / "context"
    (context / "wheels").mkdir(parents=True)
    sample(context / "wheels")
    (context / "requirements.txt").write_text(lock_of(context / "wheels"))
    shutil.copy(AXLE, context / "axle")
    run(AXLE, "layer", "requirements.txt", "--find-links", "wheels", "--python-version", minor, "-o", "layer.tar.gz", "--no-store", cwd=context)
    buildah = ["buildah", "--root", work / "storage", "--runroot", work / "run", "--storage-driver", "vfs"]
    # It makes a name of the path, which may have no upper case.
    image = run(*buildah, "pull", "-q", f"oci:{base.name}:named", cwd=base.parent).split()[-1]
    run(*buildah, "tag", image, f"docker.io/library/python:{minor}-slim")
    for number, recipe in enumerate(recipes):
        if "/axle" in recipe and not is_static(AXLE):
            print("NOT RUN: a Dockerfile that starts axle from scratch (this axle is not static)")
            continue
        (context / "Dockerfile").write_text(recipe)
        run(*buildah, "bud", "--isolation", "chroot", "--network", "host", "--pull-never", "-t", f"program{number}", context)
        container = run(*buildah, "from", "--pull-never", f"program{number}").strip()
        said = run(*buildah, "run", "--isolation", "chroot", "--network", "host", container, "demo")
        assert said == "demo runs\n", said
        run(*buildah, "rm", container)
        print(f"docs/containers.md: Dockerfile {number + 1} built and started")
    run(*buildah, "rmi", "--all", "--force")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="axle-image-") as top:
        base = None
        if shutil.which("umoci"):
            base = make_base(Path(top))
        else:
            print("NOT RUN: images (umoci is not installed)")
        for name in ["sample", "jupyterlab", "scipy"] if EVERYTHING else ["sample"]:
            work = Path(top) / name
            work.mkdir()
            check_program(name, base, work)
            shutil.rmtree(work)
        if EVERYTHING and base and shutil.which("buildah") and os.geteuid() == 0:
            follow_the_page(base, Path(top))
        elif EVERYTHING:
            print("NOT RUN: the Dockerfiles (buildah is not installed, or this is not root)")


if __name__ == "__main__":
    main()
