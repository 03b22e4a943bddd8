"""What Python's packaging says to each operation of `axle debug`: the reference of pep_oracle.py."""

import re
import warnings

from packaging import tags as packaging_tags
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    canonicalize_name,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

warnings.simplefilter("ignore")  # escapes that Python's literals deprecate

LINUX_312 = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.12.0",
    "python_version": "3.12",
    "sys_platform": "linux",
}


def name_valid(name):
    try:
        canonicalize_name(name, validate=True)
    except ValueError:
        return False
    return True


def is_valid(constructor):
    def valid(text):
        try:
            constructor(text)
        except ValueError:
            return False
        return True

    return valid


def version_compare(a, b):
    a, b = Version(a), Version(b)
    return (a > b) - (a < b)


def marker_eval(text, environment):
    marker = Marker(text)
    full = dict(LINUX_312, extra="", extras=frozenset(), dependency_groups=frozenset())
    for key, value in environment.items():
        full[key] = frozenset(value) if key in ("extras", "dependency_groups") else value
    return marker.evaluate(full)


def wheel_filename(text):
    name, version, build, tags = parse_wheel_filename(text)
    return {"name": name, "version": str(version), "build": list(build), "tags": sorted(map(str, tags))}


def sdist_filename(text):
    name, version = parse_sdist_filename(text)
    return {"name": name, "version": str(version)}


def requirement_parse(text):
    requirement = Requirement(text)
    return {
        "name": requirement.name,
        "url": requirement.url,
        "extras": sorted(requirement.extras),
        "specifier": str(requirement.specifier),
        "marker": None if requirement.marker is None else str(requirement.marker),
    }


def reference_platforms(platform):
    """What packaging's own generators give for a machine whose best platform tag is `platform`."""
    legacy = {"manylinux2014": (2, 17), "manylinux2010": (2, 12), "manylinux1": (2, 5)}
    match = re.fullmatch(r"(manylinux|musllinux|macosx|ios)_(\d+)_(\d+)_(.+)", platform)
    if match is None and platform.split("_")[0] in legacy:
        family, _, arch = platform.partition("_")
        match = ("manylinux", *legacy[family], arch)
    elif match is not None:
        match = (match[1], int(match[2]), int(match[3]), match[4])
    if match is None:
        match = re.fullmatch(r"android_(\d+)_(.+)", platform)
        if match is not None:
            return list(packaging_tags.android_platforms(int(match[1]), match[2]))
        return [platform]
    family, major, minor, arch = match
    if family == "macosx":
        return list(packaging_tags.mac_platforms((major, minor), arch))
    if family == "ios":
        return list(packaging_tags.ios_platforms((major, minor), arch))
    many, musl = packaging_tags._manylinux, packaging_tags._musllinux
    saved = (many._get_glibc_version, many._have_compatible_abi, musl._get_musl_version)
    sysconfig = packaging_tags.sysconfig
    get_platform = sysconfig.get_platform
    try:
        many._have_compatible_abi = lambda executable, archs: True
        many._get_glibc_version = lambda: many._GLibCVersion(*((major, minor) if family == "manylinux" else (-1, -1)))
        musl._get_musl_version = lambda executable: (
            musl._MuslVersion(major, minor) if family == "musllinux" else None
        )
        sysconfig.get_platform = lambda: "linux-" + arch
        return list(packaging_tags._linux_platforms(is_32bit=False))
    finally:
        many._get_glibc_version, many._have_compatible_abi, musl._get_musl_version = saved
        sysconfig.get_platform = get_platform


# A list of no platforms must not fall back to those of the running machine.
packaging_tags.platform_tags = lambda: iter(())


def reference_tags(target):
    python = tuple(int(part) for part in target.get("python", "3.12").split(".")[:2])
    nodot = "".join(map(str, python))
    platforms = reference_platforms(target["platform"])
    implementation = target.get("implementation", "cp")
    implementation = packaging_tags.INTERPRETER_SHORT_NAMES.get(implementation, implementation)
    abi = target.get("abi")
    if implementation == "cp":
        abis = [abi]
        debug = re.fullmatch(r"cp\d+(t?)d", abi or "")
        if abi is None or debug:
            # The interpreter's own list: asked of packaging as if it ran on that interpreter.
            threaded = debug[1] == "t" if debug else target.get("free_threaded", False)
            facts = {"Py_GIL_DISABLED": int(threaded), "Py_DEBUG": int(debug is not None), "Py_UNICODE_SIZE": 4}
            saved = packaging_tags._get_config_var
            packaging_tags._get_config_var = lambda name, warn=False: facts.get(name)
            try:
                abis = packaging_tags._cpython_abis(python) if len(python) > 1 else []
            finally:
                packaging_tags._get_config_var = saved
        yield from packaging_tags.cpython_tags(python, abis, platforms)
        interpreter = "cp" + nodot
    else:
        if abi is not None:
            abis = [abi]
        else:
            abis = [f"pypy{nodot}_pp73"] if implementation == "pp" else []
        yield from packaging_tags.generic_tags(implementation + nodot, abis, platforms)
        interpreter = "pp3" if implementation == "pp" else None
    yield from packaging_tags.compatible_tags(python, interpreter, platforms)


def select_wheel(names, target):
    ranks = {}
    for rank, tag in enumerate(reference_tags(target)):
        ranks.setdefault(tag, rank)
    best = None
    for name in names:
        try:
            _, _, build, tags = parse_wheel_filename(name)
        except ValueError:
            continue
        fitting = [ranks[tag] for tag in tags if tag in ranks]
        if fitting and (best is None or (-min(fitting), build) > best[0]):
            best = ((-min(fitting), build), name)
    return None if best is None else best[1]


REFERENCE = {
    "version-valid": is_valid(Version),
    "version-normalize": lambda text: str(Version(text)),
    "version-canonical": canonicalize_version,
    "version-compare": version_compare,
    "specifier-valid": is_valid(SpecifierSet),
    "specifier-normalize": lambda text: str(SpecifierSet(text)),
    "specifier-contains": lambda spec, version, pre: SpecifierSet(spec).contains(version, prereleases=pre),
    "marker-valid": is_valid(Marker),
    "marker-eval": marker_eval,
    "name-valid": name_valid,
    "name-normalize": canonicalize_name,
    "wheel-filename": wheel_filename,
    "sdist-filename": sdist_filename,
    "requirement-parse": requirement_parse,
    "requirement-normalize": lambda text: str(Requirement(text)),
    "tags": lambda target: [str(tag) for tag in reference_tags(target)],
    "select-wheel": select_wheel,
}
