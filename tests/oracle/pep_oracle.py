#!/usr/bin/env python3
"""Compares `axle debug` with Python's packaging (26.3) on generated cases.

    pep_oracle.py AXLE [--count N] [--seed S] [--show N]

Cases come from random grammars and from mutations of what those give; the same seed gives the same cases. Every
difference is printed; the last line is `N passed, N failed`; the exit status is 1 if any failed.

Intended differences (cases that fall under one are not counted):

1. Numbers of more than 4,300 digits: axle says that the version is invalid; int() of CPython raises ValueError in
   some calls and is never reached in others. None are generated.
2. Text beyond ASCII in names, tags and after `===`: axle lowers only ASCII letters and takes every other character
   for a letter. The specifications allow only ASCII there. See `beyond_ascii`.
3. `~=` with letters that only a case-insensitive Unicode match takes for ASCII ones (U+017F, U+0131): packaging calls
   the specifier valid and fails an assertion when it is used. None are generated.
4. `\\N{...}` and surrogate escapes in a marker's text: axle refuses them, Python's literals allow them. See
   `odd_escape`.
5. Compressed tag sets that expand to more than 20,000 tags are refused. None are generated.
"""

import argparse
import json
import re
import subprocess
import sys

from pep_cases import Cases
from pep_reference import REFERENCE


def beyond_ascii(op, args):
    text = json.dumps(args, ensure_ascii=False)
    if text.isascii() or op.startswith("version"):
        return False
    return not op.startswith("specifier") or "===" in text


def odd_escape(op, args):
    return bool(re.search(r"\\N|\\u[dD][89a-fA-F]", " ".join(a for a in args if isinstance(a, str))))


def is_intended(op, args):
    return beyond_ascii(op, args) or odd_escape(op, args)


def comparable(answer):
    """Errors are equal whatever their message; a build number that exceeds 64 bits is its digits."""
    if "error" in answer:
        return "error"
    value = answer["ok"]
    if isinstance(value, dict) and value.get("build"):
        value = dict(value, build=[str(value["build"][0]), value["build"][1]])
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("axle")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=50, help="differences to print")
    options = parser.parse_args()

    cases = list(Cases(options.seed).generate(options.count))
    lines = "".join(json.dumps({"op": op, "args": args}) + "\n" for op, args in cases)
    run = subprocess.run([options.axle, "debug"], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode().rstrip("\n").split("\n")
    if len(answers) != len(cases):
        print(f"{len(cases)} lines in, {len(answers)} out")
        return 1

    failed = 0
    for (op, args), line in zip(cases, answers):
        try:
            expected = {"ok": REFERENCE[op](*args)}
        except (ValueError, KeyError, AssertionError) as error:
            expected = {"error": f"{type(error).__name__}: {error}"}
        answer = json.loads(line)
        if comparable(answer) == comparable(expected) or is_intended(op, args):
            continue
        failed += 1
        if failed <= options.show:
            print(f"{op} {json.dumps(args)}\n  axle:      {line[:600]}\n  packaging: {json.dumps(expected)[:600]}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
