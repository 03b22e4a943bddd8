"""What a directory holds, for comparisons. `.axle/`, axle's own, is left out, and times of directories are."""

import base64
import csv
import hashlib
import os
import stat


def walk(top: str, below: str = ""):
    """(path, lstat) of everything below top, sorted."""
    for name in sorted(os.listdir(os.path.join(top, below))):
        if name == ".axle":
            continue
        path = os.path.join(below, name)
        status = os.lstat(os.path.join(top, path))
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            yield from walk(top, path)


def snapshot(top: str) -> dict[str, tuple]:
    """Path to (type, mode, link's target or digest of the bytes)."""
    found = {}
    if not os.path.lexists(top):
        return found
    for path, status in walk(top):
        full = os.path.join(top, path)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFLNK:
            found[path] = ("link", os.readlink(full))
        elif kind == stat.S_IFDIR:
            found[path] = ("dir", oct(stat.S_IMODE(status.st_mode)))
        else:
            with open(full, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            found[path] = ("file", oct(stat.S_IMODE(status.st_mode)), digest)
    return found


def listing(top: str) -> list[str]:
    """One line for each file, link and empty directory: "644 a/b", "link a/c -> b", "dir d/"."""
    lines = []
    for path, status in walk(top):
        full = os.path.join(top, path)
        if stat.S_ISLNK(status.st_mode):
            lines.append(f"link {path} -> {os.readlink(full)}")
        elif stat.S_ISDIR(status.st_mode):
            if not os.listdir(full):
                lines.append(f"dir {path}/")
        else:
            lines.append(f"{stat.S_IMODE(status.st_mode):03o} {path}")
    return lines


def record_faults(top: str) -> list[str]:
    """Where the RECORDs below top are not what the contract says they are."""
    faults = []
    for folder, dirs, _ in os.walk(top, followlinks=True):
        for info in [name for name in dirs if name.endswith(".dist-info")]:
            faults += faults_of_record(folder, info)
    return faults


def faults_of_record(site: str, info: str) -> list[str]:
    faults = []
    seen = set()
    with open(os.path.join(site, info, "RECORD"), newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    for path, digest, size in rows:
        if path in seen:
            faults.append(f"{info}: {path} is listed twice")
        seen.add(path)
        if path == f"{info}/RECORD":
            if digest or size:
                faults.append(f"{info}: RECORD's own row has a digest")
            continue
        full = os.path.join(site, path)
        if not os.path.isfile(full):
            faults.append(f"{info}: {path} is listed and not there")
            continue
        with open(full, "rb") as file:
            content = file.read()
        true = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        if digest != true:
            faults.append(f"{info}: {path} has another digest")
        if size != str(len(content)):
            faults.append(f"{info}: {path} has another size")
    if f"{info}/RECORD" not in seen:
        faults.append(f"{info}: RECORD has no row of its own")
    for name in os.listdir(os.path.join(site, info)):
        if os.path.isfile(os.path.join(site, info, name)) and f"{info}/{name}" not in seen:
            faults.append(f"{info}: {name} is not listed")
    return faults
