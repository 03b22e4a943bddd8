#!/usr/bin/env python3
"""Downloads over HTTP/2: a real server, TLS, an authority of one's own.

    http2_test.py AXLE

nginx serves a few wheels, each answer no faster than a bound, so that one after the other they would take long. Its log
tells of each request which protocol and which connection it used, and when it began and ended.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from fault_server import make_certificates  # noqa: E402
from room import SKIPPED, Room, expect, run_all  # noqa: E402
from wheel_text import Wheel  # noqa: E402

COUNT = 12
SECONDS = 0.5  # that each answer takes at least


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """Serves a directory over TLS while it lives."""

    def __init__(self, program: str, folder: Path, files: Path, rate: int):
        self.port, self.log = free_port(), folder / "access.log"
        make_certificates(folder)
        configuration = folder / "nginx.conf"
        configuration.write_text(f"""
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format one '$server_protocol $connection $msec $request_time $status $uri';
  access_log {self.log} one;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{self.port} ssl http2;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    root {files};
    limit_rate {rate};
  }}
}}
""")
        self.process = subprocess.Popen([program, "-c", configuration, "-e", folder / "error.log"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nginx did not start: " + (folder / "error.log").read_text())

    def requests(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines()]

    def __enter__(self) -> "Nginx":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def one_connection_carries_many_answers(base: Path) -> None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not program:
        SKIPPED.append("HTTP/2: there is no nginx here (apt-get install nginx-light)")
        return
    room = Room(base, "http2")
    wheels = room.dir / "wheels"
    size = 60_000
    rows = ['lock-version = "1.0"', 'created-by = "test"']
    for i in range(COUNT):
        wheel = Wheel(f"pkg{i}-1.0-py3-none-any.whl").file(f"pkg{i}/__init__.py", f"number = {i}\n")
        content = wheel.file(f"pkg{i}/data", os.urandom(size)).build()
        (wheels / wheel.file_name).write_bytes(content)
        rows += ["[[packages]]", f'name = "pkg{i}"', 'version = "1.0"', "[[packages.wheels]]",
                 f'name = "{wheel.file_name}"', f'url = "@/{wheel.file_name}"', f"size = {len(content)}",
                 f'hashes = {{sha256 = "{hashlib.sha256(content).hexdigest()}"}}']
    folder = room.dir / "server"
    folder.mkdir()
    with Nginx(program, folder, wheels, int(size / SECONDS)) as server:
        lock = room.dir / "pylock.toml"
        lock.write_text("\n".join(rows).replace("@", f"https://127.0.0.1:{server.port}") + "\n")
        room.axle("fetch", "pylock.toml", status=7)
        expect(not server.requests(), "nothing is asked of a server whose authority nobody named")
        room.environment["SSL_CERT_FILE"] = str(folder / "ca.pem")
        begin = time.monotonic()
        room.axle("fetch", "pylock.toml")
        elapsed = time.monotonic() - begin
        requests = server.requests()
    expect(len(requests) == COUNT, f"one request for each wheel: {len(requests)}")
    expect({row[0] for row in requests} == {"HTTP/2.0"}, f"all over HTTP/2: {requests}")
    expect({row[4] for row in requests} == {"200"}, f"all answered: {requests}")
    expect(len({row[1] for row in requests}) == 1, f"all over one connection: {requests}")
    alone = sum(float(row[3]) for row in requests)
    first_end = min(float(row[2]) for row in requests)
    last_begin = max(float(row[2]) - float(row[3]) for row in requests)
    expect(last_begin < first_end, "all were asked for before the first was answered")
    expect(elapsed < alone / 2, f"the answers came at the same time: {elapsed:.2f} s where one by one take {alone:.2f} s")
    room.axle("sync", "pylock.toml", "--venv", "env", "--offline")
    for i in range(COUNT):
        path = room.site("env") / f"pkg{i}" / "__init__.py"
        expect(path.read_text() == f"number = {i}\n", f"{path} was installed")


if __name__ == "__main__":
    sys.exit(run_all("http2", one_connection_carries_many_answers))
