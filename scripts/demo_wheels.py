#!/usr/bin/env python3
"""Wheels and locks for scripts/demo and scripts/bench.

    demo_wheels.py make DIR         three small wheels, written from text: a library, a program, a shared namespace
    demo_wheels.py lock DIR FILE    a requirements lock with a hash for each wheel in DIR
"""

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))
sys.dont_write_bytecode = True

from wheel_text import Wheel  # noqa: E402


def make(folder: Path) -> None:
    library = Wheel("demo_greeting-1.0-py3-none-any.whl")
    library.file("demo/greeting/__init__.py", "def greet(name):\n    return f'hello, {name}'\n")
    library.file("@data/data/share/demo/greeting.txt", "hello\n")
    program = Wheel("demo_program-2.0-py3-none-any.whl")
    program.file("demo/program/__init__.py",
                 "from demo.greeting import greet\n\n\ndef main():\n    print(greet('axle'))\n")
    program.file("@info/entry_points.txt", "[console_scripts]\ndemo-program = demo.program:main\n")
    script = Wheel("demo_script-3.0-py3-none-any.whl")
    script.file("@data/scripts/demo-script", "#!python\nimport sys\nprint(sys.prefix)\n", mode=0o755)
    for wheel in (library, program, script):
        (folder / wheel.file_name).write_bytes(wheel.build())


def lock(folder: Path, hashed: bool = True) -> str:
    lines = []
    for path in sorted(folder.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{name}=={version}" + (f" --hash=sha256:{digest}" if hashed else ""))
    return "\n".join(lines) + "\n"


def main() -> int:
    match sys.argv[1:]:
        case ["make", folder]:
            Path(folder).mkdir(parents=True, exist_ok=True)
            make(Path(folder))
        case ["lock", folder, file]:
            Path(file).write_text(lock(Path(folder)), encoding="utf-8")
        case _:
            print(__doc__.strip(), file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
