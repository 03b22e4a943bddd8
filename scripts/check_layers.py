#!/usr/bin/env python3
"""Holds the rooms of docs/architecture.md: who may include whom, and where foreign headers may appear.

usage: check_layers.py [ROOT]

Prints one line `file:line: what is wrong` a violation and exits 1 if there is one. A file of more than 500 lines is a
warning only.
"""

import re
import sys
from pathlib import Path

# room -> the rooms whose headers (public and private) it may include, beside its own.
ROOMS = {
    "base": "",
    "pep": "base",
    "archive": "base",
    "object": "base",
    "wheel": "base pep archive object",
    "lock": "base pep",
    "env": "base pep wheel",
    "store": "base pep wheel archive",
    "plan": "base pep",
    "exec": "base object wheel env store plan",
    "action": "base pep archive object wheel env store plan exec",
    "cli": "base pep archive object wheel lock env store plan exec action",
}
# room -> the rooms of which it may include public headers only (include/axle/<room>/).
PUBLIC_ONLY = {
    "plan": "object wheel lock env",
    "exec": "pep archive lock",
}
# foreign header (a prefix) -> the rooms that may include it: in .cc files and in private headers that no other room
# includes, never in a public header.
FOREIGN = {
    "CLI/": "cli",
    "nlohmann/": "cli",
    "simdjson": "lock env store action",
    "toml++/": "lock",
    "curl/": "store",
    "zip.h": "archive",
    "libdeflate.h": "archive exec",
    "isa-l": "archive",
    "zlib.h": "archive",
    "zstd.h": "exec",
    "openssl/": "base",
    "LIEF/": "object",
}
MAX_LINES = 500
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(include):
    """The (room, is public) that an include names, or None for a header that is not axle's."""
    parts = include.split("/")
    if parts[0] == "axle" and len(parts) == 3 and parts[1] in ROOMS:
        return parts[1], True
    if len(parts) >= 2 and parts[0] in ROOMS:
        return parts[0], False
    return None


def check_file(path, room, public):
    """Yields (line, message) for each wrong include of one file."""
    own = {room, *ROOMS[room].split()}
    public_too = set(PUBLIC_ONLY.get(room, "").split())
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        include = match[2]
        target = room_of(include)
        if target:
            other, is_public = target
            if other not in own and not (is_public and other in public_too):
                yield number, f"{room} may not include {include}"
            if public and not is_public:
                yield number, f"a public header includes the private {include}"
            continue
        for prefix, owners in FOREIGN.items():
            if include.startswith(prefix):
                if room not in owners.split():
                    yield number, f"{include} belongs to {owners}, not to {room}"
        if public and (match[1] != "<" or not re.fullmatch(r"[a-z_0-9]+", include)):
            yield number, f"a public header includes {include}, which is not of the standard library"


def foreign_prefixes(text):
    """The keys of FOREIGN that a file includes itself."""
    included = [match[2] for match in map(INCLUDE.match, text.splitlines()) if match]
    return {prefix for prefix in FOREIGN for include in included if include.startswith(prefix)}


def leaks(graph, texts):
    """Yields (file, header, prefix) where a room gets a foreign header through a private header of another room."""
    carriers = {name: found for name, text in texts.items() if name.endswith(".h") and (found := foreign_prefixes(text))}
    for name in sorted(graph):
        room = name.split("/")[1]
        seen, queue = {name}, [name]
        while queue:
            for header in sorted(graph.get(queue.pop(), ()) - seen):
                seen.add(header)
                queue.append(header)
                for prefix in carriers.get(header, ()):
                    if room not in FOREIGN[prefix].split() and name.startswith("src/"):
                        yield name, header, prefix


def cycles(graph):
    """Yields each include cycle once, as a list of file names."""
    state = {}
    for start in sorted(graph):
        stack = [(start, iter(sorted(graph[start])))] if start not in state else []
        if stack:
            state[start] = "open"
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[node] = "done"
                stack.pop()
            elif following not in state:
                state[following] = "open"
                stack.append((following, iter(sorted(graph.get(following, ())))))
            elif state[following] == "open":
                names = [name for name, _ in stack]
                yield names[names.index(following):] + [following]


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = 0
    graph, texts = {}, {}
    for top, public in (("include/axle", True), ("src", False)):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            name = str(path.relative_to(root))
            room = path.relative_to(root / top).parts[0]
            if room not in ROOMS:
                print(f"{name}:1: {room} is no room")
                problems += 1
                continue
            text = texts[name] = path.read_text(encoding="utf-8")
            if text.count("\n") > MAX_LINES:
                print(f"warning: {name}: {text.count(chr(10))} lines; a file of more than {MAX_LINES} holds two things",
                      file=sys.stderr)
            for number, message in check_file(path, room, public):
                print(f"{name}:{number}: {message}")
                problems += 1
            included = (match[2] for match in map(INCLUDE.match, text.splitlines()) if match)
            graph[name] = {
                candidate
                for include in included
                for candidate in (f"include/{include}", f"src/{include}")
                if (root / candidate).is_file()
            }
    for name, header, prefix in leaks(graph, texts):
        print(f"{name}:1: gets {prefix} through {header}, which belongs to {FOREIGN[prefix]}")
        problems += 1
    for cycle in cycles(graph):
        print(f"{cycle[0]}:1: an include cycle: {' -> '.join(cycle)}")
        problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
