"""`axle worker` from outside: Bazel's persistent worker protocol in both forms.

usage: worker_test.py AXLE
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tree import snapshot
from wheel_text import Wheel
from work_messages import field, read_answer, render_request, varint

AXLE = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "axle"
FOR = ["--python-version", "3.11"]


class Worker:
    """One worker; requests and answers in one of the forms."""

    def __init__(self, work: Path, form: str, words: tuple = ("worker",)):
        self.form = form
        self.process = subprocess.Popen([AXLE, *words], cwd=work, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env={})
        self.text = b""

    def send(self, arguments: list[str], request_id: int = 0, cancel: bool = False, sandbox: str = "", inputs: list[str] = ()):
        self.raw(render_request(self.form, arguments, request_id, cancel, sandbox, inputs))

    def raw(self, data: bytes):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self) -> dict:
        return read_answer(self.form, self.process.stdout)

    def close(self, status: int = 0) -> str:
        self.process.stdin.close()
        with self.process.stdout as out, self.process.stderr as err:
            rest, error = out.read(), err.read().decode()
        assert self.process.wait(60) == status, (self.process.returncode, error)
        assert rest == b"", rest
        return error


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.work = Path(tempfile.mkdtemp(prefix="axle-worker-")).resolve()
        self.addCleanup(shutil.rmtree, self.work, True)
        for name in ("demo", "other"):
            wheel = Wheel(f"{name}-1.0-py3-none-any.whl").file(f"{name}/__init__.py", f"NAME = '{name}'\n")
            (self.work / wheel.file_name).write_bytes(wheel.build())
        subprocess.run([AXLE, "action", "unpack", "demo-1.0-py3-none-any.whl", "--into", "expected", *FOR], cwd=self.work, check=True)
        self.expected = snapshot(str(self.work / "expected"))

    def unpack(self, into: str, *more: str) -> list[str]:
        return ["unpack", "--wheel", "demo-1.0-py3-none-any.whl", "--into", into, *FOR, *more]

    def test_both_forms_one_at_a_time(self):
        for form, words in (("json", ("worker",)), ("proto", ("worker",)), ("json", ("action", "--persistent_worker")),
                            ("proto", ("--persistent_worker",)), ("json", ("worker", "--worker-protocol", "json")),
                            ("proto", ("worker", "--worker-protocol=proto"))):
            with self.subTest(form=form, words=words):
                worker = Worker(self.work, form, words)
                for i in range(3):
                    out = f"{form}-{len(words)}-{words[0]}-{i}"
                    worker.send((["action"] if words[0].startswith("--") else []) + self.unpack(out))
                    self.assertEqual(worker.receive(), {"exitCode": 0, "output": "", "requestId": 0})
                    self.assertEqual(snapshot(str(self.work / out)), self.expected)
                self.assertEqual(worker.close(), "")

    def test_side_by_side(self):
        for form in ("json", "proto"):
            worker = Worker(self.work, form)
            for i in range(1, 101):
                worker.send(self.unpack(f"{form}{i}"), i)
            answers = [worker.receive() for _ in range(100)]
            self.assertEqual({answer["requestId"] for answer in answers}, set(range(1, 101)))
            self.assertEqual({answer["exitCode"] for answer in answers}, {0})
            worker.close()
            for i in range(1, 101):
                self.assertEqual(snapshot(str(self.work / f"{form}{i}")), self.expected)

    def test_failures_are_answers(self):
        for form in ("json", "proto"):
            worker = Worker(self.work, form)
            for arguments, status in ((["unpack", "--into", "x"], 2), (["unpack", "no-1.0-py3-none-any.whl", "--into", "x", *FOR], 7),
                                      ([], 2), (["--unknown"], 2), (["@missing"], 7), (["fetch"], 2)):
                worker.send(arguments, 5)
                answer = worker.receive()
                self.assertEqual((answer["exitCode"], answer["requestId"]), (status, 5), answer)
                self.assertTrue(answer["output"].startswith("error: "), answer)
            if form == "json":
                worker.raw(b'{"arguments": 7, "requestId": 4}')
                self.assertEqual(worker.receive()["requestId"], 4)
                worker.raw(b'nonsense\n{"arguments": [[[[[[')
                self.assertEqual(worker.receive()["exitCode"], 2)
                worker.raw(b']]]]]]}')
                self.assertEqual(worker.receive()["exitCode"], 2)
            else:
                worker.raw(varint(3) + b"\x0a\x7fx")
                self.assertEqual(worker.receive()["exitCode"], 2)
            worker.send(self.unpack(f"after-{form}"), 6)
            self.assertEqual(worker.receive()["exitCode"], 0)
            worker.close()
        self.assertFalse((self.work / "x").exists())

    def test_sandbox(self):
        sandbox = self.work / "sandboxes" / "1"
        sandbox.mkdir(parents=True)
        (sandbox / "demo-1.0-py3-none-any.whl").symlink_to(self.work / "demo-1.0-py3-none-any.whl")
        (sandbox / "args").write_text("\n".join(self.unpack("out", "--depfile", "out.d", "--stamp", "out.stamp")) + "\n")
        worker = Worker(self.work, "json")
        worker.send(["@args"], 1, sandbox="sandboxes/1")
        self.assertEqual(worker.receive()["exitCode"], 0)
        worker.close()
        self.assertEqual(snapshot(str(sandbox / "out")), self.expected)
        self.assertEqual((sandbox / "out.d").read_text(), "out.stamp: \\\n demo-1.0-py3-none-any.whl\n")
        self.assertFalse((self.work / "out").exists())

    def test_undeclared_inputs(self):
        worker = Worker(self.work, "json")
        worker.send(self.unpack("out"), 1, inputs=["other-1.0-py3-none-any.whl"])
        answer = worker.receive()
        self.assertEqual(answer["exitCode"], 2)
        self.assertIn("demo-1.0-py3-none-any.whl", answer["output"])
        worker.send(self.unpack("out"), 2, inputs=["params", "demo-1.0-py3-none-any.whl"])
        self.assertEqual(worker.receive()["exitCode"], 0)
        worker.send(["merge", "--tree", "out", "--into", "merged", *FOR], 3,
                    inputs=["out/" + path for path, what in self.expected.items() if what[0] == "file"])
        self.assertEqual(worker.receive()["exitCode"], 0)
        worker.close()

    def test_cancel(self):
        big = Wheel("big-1.0-py3-none-any.whl")
        for i in range(3000):
            big.file(f"big/m{i}.py", f"x = {i}\n" * 50)
        (self.work / big.file_name).write_bytes(big.build())
        for form in ("json", "proto"):
            worker = Worker(self.work, form)
            for i in range(1, 9):
                worker.send(["unpack", big.file_name, "--into", f"big-{form}{i}", *FOR], i)
            for i in range(1, 9):
                worker.send([], i, cancel=True)
            worker.send([], 77, cancel=True)  # of nobody
            answers = [worker.receive() for _ in range(8)]
            self.assertEqual({answer["requestId"] for answer in answers}, set(range(1, 9)))
            cancelled = [answer for answer in answers if answer.get("wasCancelled")]
            self.assertGreaterEqual(len(cancelled), 5)
            for answer in cancelled:
                self.assertFalse((self.work / f"big-{form}{answer['requestId']}").exists())
            worker.send(self.unpack(f"after-{form}"), 9)
            self.assertEqual(worker.receive()["exitCode"], 0)
            worker.close()
        self.assertEqual([path.name for path in self.work.iterdir() if path.name.startswith(".")], [])

    def test_ends_of_the_stream(self):
        worker = Worker(self.work, "json")
        self.assertEqual(worker.close(), "")
        worker = Worker(self.work, "json")
        worker.raw(b'{"arguments": ["unp')
        self.assertIn("middle", worker.close(3))
        worker = Worker(self.work, "proto")
        worker.raw(b"\xff" * 20)
        self.assertIn("error", worker.close(3))
        worker = Worker(self.work, "json")
        worker.send(self.unpack("one"))
        worker.receive()
        worker.process.send_signal(signal.SIGTERM)
        self.assertEqual(worker.process.wait(30), 143)
        for pipe in (worker.process.stdin, worker.process.stdout, worker.process.stderr):
            pipe.close()

    def test_many_small_requests(self):
        """A guard against something that costs milliseconds; docs/performance.md has the figures."""
        worker = Worker(self.work, "json")
        count = 300
        start = time.monotonic()
        for i in range(1, count + 1):
            worker.send(self.unpack(f"many{i}"), i)
        for _ in range(count):
            self.assertEqual(worker.receive()["exitCode"], 0)
        seconds = time.monotonic() - start
        worker.close()
        print(f"{count / seconds:.0f} requests/s", file=sys.stderr)
        self.assertLess(seconds, 30)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
