"""Runs the real binary with a configuration of ours and talks to it as its clients do.

`Server` is one process over one store directory; it can be killed and started again. `Client` is
one set of credentials over kept-alive connections. All waits have deadlines.
"""
import base64
import http.client
import json
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time

from peers import ROOT, Failed, Process

BINARY = pathlib.Path(os.environ.get("BONGSU", ROOT / "build" / "bongsu"))
ROOT_KEY = "root-key-of-the-integration-tests-0123456789"
FINAL = {"sent", "delivered", "opened", "clicked", "failed", "dead", "suppressed", "expired",
         "cancelled", "unknown"}
READY_S = 20


def free_port():
    """A port that nobody holds, outside the range that connections take theirs from."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free port")


class Answer:
    """Status, headers (names in lower case), body and, if it is JSON, `json`."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.json = None
        if "json" in headers.get("content-type", ""):
            self.json = json.loads(body)

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


class Client:
    """Calls with one set of credentials; a connection per thread, kept alive."""

    def __init__(self, port, authorization=None, host="127.0.0.1"):
        self.port, self.host, self.authorization = port, host, authorization
        self._local = threading.local()

    def call(self, method, path, body=None, headers=None, timeout=30):
        """One request; `body` is JSON unless it is bytes. Never repeated if it may have begun."""
        sent = {"Authorization": self.authorization} if self.authorization else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        connection = getattr(self._local, "connection", None)
        if connection is None or connection.sock is None or _readable(connection.sock):
            self.close()
            connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
            self._local.connection = connection
        connection.timeout = timeout
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            data = response.read()
        except Exception:
            self.close()
            raise
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, data)

    def get(self, path, **more):
        """GET."""
        return self.call("GET", path, **more)

    def put(self, path, body, **more):
        """PUT."""
        return self.call("PUT", path, body, **more)

    def post(self, path, body=None, **more):
        """POST."""
        return self.call("POST", path, body, **more)

    def delete(self, path, **more):
        """DELETE."""
        return self.call("DELETE", path, **more)

    def close(self):
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    # What most tests need, in one call each.

    def must(self, method, path, body=None, status=(200, 201, 202, 204), **more):
        """A call that the test relies on: its JSON, or an AssertionError with the answer."""
        answer = self.call(method, path, body, **more)
        allowed = status if isinstance(status, tuple) else (status,)
        if answer.status not in allowed:
            raise AssertionError(f"{method} {path}: {answer!r}")
        return answer.json

    def send(self, notification):
        """POST /v1/notifications that must be accepted; the JSON of the 202."""
        return self.must("POST", "/v1/notifications", notification, status=202)

    def deliveries(self, notification_id):
        """All deliveries of a notification, through every page."""
        found, cursor = [], None
        while True:
            path = f"/v1/notifications/{notification_id}/deliveries?limit=200"
            page = self.must("GET", path + (f"&cursor={cursor}" if cursor else ""))
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def events(self, notification_id):
        """All events of a notification, oldest first."""
        found, cursor = [], None
        while True:
            path = f"/v1/notifications/{notification_id}/events?limit=200"
            page = self.must("GET", path + (f"&cursor={cursor}" if cursor else ""))
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def settled(self, notification_id, seconds=20, states=FINAL):
        """Waits until every delivery is in one of `states`; the deliveries."""
        return wait_for(lambda: self._in(notification_id, states), seconds,
                        lambda: f"{notification_id}: {self.deliveries(notification_id)}")

    def _in(self, notification_id, states):
        found = self.deliveries(notification_id)
        return found if all(one["state"] in states for one in found) else None


def wait_for(condition, seconds=20, what=lambda: ""):
    """Polls until `condition` is true and returns its value; Failed at the deadline."""
    end, pause = time.monotonic() + seconds, 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def _readable(sock):
    """An idle connection on which something came: it has been closed."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class Server:
    """`bongsu serve` over a directory of its own.

    `config` holds everything but listen, root_key and store, as Python values; JSON is YAML.
    """

    def __init__(self, config=None, directory=None, listen=None, start=True):
        self._temporary = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="bongsu-test-")
            directory = self._temporary.name
        self.directory = pathlib.Path(directory)
        self.port = free_port()
        self.config = {"listen": listen or f"127.0.0.1:{self.port}", "root_key": ROOT_KEY,
                       "store": f"sqlite:{self.directory}/store",
                       "providers": {"demo": {"driver": "sandbox"}},
                       "routes": sandbox_routes(), **(config or {})}
        self.config["limits"] = {"disk_reserve": "8MiB", **self.config.get("limits", {})}
        self.file = self.directory / "bongsu.yaml"
        self.log = self.directory / "bongsu.log"
        self.process = None
        self._ended = False
        self.write()
        if start:
            self.start()

    def write(self):
        """Writes the configuration as it stands now."""
        self.file.write_text(json.dumps(self.config, indent=1))

    def start(self):
        """Starts it and waits until it says that it listens."""
        if not BINARY.exists():
            raise Failed(f"{BINARY} is not there: run make, or set BONGSU")
        before = self.log.stat().st_size if self.log.exists() else 0
        self._ended = False
        self.process = Process([BINARY, "serve", "-c", self.file], self.log)
        wait_for(lambda: self._listening(before), READY_S,
                 lambda: f"no line with the listening address:\n{self.tail()}")

    def _listening(self, before):
        if self.process.child.poll() is not None:
            raise Failed(f"it ended with {self.process.child.returncode}:\n{self.tail()}")
        return "listening" in self.log.read_text(errors="replace")[before:]

    @property
    def pid(self):
        """Its process."""
        return self.process.child.pid

    def kill(self):
        """kill -9, and waits until it is gone."""
        self.process.child.kill()
        self.process.child.wait(30)
        self.process.stop()
        self._ended = True

    def terminate(self, seconds=35):
        """SIGTERM; its exit code."""
        self.process.child.send_signal(signal.SIGTERM)
        self.process.child.wait(seconds)
        self._ended = True
        return self.process.stop()

    def restart(self):
        """kill -9, then starts again over the same store."""
        self.kill()
        self.start()

    def stop(self):
        """Ends it whatever happened, and removes its directory; Failed if it did not end well."""
        code = 0
        if self.process is not None and not self._ended:
            self.process.child.send_signal(signal.SIGTERM)
            try:
                code = self.process.child.wait(10)
            except subprocess.TimeoutExpired:  # it waits for a provider, but the test is over
                self.process.child.kill()
            self.process.stop()
        tail = self.tail() if code else ""
        if self._temporary is not None:
            self._temporary.cleanup()
        if code:
            raise Failed(f"the server ended with {code}:\n{tail}")

    def tail(self, size=4000):
        """The end of its log."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""

    def rss_kib(self):
        """Resident memory."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise Failed("no VmRSS")

    # Credentials.

    def root(self):
        """The operator."""
        return Client(self.port, f"Bearer {ROOT_KEY}")

    def anonymous(self):
        """Nobody."""
        return Client(self.port)

    def app(self, name, **key):
        """Makes an app and a key with every scope; its client, with `app` and `key` on it."""
        root = self.root()
        root.must("POST", "/v1/apps", {"name": name}, status=201)
        root.close()
        return self.key(name, **key)

    def key(self, name, **key):
        """One more key of an app; its client."""
        root = self.root()
        made = root.must("POST", f"/v1/apps/{name}/keys",
                         {"scopes": ["send", "manage", "read"], "mode": "live", **key}, status=201)
        root.close()
        return self.client(name, made["app_key"], made["app_secret"])

    def client(self, name, app_key, app_secret):
        """A client with these credentials."""
        pair = base64.b64encode(f"{app_key}:{app_secret}".encode()).decode()
        client = Client(self.port, f"Basic {pair}")
        client.app, client.app_key, client.app_secret = name, app_key, app_secret
        return client


def sandbox_routes(provider="demo"):
    """Every kind to one provider."""
    return [{"kind": kind, "providers": [provider]}
            for kind in ("ios", "android", "web", "sms", "email")]
