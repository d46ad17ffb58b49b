"""One server under test with its load and its fakes, each a process of its own, in one directory.

`Stage` starts them and kills the server as a campaign says; everything that happened stands in the
logs of the load and the fakes, and, after `read_back`, in what the server says of itself.
"""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "integration"))
import bongsu  # noqa: E402
import pki as keys  # noqa: E402
from peers import Failed, Process  # noqa: E402

BUILD = pathlib.Path(os.environ.get("CAMPAIGN_BUILD", ROOT / "build"))
TOOLS = BUILD / "test" / "campaign"
ACCOUNT = "AC%032x"
SUPPRESSED = 50  # as in load_items.c
RETRY = {name: {"first": "200ms", "max": "2s", "attempts": 12}
         for name in ("critical", "high", "normal", "low")}


def until(condition, seconds):
    """Seconds until it holds; None if it does not in time."""
    begun = time.monotonic()
    try:
        bongsu.wait_for(condition, seconds)
    except Failed:
        return None
    return time.monotonic() - begun


def micros():
    """The clock that the load and the fakes write."""
    return time.monotonic_ns() // 1000


class Fake(Process):
    """push, sms or mail; `port` is where it serves."""

    def __init__(self, role, directory, made, seed):
        self.role = role
        self.requests = pathlib.Path(directory) / f"{role}.log"
        super().__init__([TOOLS / "fake", role, "--log", self.requests, "--seed", seed,
                          "--cert", made.cert, "--key", made.key],
                         pathlib.Path(directory) / f"{role}.err", stdout=subprocess.PIPE)
        words = self.child.stdout.readline().split()
        if len(words) != 4:
            raise Failed(f"the {role} fake did not start: {self.output()}")
        self.port, self._control = int(words[1]), int(words[3])

    def command(self, text):
        """One line of its control protocol; its answer."""
        with socket.create_connection(("127.0.0.1", self._control), 10) as wire:
            wire.sendall(text.encode() + b"\n")
            answer = wire.makefile().readline().strip()
        if answer == "what?":
            raise Failed(f"{self.role}: {text!r}")
        return answer

    def act(self, what, **fields):
        """Adds an act (fake.h)."""
        fields = {"for" if name == "to" else name: value for name, value in fields.items()}
        self.command("\t".join(["act", f"what={what}", *(f"{k}={v}" for k, v in fields.items())]))

    def set(self, **numbers):
        """Sets its numbers."""
        self.command("\t".join(["set", *(f"{k}={v}" for k, v in numbers.items())]))

    def clear(self):
        """Forgets all acts."""
        self.command("clear")

    def stats(self):
        """Its counters; what it has logged is on disk then."""
        return json.loads(self.command("stats"))


class Load:
    """A generator that runs until it is stopped; `nice` as nice(2) has it."""

    def __init__(self, stage, name="load", apps=None, nice=0, **options):
        self.log = stage.directory / f"{name}.log"
        self.errors = stage.directory / f"{name}.err"
        options = {"rate": 500, "seconds": 3600, "seed": stage.seed, "prefix": name,
                   "connections": 64, "resend_ms": 50, **options}
        command = [TOOLS / "load", "--port", stage.server.port, "--log", self.log]
        for app in apps or stage.apps:
            command += ["--app", f"{app}={stage.auths[app]}"]
        for option, value in options.items():
            command += ["--" + option.replace("_", "-"), value]
        with open(self.errors, "ab") as err:
            self.child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                          stderr=err, preexec_fn=lambda: _with_us(nice))
        stage.loads.append(self)

    def wait(self, seconds=120):
        """Its figures, once it has ended."""
        out, _ = self.child.communicate(timeout=seconds)
        if not out:
            raise Failed(f"the load ended with {self.child.returncode}: "
                         f"{self.errors.read_text()[-2000:]}")
        return json.loads(out)

    def stop(self, seconds=60):
        """Ends the schedule and waits for what is unanswered."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def end(self):
        """Whatever happened."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait(10)
        self.child.stdout.close()


def _with_us(nice):
    from peers import PR_SET_PDEATHSIG, _libc
    os.nice(nice)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Stage:
    """`apps` with a provider of their own for each kind, so that a mix-up shows in credentials."""

    def __init__(self, directory, seed, apps=3, kinds=("ios", "sms", "email"), in_flight=500,
                 timeout="10s", config=None, wrap=(), env=None, shared=False):
        self.directory, self.seed = pathlib.Path(directory), seed
        self.directory.mkdir(parents=True, exist_ok=True)
        self.rng = random.Random(seed)
        self.apps = [f"a{i}" for i in range(apps)]
        self.kinds, self.loads, self.fakes = kinds, [], {}
        self.kills, self.readys = [], []  # micros; seconds
        self.auths, self.clients = {}, {}
        self.wrap, self.env = list(wrap), env or {}
        self.shared = shared  # one provider for all apps
        self.pki = keys.Pki(self.directory / "pki")
        self.server = None
        try:
            for kind, role in (("ios", "push"), ("sms", "sms"), ("email", "mail")):
                if kind in kinds:
                    self.fakes[role] = Fake(role, self.directory, self.pki, seed)
            self.server = bongsu.Server(self._config(in_flight, timeout, config or {}),
                                        directory=self.directory, start=False)
            self.start()
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _config(self, in_flight, timeout, more):
        providers, routes = {}, []
        if self.shared:
            for kind in self.kinds:
                providers[kind] = {**getattr(self, f"_{kind}")(0, "a0"), "in_flight": in_flight,
                                   "timeout": timeout}
                routes.append({"kind": kind, "providers": [kind]})
        for number, app in enumerate(() if self.shared else self.apps):
            for kind in self.kinds:
                providers[f"{kind}-{app}"] = {
                    **getattr(self, f"_{kind}")(number, app), "in_flight": in_flight,
                    "timeout": timeout}
                routes.append({"kind": kind, "match": {"app": [app]},
                               "providers": [f"{kind}-{app}"]})
        return {"providers": providers, "routes": routes, "retry": RETRY, **more}

    def _ios(self, number, app):
        url = f"https://127.0.0.1:{self.fakes['push'].port}"
        return {"driver": "apns", "team_id": f"TEAM{number:06d}", "key_id": f"KEYID{number:05d}",
                "key": f"file:{self.pki.apns_key}", "url": url, "sandbox_url": url,
                "ca": str(self.pki.ca)}

    def _sms(self, number, app):
        return {"driver": "twilio", "account_sid": ACCOUNT % number, "auth_token": "t" * 32,
                "from": "+15005550006", "url": f"http://127.0.0.1:{self.fakes['sms'].port}"}

    def _email(self, number, app):
        return {"driver": "smtp", "url": f"smtp://127.0.0.1:{self.fakes['mail'].port}",
                "starttls": "off"}

    def _prepare(self):
        for number, app in enumerate(self.apps):
            client = self.server.app(app)
            self.clients[app] = client
            self.auths[app] = client.authorization.split()[1]
            if "sms" in self.kinds:
                for i in range(SUPPRESSED):
                    client.must("PUT", f"/v1/suppressions/sms/%2B1999{number:02d}000000{i:02d}",
                                {"reason": "manual"})

    # The server's lives.

    def start(self, seconds=30):
        """Starts it; the seconds until /readyz says 200 are kept."""
        server = self.server
        begun = time.monotonic()
        server.process = Process([*self.wrap, bongsu.BINARY, "serve", "-c", server.file],
                                 server.log, env=self.env)
        server._ended = False
        while time.monotonic() < begun + seconds:
            if server.process.child.poll() is not None:
                raise Failed(f"it ended with {server.process.child.returncode}:\n{server.tail()}")
            if _is_ready(server.port):
                self.readys.append(time.monotonic() - begun)
                return
            time.sleep(0.003)
        raise Failed(f"not ready within {seconds} s:\n{server.tail()}")

    def kill(self):
        """kill -9."""
        self.server.kill()
        self._died()

    def _died(self):
        """An epoch ends once the fakes have read what the dead server left in its sockets."""
        for fake in self.fakes.values():
            fake.stats()
            fake.stats()
        self.kills.append(micros())

    def terminate(self, seconds=60):
        """SIGTERM, and waits: (exit code, seconds)."""
        begun = time.monotonic()
        code = self.server.terminate(seconds)
        took = time.monotonic() - begun
        self._died()
        return code, took

    def signal(self, number):
        """To the server."""
        self.server.process.child.send_signal(number)

    # Afterwards.

    def open_work(self):
        """How many deliveries are on their way, by the server's own account."""
        found = 0
        for app in self.apps:
            rows = self.clients[app].must("GET", "/v1/queues?limit=200")["data"]
            found += sum(row["depth"] + row["in_flight"] + row["scheduled"] for row in rows)
        return found

    def settle(self, seconds=60):
        """Waits until nothing is on its way; what is left at the deadline."""
        return 0 if until(lambda: not self.open_work(), seconds) is not None else self.open_work()

    def read_back(self, ids, name="back"):
        """Asks for each notification and its events; the path of the answers."""
        path = self.directory / f"{name}.log"
        with open(path, "wb") as out:
            for app, wanted in ids.items():
                lines = "".join(f"/v1/notifications/{one}{rest}\n" for one in wanted
                                for rest in ("/deliveries?limit=200", "/events?limit=200", ""))
                subprocess.run([TOOLS / "fetch", "--port", str(self.server.port), "--auth",
                                self.auths[app]], input=lines.encode(), stdout=out, check=True)
        return path

    def close(self):
        """Ends every process."""
        for load in self.loads:
            load.end()
        if self.server is not None and self.server.process is not None:
            child = self.server.process.child
            if child.poll() is None:
                child.kill()
                child.wait(30)
            self.server.process.stop()
        for fake in self.fakes.values():
            fake.stop()


def _is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as wire:
            wire.settimeout(2)
            wire.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return wire.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
