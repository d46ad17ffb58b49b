"""Starts the fakes of test/peers and the vendors' programs, and reads what they have seen.

Every process is a child of ours that the kernel ends with us; `stop` closes its input, waits, and
falls back on its own pid, never on a name.
"""
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "test" / "peers"
# Vendors' documents, if they are at hand; as scripts/suite finds them.
SPECS = pathlib.Path(os.environ.get("SHARED", ROOT.parent / "shared")) / "specs"
START_S = 20
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A peer did not start, or did not answer in time."""


class Process:
    """A child with its output in a file, stopped by pid."""

    def __init__(self, arguments, log, env=None, cwd=None, stdout=None):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as err:
            self.child = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.PIPE,
                stdout=stdout or err, stderr=err, env={**os.environ, **(env or {})}, cwd=cwd,
                preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def stop(self, grace_s=5):
        """Closes its input, then terminates, then kills; every step has a deadline."""
        if self.child.stdin:
            self.child.stdin.close()
        for step in (lambda: None, self.child.terminate, self.child.kill):
            if self.child.poll() is not None:
                break
            step()
            try:
                self.child.wait(grace_s if step != self.child.kill else 30)
            except subprocess.TimeoutExpired:
                continue
        if self.child.stdout:
            self.child.stdout.close()
        return self.child.returncode

    def output(self):
        """What it wrote so far."""
        return self.log.read_text(errors="replace")

    def wait_for_line(self, pattern, seconds=START_S):
        """The first match of `pattern` in its output; Failed at the deadline or if it ends."""
        end = time.monotonic() + seconds
        while True:
            ended = self.child.poll() is not None
            match = re.search(pattern, self.output())
            if match:
                return match
            if ended or time.monotonic() > end:
                raise Failed(f"no line like {pattern!r} in {self.log}:\n{self.output()[-3000:]}")
            time.sleep(0.01)


class Fake(Process):
    """A fake of test/peers: `ports` from its first line, rules and a log (see peer.mjs)."""

    def __init__(self, program, directory, name=None, port=0, **options):
        name = name or program
        self.requests_path = pathlib.Path(directory) / f"{name}.ndjson"
        self.requests_path.touch()
        arguments = [f"--{key}={value}" for key, value in options.items()]
        super().__init__(["node", PEERS / f"{program}.mjs", f"--log={self.requests_path}",
                          f"--port={port}", *arguments], pathlib.Path(directory) / f"{name}.err",
                         stdout=subprocess.PIPE)
        timer = threading.Timer(START_S, self.child.kill)
        timer.start()
        line = self.child.stdout.readline()
        timer.cancel()
        if not line:
            raise Failed(f"{program} did not start:\n{self.output()}")
        self.ports = json.loads(line)
        self.port = self.ports.get("port")

    def rules(self, *rules):
        """Replaces its rules."""
        self._control("PUT", "/rules", list(rules))

    def rule(self, act, address=None, times=None, prefix=None):
        """Puts one rule before the others."""
        rule = {"act": act, "address": address, "times": times, "prefix": prefix}
        self._control("POST", "/rules", {k: v for k, v in rule.items() if v is not None})

    def subscribe(self, **wishes):
        """webpush_fake: a subscription, as a browser would hand it over."""
        return self._control("POST", "/subscribe", wishes)

    def stats(self):
        """Its counters."""
        return self._control("GET", "/stats")

    def requests(self, address=None):
        """Every request so far as it came, oldest first; `address` picks one."""
        with open(self.requests_path, encoding="utf-8") as lines:
            entries = [json.loads(line) for line in lines if line.endswith("\n")]
        return [e for e in entries if address is None or e.get("address") == address]

    def _control(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['control']}{path}", data,
                                         method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


class Prism(Process):
    """prism as a proxy that checks requests and answers against an OpenAPI document, --errors."""

    def __init__(self, document, upstream_port, directory, port):
        self.port = port
        super().__init__([ROOT / "node_modules/.bin/prism", "proxy", document,
                          f"http://127.0.0.1:{upstream_port}", "--errors", "-h", "127.0.0.1",
                          "-p", port], pathlib.Path(directory) / f"prism-{port}.log")
        self.wait_for_line("Prism is listening", 60)

    def violations(self, of="(request|response)"):
        """Lines of its log that speak of one."""
        return [line for line in self.output().splitlines()
                if re.search(f"[Vv]iolation: {of}", line)]

    def stop(self, grace_s=5):
        """It does not mind its input."""
        self.child.terminate()
        return super().stop(grace_s)


def node(program, *arguments, ca=None, targets=None, seconds=60):
    """Runs a Node program of test/peers to its end; the JSON that it prints.

    `targets` ({host: port}) takes connections to vendors' hosts to fakes whose CA is `ca`.
    """
    env, preload = dict(os.environ), []
    if ca:
        env["NODE_EXTRA_CA_CERTS"] = str(ca)
    if targets:
        env["PEER_TARGETS"] = json.dumps(targets)
        preload = ["--require", PEERS / "redirect.cjs"]
    done = subprocess.run(["node", *preload, PEERS / program, *map(str, arguments)], env=env,
                          timeout=seconds, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{program} ended with {done.returncode}:\n{done.stderr.decode()[-3000:]}")
    return json.loads(done.stdout)


def headers(entry):
    """The headers of a logged request as a dictionary; raw pairs stand in the entry itself."""
    raw = entry["headers"]
    return {raw[i].lower(): raw[i + 1] for i in range(0, len(raw), 2)}
