#!/usr/bin/env python3
"""A file server on loopback that misbehaves on request, over HTTP and HTTPS.

The first component of a request's path is the behaviour, the last one the file, what is between are its arguments:
/flaky/503/2/65536-a.bin answers 503 twice and then the file. A file comes from --root; without one there, the name
"SIZE-anything" means SIZE bytes of a fixed pattern (byte i is (i * 31 + i / 251) mod 256).

One line of JSON on standard output tells the ports and the file of the certificate authority. The server ends when
its standard input does, so that it never outlives the test that started it.
"""

import argparse
import base64
import collections
import gzip
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

CHUNK = 64 * 1024


def pattern(size):
    period = bytes((i * 31 + i // 251) % 256 for i in range(min(size, 251 * 256)))
    return (period * (size // len(period) + 1))[:size] if size else b""


class Shared:
    def __init__(self, root):
        self.root = root
        self.lock = threading.Lock()
        self.counts = collections.Counter()  # requests by path
        self.log = []
        self.cache = {}

    def count(self, path):
        with self.lock:
            self.counts[path] += 1
            return self.counts[path]

    def content(self, name):
        with self.lock:
            if name not in self.cache:
                file = self.root / name if self.root else None
                if file and file.is_file():
                    self.cache[name] = file.read_bytes()
                else:
                    size = name.split("-")[0]
                    self.cache[name] = pattern(int(size)) if size.isdigit() else None
            return self.cache[name]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shared = None
    ports = None
    # Small answers leave in one segment; the client's latency is what counts.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        parts = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
        self.nth = self.shared.count(self.path)  # with its query: a caller can begin anew
        with self.shared.lock:
            self.shared.log.append(
                {
                    "path": self.path,
                    "range": self.headers.get("Range"),
                    "if_range": self.headers.get("If-Range"),
                    "authorization": self.headers.get("Authorization"),
                    "accept": self.headers.get("Accept"),
                    "accept_encoding": self.headers.get("Accept-Encoding"),
                    "user_agent": self.headers.get("User-Agent"),
                    "host": self.headers.get("Host"),
                }
            )
        behaviour = getattr(self, "serve_" + parts[0].replace("-", "_"), None)
        if behaviour is None:
            return self.error(404)
        try:
            behaviour(*parts[1:])
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    # Answers.

    def error(self, status, headers=(), body=b"<p>no</p>"):
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, target, status=302):
        self.error(status, [("Location", target)])

    def body_of(self, name):
        body = self.shared.content(name)
        if body is None:
            self.error(404)
        return body

    def send_file(self, body, *, ranges=True, stop_after=None, etag='"v1"', headers=()):
        """The file or the range asked for; with stop_after only so many bytes of it, then the connection breaks."""
        first = 0
        wanted = self.headers.get("Range")
        matches = self.headers.get("If-Range") in (None, etag)
        if ranges and wanted and wanted.startswith("bytes=") and matches:
            first = int(wanted[6:].split("-")[0])
            if first >= len(body):
                return self.error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body) - first))
        if etag:
            self.send_header("ETag", etag)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        end = len(body) if stop_after is None else min(first + stop_after, len(body))
        for at in range(first, end, CHUNK):
            self.wfile.write(body[at : min(at + CHUNK, end)])
        if stop_after is not None:
            self.wfile.flush()
            self.close_connection = True

    def send_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def begin_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    # Behaviours.

    def serve_ok(self, name):
        body = self.body_of(name)
        if body is not None:
            self.send_file(body)

    def serve_chunked(self, name):
        body = self.body_of(name)
        if body is not None:
            self.begin_chunked()
            for at in range(0, len(body), CHUNK):
                self.send_chunk(body[at : at + CHUNK])
            self.wfile.write(b"0\r\n\r\n")

    def serve_gzip(self, name):
        """As an index page often comes."""
        body = gzip.compress(self.body_of(name))
        self.send_file(body, headers=[("Content-Encoding", "gzip")])

    def serve_broken_gzip(self, name):
        body = bytearray(gzip.compress(self.body_of(name)))
        body[-8] ^= 1  # of the checksum
        self.send_file(bytes(body), headers=[("Content-Encoding", "gzip")])

    def serve_bomb(self, size):
        """SIZE zeros in a few bytes."""
        body = gzip.compress(bytes(int(size)))
        self.send_file(body, headers=[("Content-Encoding", "gzip")])

    def serve_close(self, share, name):
        """No length; the connection's end is the body's. SHARE percent of it on the first request."""
        body = self.body_of(name)
        if body is not None:
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: len(body) * int(share) // 100] if self.nth == 1 else body)
            self.close_connection = True

    def serve_truncate(self, times, step, name):
        """The first TIMES requests break after STEP bytes."""
        body = self.body_of(name)
        if body is not None:
            self.send_file(body, stop_after=int(step) if self.nth <= int(times) else None)

    def serve_truncate_norange(self, times, step, name):
        body = self.body_of(name)
        if body is not None:
            self.send_file(body, ranges=False, etag=None, stop_after=int(step) if self.nth <= int(times) else None)

    def serve_changed(self, step, name):
        """Breaks after STEP bytes of an older version; then the file has another ETag."""
        body = self.body_of(name)
        if self.nth == 1:
            self.send_file(bytes(len(body)), etag='"old"', stop_after=int(step))
        else:
            self.send_file(body, etag='"new"')

    def serve_liar(self, step, name):
        """Breaks after STEP bytes of other content, and continues with the right one as if it were the same."""
        body = self.body_of(name)
        if self.nth == 1:
            self.send_file(bytes(len(body)), stop_after=int(step))
        else:
            self.send_file(body)

    def serve_wrong_range(self, step, name):
        """Breaks after STEP bytes, answers ranges with another one, whole files well."""
        body = self.body_of(name)
        if self.nth == 1:
            return self.send_file(body, stop_after=int(step))
        if not self.headers.get("Range"):
            return self.send_file(body)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 7-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - 7))
        self.end_headers()
        self.wfile.write(body[7:])

    def serve_corrupt(self, name):
        body = bytearray(self.body_of(name))
        body[len(body) // 2] ^= 1
        self.send_file(bytes(body))

    def serve_short(self, name):
        self.send_file(self.body_of(name)[:-1])

    def serve_endless(self, name=""):
        self.begin_chunked()
        while True:
            self.send_chunk(bytes(CHUNK))

    def serve_gigantic(self, name):
        self.send_response(200)
        self.send_header("Content-Length", str(10**15))
        self.end_headers()
        self.wfile.write(bytes(1000))
        self.wfile.flush()
        self.close_connection = True

    def serve_slow(self, interval, name):
        body = self.body_of(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(float(interval))

    def serve_silent(self, name=""):
        time.sleep(20)
        self.close_connection = True

    def serve_drop(self, times, name):
        if self.nth <= int(times):
            self.close_connection = True
        else:
            self.serve_ok(name)

    def serve_garbage(self, name):
        self.wfile.write(b"\x00\xff this is no HTTP\r\n\r\n")
        self.close_connection = True

    def serve_headers(self, name):
        """A header block that never ends."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-Filler: " + b"x" * 4000 + b"\r\n")

    def serve_status(self, status, name=""):
        self.error(int(status))

    def serve_flaky(self, status, times, name):
        if self.nth <= int(times):
            self.error(int(status))
        else:
            self.serve_ok(name)

    def serve_retry_after(self, status, seconds, times, name):
        if self.nth <= int(times):
            self.error(int(status), [("Retry-After", seconds)])
        else:
            self.serve_ok(name)

    def serve_loop(self, name):
        self.redirect(self.path)

    def serve_hops(self, count, name):
        self.redirect(f"/hops/{int(count) - 1}/{name}" if int(count) > 1 else f"/ok/{name}")

    def serve_redirect(self, name=""):
        self.redirect(self.query["to"][0], int(self.query.get("status", ["302"])[0]))

    def serve_to_http(self, name):
        self.redirect(f"http://127.0.0.1:{self.ports['http']}/ok/{name}")

    def serve_to_https(self, name):
        self.redirect(f"https://localhost:{self.ports['https']}/ok/{name}")

    def serve_to_other(self, *rest):
        """To the same server under another host name."""
        host = "localhost" if self.headers["Host"].startswith("127.") else "127.0.0.1"
        self.redirect(f"http://{host}:{self.ports['http']}/" + "/".join(rest))

    def serve_nowhere(self, name):
        self.error(302)

    def serve_auth(self, user, password, *rest):
        """The rest as a path, for those who know user and password."""
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            return self.error(401, [("WWW-Authenticate", 'Basic realm="x"')])
        getattr(self, "serve_" + rest[0].replace("-", "_"))(*rest[1:])

    def serve_encoded(self, name):
        """A file that is called compressed, and is not."""
        self.send_file(self.body_of(name), headers=[("Content-Encoding", "gzip")])

    def serve_page(self, *_):
        """?type= and ?body=; or a file of --root by ?file=."""
        if "file" in self.query:
            body = self.shared.content(self.query["file"][0])
        else:
            body = self.query.get("body", [""])[0].encode()
        self.send_page(self.query.get("type", ["text/html"])[0], body)

    def send_page(self, kind, body):
        self.send_response(200)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve_simple(self, *parts):
        """An index: /simple/[behaviour/...]/NAME/ from --root's simple/NAME.json or .html; the rest is not known."""
        name = [part for part in parts if part][-1]
        for suffix, kind in ((".json", "application/vnd.pypi.simple.v1+json"), (".html", "text/html; charset=utf-8")):
            body = self.shared.content("simple/" + "/".join([p for p in parts if p][:-1] + [name + suffix]))
            if body is not None:
                return self.send_page(kind, body)
        self.error(404)

    def serve_log(self):
        with self.shared.lock:
            body = json.dumps(self.shared.log).encode()
        self.send_page("application/json", body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    tls = None

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's thread, or a silent client would hold up the others.
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        self.RequestHandlerClass(request, client_address, self)

    def handle_error(self, request, client_address):
        pass


def make_certificates(folder):
    """An authority and a certificate of it for localhost and 127.0.0.1."""

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, cwd=folder, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority",
            "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "server.pem", "-extfile", "san")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, help="directory of files to serve")
    parser.add_argument("--no-tls", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        Handler.shared = Shared(options.root)
        server = Server(("127.0.0.1", 0), Handler)
        Handler.ports = {"http": server.server_address[1], "https": 0}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = dict(Handler.ports, ca="")
        if not options.no_tls:
            make_certificates(folder)
            secure = Server(("127.0.0.1", 0), Handler)
            secure.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secure.tls.load_cert_chain(folder / "server.pem", folder / "server.key")
            Handler.ports["https"] = told["https"] = secure.server_address[1]
            told["ca"] = str(folder / "ca.pem")
            threading.Thread(target=secure.serve_forever, daemon=True).start()
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
