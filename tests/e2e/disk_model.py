"""What a disk may hold after the power fails, from the system calls of a program (a log of strace).

A tree of nodes is what a program sees. `read_log` turns a log into changes of it, in their order. Some of them are on the disk for sure,
because a flush came after: fsync of a file is for its bytes, fsync of a directory for what happened to its names, syncfs for everything
below. Each of the others may be there or not, but for what cannot be without another: a file in a directory that is not there.
"""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CALLS = ("openat,mkdir,mkdirat,link,linkat,symlink,symlinkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,write,pwrite64,copy_file_range,"
         "ftruncate,fchmod,fchmodat,utimensat,fsync,fdatasync,syncfs")
LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?.*$")


@dataclass(eq=False)
class Node:
    kind: str  # "dir", "file" or "link"
    names: dict[str, "Node"] = field(default_factory=dict)
    data: bytes = b""
    mode: int = 0o644
    time: int | None = None

    def at(self, path: str) -> "Node | None":
        node: Node | None = self
        for part in Path(path).parts:
            node = node.names.get(part) if node is not None and node.kind == "dir" else None
        return node


@dataclass(eq=False)
class Change:
    kind: str  # "make" and "remove" a name, "rename", "exchange"; "data", "mode" and "time" of a node; "flush"
    node: Node | None = None  # what is concerned; of a flush: None is everything
    place: tuple[Node, str] | None = None  # its directory and name
    other: tuple[Node, str] | None = None  # of a rename: the new ones
    value: object = None
    call: str = ""


def read_tree(path: str) -> Node:
    """Hard links between files of the tree stay hard links."""
    seen: dict[int, Node] = {}

    def read(at: str) -> Node:
        status = os.lstat(at)
        if os.path.islink(at):
            return Node("link", data=os.fsencode(os.readlink(at)))
        if os.path.isdir(at):
            return Node("dir", {name: read(os.path.join(at, name)) for name in os.listdir(at)}, mode=status.st_mode & 0o7777)
        if status.st_ino not in seen:
            seen[status.st_ino] = Node("file", data=Path(at).read_bytes(), mode=status.st_mode & 0o7777, time=status.st_mtime_ns)
        return seen[status.st_ino]

    return read(path)


def write_tree(node: Node, path: str) -> None:
    """Makes `path`, in the place of whatever is there, what the tree is."""
    shutil.rmtree(path, ignore_errors=True)
    laid: dict[Node, str] = {}

    def write(one: Node, at: str) -> None:
        if one.kind == "link":
            os.symlink(os.fsdecode(one.data), at)
        elif one.kind == "dir":
            os.mkdir(at)
            for name, below in one.names.items():
                write(below, os.path.join(at, name))
            os.chmod(at, one.mode)
        elif one in laid:
            os.link(laid[one], at)
        else:
            Path(at).write_bytes(one.data)
            os.chmod(at, one.mode)
            if one.time is not None:
                os.utime(at, ns=(one.time, one.time))
            laid[one] = at

    write(node, path)


class Disk:
    """Changes applied to a copy of a tree: `copies` leads from the nodes of a log to those of this disk."""

    def __init__(self, before: Node):
        self.copies: dict[Node, Node] = {}
        self.top = self.copy(before)

    def copy(self, node: Node) -> Node:
        if node not in self.copies:
            self.copies[node] = Node(node.kind, {}, node.data, node.mode, node.time)
            self.copies[node].names = {name: self.copy(below) for name, below in node.names.items()}
        return self.copies[node]

    def own(self, node: Node) -> Node:
        """A node that a change brings: nothing is in it yet."""
        return self.copies.setdefault(node, Node(node.kind, {}, node.data if node.kind == "link" else b"", 0o755 if node.kind == "dir" else 0o644))

    def apply(self, change: Change) -> bool:
        """False when it cannot be: what it needs is not there."""
        if change.kind in ("data", "mode", "time"):
            setattr(self.own(change.node), change.kind, change.value)
            return True
        if change.kind == "flush":
            return True
        directory, name = self.copies.get(change.place[0]), change.place[1]
        if directory is None:
            return False
        if change.kind == "make":
            if name in directory.names:
                return False
            directory.names[name] = self.own(change.node)
            return True
        if directory.names.get(name) is not self.copies.get(change.node, directory):
            return False
        if change.kind == "remove":
            if directory.names[name].names:
                return False
            del directory.names[name]
            return True
        into, new_name = self.copies.get(change.other[0]), change.other[1]
        if into is None or (change.kind == "exchange" and new_name not in into.names):
            return False
        if change.kind == "exchange":
            into.names[new_name], directory.names[name] = directory.names[name], into.names[new_name]
            return True
        if into.names.get(new_name) is not None and into.names[new_name].names:
            return False
        into.names[new_name] = directory.names.pop(name)
        return True


def sure(changes: list[Change]) -> list[bool]:
    """Which of the changes a flush among them has put on the disk."""
    done = [False] * len(changes)
    for at, flush in enumerate(changes):
        if flush.kind != "flush":
            continue
        for i in range(at):
            change = changes[i]
            of_names = change.place is not None and flush.node in (change.place[0], (change.other or (None,))[0])
            if flush.node is None or of_names or (change.place is None and change.node is flush.node):
                done[i] = True
    return done


def state_after(before: Node, changes: list[Change], survives: Callable[[Change], bool]) -> Node:
    """The disk with all that is sure, and of the rest what survives."""
    there = [certain or survives(change) for change, certain in zip(changes, sure(changes), strict=True)]
    # Mode and time of a file lie in one place, so a later one is not there without the earlier.
    written: set[Node | None] = set()
    for i in range(len(changes) - 1, -1, -1):
        if changes[i].kind in ("mode", "time"):
            there[i] = there[i] or changes[i].node in written
            if there[i]:
                written.add(changes[i].node)
    disk = Disk(before)
    for change, is_there in zip(changes, there, strict=True):
        if is_there:
            disk.apply(change)
    return disk.top


def unescape(text: str) -> str:
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode()).decode("utf-8", "surrogateescape")


class Reader:
    """One line after another, applied to a tree of its own, so that paths mean what they meant then."""

    def __init__(self, top: str, before: Node):
        self.top = top
        self.before = before
        self.now = Disk(before)
        self.back = {copy: node for node, copy in self.now.copies.items()}
        self.changes: list[Change] = []

    def node(self, path: str) -> Node | None:
        """That of the log."""
        if path != self.top and not path.startswith(self.top + "/"):
            return None
        found = self.now.top.at(os.path.relpath(path, self.top) if path != self.top else "")
        return self.back.get(found) if found is not None else None

    def place(self, path: str) -> tuple[Node, str] | None:
        folder = self.node(os.path.dirname(path))
        return (folder, os.path.basename(path)) if folder is not None else None

    def add(self, change: Change) -> None:
        if not self.now.apply(change):
            raise ValueError(f"the log does not fit: {change.call}")
        if change.node is not None:
            self.back[self.now.copies[change.node]] = change.node
        self.changes.append(change)

    def read(self, line: str) -> None:
        found = LINE.match(line)
        if found is None or int(found[3]) < 0:
            return
        name, result = found[1], int(found[3])
        words = [unescape(word) for word in found[2].split(", ")]
        handler = getattr(self, "do_" + name, None)
        if handler is not None:
            handler(words, result, unescape(f"{name}({found[2]})"))

    @staticmethod
    def text(word: str) -> str:
        return word[1:-1]

    def of_fd(self, word: str) -> Node | None:
        path = re.fullmatch(r"-?\w+<(.*)>", word, re.S)
        return self.node(path[1]) if path else None

    def path(self, directory: str, name: str) -> str:
        where = re.fullmatch(r"-?\w+<(.*)>", directory, re.S)
        return os.path.normpath(os.path.join(where[1] if where else "/", self.text(name)))

    def make(self, path: str, node: Node, call: str) -> None:
        if place := self.place(path):
            self.add(Change("make", node, place, call=call))

    def do_openat(self, words, _, call):
        path = self.path(words[0], words[1])
        if "O_CREAT" in words[2] and self.place(path) and self.node(path) is None:
            node = Node("file")
            self.make(path, node, call)
            self.set("mode", node, int(words[3], 8) & 0o777 if len(words) > 3 else 0o644, call)
        elif "O_TRUNC" in words[2] and (node := self.node(path)) is not None:
            self.set("data", node, b"", call)

    def set(self, kind: str, node: Node | None, value: object, call: str) -> None:
        if node is not None:
            self.add(Change(kind, node, value=value, call=call))

    def do_mkdirat(self, words, _, call):
        self.make(self.path(words[0], words[1]), Node("dir"), call)

    def do_mkdir(self, words, _, call):
        self.make(os.path.join("/", self.text(words[0])), Node("dir"), call)

    def do_symlinkat(self, words, _, call):
        self.make(self.path(words[1], words[2]), Node("link", data=os.fsencode(self.text(words[0]))), call)

    def do_linkat(self, words, _, call):
        node = self.node(self.path(words[0], words[1]))
        self.make(self.path(words[2], words[3]), node, call)

    def do_renameat2(self, words, _, call):
        self.rename(self.path(words[0], words[1]), self.path(words[2], words[3]), "EXCHANGE" in words[4], call)

    def do_renameat(self, words, _, call):
        self.rename(self.path(words[0], words[1]), self.path(words[2], words[3]), False, call)

    def do_rename(self, words, _, call):
        self.rename(self.text(words[0]), self.text(words[1]), False, call)

    def rename(self, old: str, new: str, exchange: bool, call: str) -> None:
        if self.place(old) and self.place(new):
            self.add(Change("exchange" if exchange else "rename", self.node(old), self.place(old), self.place(new), call=call))

    def do_unlinkat(self, words, _, call):
        path = self.path(words[0], words[1])
        if (node := self.node(path)) is not None:
            self.add(Change("remove", node, self.place(path), call=call))

    def do_unlink(self, words, _, call):
        self.do_unlinkat(["AT_FDCWD</>", words[0]], _, call)

    do_rmdir = do_unlink

    def do_write(self, words, result, call):
        node = self.of_fd(words[0])
        if node is not None:
            self.set("data", node, self.now.copies[node].data + self.text(words[1]).encode("utf-8", "surrogateescape")[:result], call[:200])

    def do_pwrite64(self, words, result, call):
        node = self.of_fd(words[0])
        if node is not None:
            old, offset = self.now.copies[node].data, int(words[3])
            new = self.text(words[1]).encode("utf-8", "surrogateescape")[:result]
            self.set("data", node, old[:offset].ljust(offset, b"\0") + new + old[offset + result:], call[:200])

    def do_copy_file_range(self, words, result, call):
        source, node = self.of_fd(words[0]), self.of_fd(words[2])
        if source is not None and node is not None and result:
            old = self.now.copies[node].data
            self.set("data", node, old + self.now.copies[source].data[len(old):len(old) + result], call)

    def do_ftruncate(self, words, _, call):
        node = self.of_fd(words[0])
        if node is not None:
            size = int(words[1])
            self.set("data", node, self.now.copies[node].data[:size].ljust(size, b"\0"), call)

    def do_fchmod(self, words, _, call):
        self.set("mode", self.of_fd(words[0]), int(words[1], 8), call)

    def do_fchmodat(self, words, _, call):
        self.set("mode", self.node(self.path(words[0], words[1])), int(words[2], 8), call)

    def do_utimensat(self, words, _, call):
        node = self.of_fd(words[0]) if words[1] == "NULL" else self.node(self.path(words[0], words[1]))
        times = re.findall(r"tv_sec=(-?\d+).*?tv_nsec=(\d+)", call)
        if times:
            self.set("time", node, int(times[-1][0]) * 1_000_000_000 + int(times[-1][1]), call)

    def do_fsync(self, words, _, call):
        if (node := self.of_fd(words[0])) is not None:
            self.changes.append(Change("flush", node, call=call))

    do_fdatasync = do_fsync

    def do_syncfs(self, words, _, call):
        if self.of_fd(words[0]) is not None:
            self.changes.append(Change("flush", None, call=call))


def joined_lines(text: str):
    """Calls that another thread's interrupted, whole again, where they ended."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        task = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[task] = line.removesuffix("<unfinished ...>").rstrip()
        elif found := re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)$", line):
            yield begun.pop(task, "") + found[1]
        else:
            yield line


def read_log(text: str, top: str, before: Node) -> list[Change]:
    """Nodes of the changes are those of `before`, and new ones."""
    reader = Reader(top, before)
    for line in joined_lines(text):
        reader.read(line)
    return reader.changes
