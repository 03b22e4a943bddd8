#!/usr/bin/env python3
"""Real environments, made by axle in the modes hardlink, copy and symlink, and with byte-code, and used.

    real_environments.py AXLE [--all] [--wheels DIR] [NAME...]

jupyterlab (its server serves a page), boto3, the scipy stack (a fit, a chart), three google-cloud distributions that share a
namespace, and libraries that find those of other distributions (PySide6, some of NVIDIA's, one of cmeel's). Downloads
some 900 MB by pip, once, into .cache/environments/ (or DIR); so it runs only with --all or AXLE_TEST_FULL=1, and says in
one line when it did not run.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from peer import pip_command, run

ROOT = Path(__file__).resolve().parents[2]

ENVIRONMENTS = {
    "jupyterlab": (["jupyterlab>=4,<5"], """
import psutil, zmq, yaml, rpds, tornado.httpserver, jupyterlab, notebook_shim, jupyter_server, IPython
assert zmq.Context().socket(zmq.PUB).bind_to_random_port("tcp://127.0.0.1")
assert yaml.safe_load("a: [1, 2]") == {"a": [1, 2]}
"""),
    "boto3": (["boto3"], """
import boto3
client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
assert "bucket" in url and "Signature" in url, url
assert len(boto3.session.Session().get_available_services()) > 100
"""),
    "scipy": (["scipy", "pandas", "matplotlib", "scikit-learn"], """
import io
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt, numpy, pandas, scipy.linalg, scipy.optimize
from sklearn.linear_model import LogisticRegression
from sklearn.datasets import load_iris
data = load_iris()
assert LogisticRegression(max_iter=500).fit(data.data, data.target).score(data.data, data.target) > 0.9
a = numpy.array([[3.0, 1.0], [1.0, 2.0]])
assert numpy.allclose(scipy.linalg.solve(a, a @ [1.0, 2.0]), [1.0, 2.0])
assert abs(scipy.optimize.brentq(lambda x: x * x - 2, 0, 2) - 2 ** 0.5) < 1e-9
frame = pandas.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]}).groupby("k").sum()
assert frame["v"].to_dict() == {"a": 4, "b": 2}
plt.plot([1, 2, 3]); plt.title("x"); out = io.BytesIO(); plt.savefig(out, format="png")
assert out.getvalue()[:4] == b"\\x89PNG"
"""),
    "google": (["google-cloud-storage", "google-cloud-bigquery", "google-cloud-pubsub"], """
from google.cloud import bigquery, pubsub_v1, storage
from google.protobuf import timestamp_pb2
import google_crc32c, grpc
message = timestamp_pb2.Timestamp(seconds=5)
assert timestamp_pb2.Timestamp.FromString(message.SerializeToString()) == message
assert google_crc32c.value(b"123456789") == 0xE3069283
assert bigquery.SchemaField("name", "STRING").to_api_repr()["type"] == "STRING"
assert pubsub_v1.PublisherClient.topic_path("p", "t") == "projects/p/topics/t"
assert storage.Client.__module__ == "google.cloud.storage.client"
server = grpc.server(__import__("concurrent.futures").futures.ThreadPoolExecutor(1))
assert server.add_insecure_port("127.0.0.1:0")
"""),
    # Libraries that find those of other distributions through "..".
    "pyside6": (["PySide6-Essentials", "shiboken6"], """
from PySide6.QtCore import QCoreApplication, QTimer, QUrl
from PySide6.QtNetwork import QNetworkRequest
from PySide6.QtXml import QDomDocument
import shiboken6
app = QCoreApplication([])
assert shiboken6.isValid(app)
QTimer.singleShot(0, app.quit)
assert app.exec() == 0
assert QNetworkRequest(QUrl("https://files.example/")).url().host() == "files.example"
assert QDomDocument().createElement("a").tagName() == "a"
"""),
    "nvidia": (["nvidia-cusparse-cu12", "nvidia-nvjitlink-cu12", "nvidia-curand-cu12", "nvidia-cuda-nvrtc-cu12"], """
import ctypes, os, sysconfig
top = os.path.join(sysconfig.get_path("platlib"), "nvidia")
for name in ("cusparse/lib/libcusparse.so.12", "curand/lib/libcurand.so.10", "cuda_nvrtc/lib/libnvrtc.so.12"):
    ctypes.CDLL(os.path.join(top, name))
maps = open("/proc/self/maps").read()
assert "libnvJitLink.so.12" in maps, "the library of the other distribution is not loaded"
version = ctypes.c_int(), ctypes.c_int()
nvrtc = ctypes.CDLL(os.path.join(top, "cuda_nvrtc/lib/libnvrtc.so.12"))
assert nvrtc.nvrtcVersion(ctypes.byref(version[0]), ctypes.byref(version[1])) == 0 and version[0].value == 12
"""),
    "cmeel": (["eigenpy"], """
import numpy, eigenpy
assert abs(eigenpy.Quaternion(1, 0, 0, 0).norm() - 1) < 1e-12
assert numpy.allclose(eigenpy.LDLT(numpy.eye(3) * 2).solve(numpy.ones(3)), 0.5)
assert "libboost_python" in open("/proc/self/maps").read()
"""),
}


def serve_a_page(env: Path, home: Path) -> None:
    """Starts jupyterlab's server at a free port, reads a page of it, and stops it."""
    log = home / "server.log"
    with open(log, "wb") as output:
        server = subprocess.Popen([env / "bin" / "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--port=0",
                                   "--ServerApp.port_retries=0", "--allow-root", "--IdentityProvider.token="],
                                  cwd=home, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                                  env={**os.environ, "HOME": str(home)})
    try:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and server.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text(errors="replace"))
            if found and found[1] != "0":
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/lab", timeout=60) as page:
                        text = page.read().decode()
                    script = re.search(r'src="(/static/lab/main[^"]*\.js[^"]*)"', text)
                    if page.status == 200 and "<title>JupyterLab</title>" in text and script:
                        # A file of the wheel, served through the links.
                        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{script[1]}", timeout=60) as main_script:
                            if len(main_script.read()) > 10_000:
                                return
                except (urllib.error.URLError, ConnectionError):
                    pass
            time.sleep(0.3)
        raise RuntimeError(f"jupyterlab served no page:\n{log.read_text(errors='replace')[-3000:]}")
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def check(axle: str, env: Path, variables: dict[str, str]) -> None:
    """Nothing is wrong but that some plugins want libraries of wheels which are not installed."""
    done = subprocess.run([axle, "check", "--quick", "--venv", env, "--startup-hooks", "allow", "--json"], env=variables,
                          capture_output=True, text=True, check=False)
    wrong = [problem for problem in json.loads(done.stdout)["problems"]
             if problem["severity"] == "error" and problem["kind"] != "library-unloadable"]
    if done.returncode not in (0, 1) or wrong:
        raise RuntimeError(f"check: {wrong}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2].strip())
    parser.add_argument("axle")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--wheels", type=Path, default=ROOT / ".cache" / "environments")
    given = parser.parse_args()
    if not (given.all or given.names or os.environ.get("AXLE_TEST_FULL") == "1"):
        print("NOT RUN: it downloads some 900 MB; AXLE_TEST_FULL=1 or --all runs it")
        return 0
    axle = os.path.abspath(given.axle)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="axle-environments-") as folder:
        scratch = Path(folder)
        pip = pip_command(scratch)
        for name in given.names or ENVIRONMENTS:
            wanted, program = ENVIRONMENTS[name]
            wheels = given.wheels / name
            if not wheels.exists():
                try:
                    run([*pip, "--disable-pip-version-check", "download", "-q", "--retries", "1", "--only-binary",
                         ":all:", "-d", given.wheels / f"{name}.partial", *wanted])
                except RuntimeError as failure:
                    print(f"NOT RUN {name}: pip could not download it: {str(failure).strip().splitlines()[-1]}")
                    continue
                (given.wheels / f"{name}.partial").rename(wheels)
            lock = scratch / f"{name}.txt"
            pins = ["==".join(path.name.split("-")[:2]) for path in sorted(wheels.glob("*.whl"))]
            lock.write_text("\n".join(pins) + "\n")
            for mode in ("hardlink", "copy", "symlink", "symlink --compile"):
                env, home = scratch / f"{name}-{mode.replace(' ', '')}", scratch / "home"
                variables = {**os.environ, "AXLE_STORE": str(scratch / "store")}
                home.mkdir(exist_ok=True)
                start = time.monotonic()
                try:
                    run([axle, "sync", lock, "-f", wheels, "--offline", "--venv", env, "--link-mode", *mode.split(),
                         "-q", "--python", sys.executable], env=variables)
                    run([env / "bin" / "python", "-I", "-c", program],
                        env={**os.environ, "HOME": str(home), "MPLCONFIGDIR": str(home)})
                    if name == "jupyterlab":
                        version = run([env / "bin" / "jupyter", "lab", "--version"],
                                      env={**os.environ, "HOME": str(home)}).stdout.strip()
                        assert re.fullmatch(r"4\.[\d.]+", version), version
                        if mode.startswith("symlink"):
                            serve_a_page(env, home)
                    # Python wrote byte-code where it could, and not into the store.
                    run([axle, "store", "verify"], env=variables)
                    check(axle, env, variables)
                    print(f"ok      {name}, {mode} ({len(pins)} wheels, {time.monotonic() - start:.0f} s)", flush=True)
                except (RuntimeError, AssertionError) as failure:
                    failures += 1
                    print(f"FAILED  {name}, {mode}: {failure}", flush=True)
                shutil.rmtree(env, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
