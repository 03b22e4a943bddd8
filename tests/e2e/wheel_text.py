"""Wheels from text, for the tests that drive the program.

A wheel is a file name and members. Where they are not given, METADATA, WHEEL and RECORD are made, so that a test says
only what is odd about its wheel. In member names `@info` stands for `NAME-VERSION.dist-info`, `@data` for
`NAME-VERSION.data`.
"""

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass, field

TIME = (2020, 2, 2, 2, 2, 2)


@dataclass
class Member:
    """One file of a wheel, and what RECORD says of it."""

    name: str
    content: bytes
    mode: int = 0o644
    #: Not in the zip / no row in RECORD / a row of another file's digest / of another size / by another algorithm.
    in_zip: bool = True
    listed: bool = True
    wrong_digest: bool = False
    wrong_size: bool = False
    algorithm: str = "sha256"
    compression: int = zipfile.ZIP_DEFLATED
    is_link: bool = False


@dataclass
class Wheel:
    file_name: str
    members: list[Member] = field(default_factory=list)
    #: Lines added to the METADATA and WHEEL that are made; files of the dist-info that are left out.
    metadata: str = ""
    without: set[str] = field(default_factory=set)
    #: Keep only so many bytes of the archive.
    cut: int | None = None

    @property
    def stem(self) -> str:
        return "-".join(self.file_name.split("-")[:2])

    @property
    def info(self) -> str:
        return self.stem + ".dist-info"

    def file(self, name: str, content: str | bytes = "", **how) -> "Wheel":
        name = name.replace("@info", self.info).replace("@data", self.stem + ".data")
        self.members.append(Member(name, content.encode() if isinstance(content, str) else content, **how))
        return self

    def _given(self, name: str) -> bool:
        return name in self.without or any(member.name == f"{self.info}/{name}" for member in self.members)

    def _row(self, member: Member) -> str:
        content = member.content + b"?" if member.wrong_digest else member.content
        digest = hashlib.new(member.algorithm, content).digest()
        text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        size = len(member.content) + (7 if member.wrong_size else 0)
        name = f'"{member.name}"' if "," in member.name else member.name
        return f"{name},{member.algorithm}={text},{size}\n"

    def build(self) -> bytes:
        parts = self.file_name.removesuffix(".whl").split("-")
        members = list(self.members)
        if not self._given("METADATA"):
            text = f"Metadata-Version: 2.1\nName: {parts[0]}\nVersion: {parts[1]}\n{self.metadata}"
            members.append(Member(f"{self.info}/METADATA", text.encode()))
        if not self._given("WHEEL"):
            tags = "".join(
                f"Tag: {python}-{abi}-{platform}\n"
                for python in parts[-3].split(".")
                for abi in parts[-2].split(".")
                for platform in parts[-1].split(".")
            )
            text = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n{tags}"
            members.append(Member(f"{self.info}/WHEEL", text.encode()))
        if not self._given("RECORD"):
            name = f"{self.info}/RECORD"
            rows = [self._row(member) for member in members if member.listed]
            members.append(Member(name, ("".join(rows) + f"{name},,\n").encode()))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for member in members:
                if not member.in_zip:
                    continue
                info = zipfile.ZipInfo(member.name, TIME)
                kind = 0o120000 if member.is_link else 0o100000
                info.external_attr = (kind | member.mode) << 16
                info.compress_type = member.compression
                archive.writestr(info, member.content)
        return out.getvalue()[: self.cut]
