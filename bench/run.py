#!/usr/bin/python3
"""Runs the benchmarks and writes one JSON a scenario under build/bench/, and docs/performance.md.

    bench/run.py [--build DIR] [--seconds N] [--runs N] [SCENARIO ...]

Scenarios: p1 p1_once p1_open p2 p6 p9. The server, the load and the push sink share the machine, as
they do in every figure of the design; CPU per notification is the main figure, split by the server's
threads. Every figure is the median of the runs, with the least and the most.
"""
import argparse
import base64
import datetime
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "integration"))
TICK = os.sysconf("SC_CLK_TCK")
USERS = 10000


def thread_cpu(pid):
    """CPU seconds so far by thread name."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
            name = (task / "comm").read_text().strip()
        except OSError:
            continue
        found[name] = found.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
    return found


def resident_kib(pid):
    """VmRSS."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


class World:
    """A push sink, a server that delivers to it, and an app with users, devices and a template."""

    def __init__(self, build, directory):
        from bongsu import Server
        from pki import Pki, TEAM, KID
        self.build = build
        pki = Pki(pathlib.Path(directory) / "pki")
        self.sink = subprocess.Popen([build / "bench" / "push_sink", pki.cert, pki.key],
                                     stdout=subprocess.PIPE, text=True)
        port = int(self.sink.stdout.readline().split()[1])
        url = f"https://127.0.0.1:{port}"
        apns = {"driver": "apns", "team_id": TEAM, "key_id": KID, "key": f"file:{pki.apns_key}",
                "url": url, "sandbox_url": url, "ca": str(pki.ca), "in_flight": 4000}
        self.server = Server({"providers": {"apns": apns},
                              "routes": [{"kind": "ios", "providers": ["apns"]}]},
                             directory=directory)
        self.pid = self.server.pid
        root = self.server.root()
        root.must("POST", "/v1/apps", {"name": "bench"})
        key = root.must("POST", "/v1/apps/bench/keys", {"scopes": ["send", "manage", "read"]})
        self.auth = base64.b64encode(f"{key['app_key']}:{key['app_secret']}".encode()).decode()
        from bongsu import Client
        self.client = Client(self.server.port, "Basic " + self.auth)
        self.prepare()

    def prepare(self):
        """Users with one iPhone each, their preferences, a category and a template."""
        must = self.client.must
        must("PUT", "/v1/categories/orders", {"channels": ["push"]})
        must("PUT", "/v1/templates/shipped",
             {"push": {"title": "Order {{order.id}}",
                       "body": "{{name}}, your order over {{order.total}} is on its way"}})
        for i in range(USERS):
            must("PUT", f"/v1/users/u{i}", {"email": f"u{i}@example.com", "locale": "en"})
            must("PUT", f"/v1/users/u{i}/devices/d",
                 {"platform": "ios", "token": f"{i:064x}", "bundle_id": "com.example.shop"})
            if i % 10 == 0:
                must("PUT", f"/v1/users/u{i}/preferences", {"channels": {"sms": False}})

    def settled(self, seconds=120):
        """Waits until nothing is queued or in flight."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rows = self.client.must("GET", "/v1/queues")["data"]
            if not any(row["depth"] or row["in_flight"] for row in rows):
                return True
            time.sleep(0.02)
        return False

    def load(self, seconds, **options):
        """One run of the load generator; its figures, with the server's CPU for all that it accepted."""
        command = [self.build / "test" / "campaign" / "load", "--port", self.server.port,
                   "--auth", self.auth,
                   "--users", USERS, "--seconds", seconds, "--prefix", f"r{time.time_ns()}"]
        for name, value in options.items():
            command += ["--" + name, value]
        before, start = thread_cpu(self.pid), time.monotonic()
        done = subprocess.run([str(one) for one in command], capture_output=True, text=True,
                              timeout=seconds + 60, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr + done.stdout)
        figures = json.loads(done.stdout)
        figures["all_delivered"] = self.settled()
        figures["delivered_per_second"] = figures["accepted"] / (time.monotonic() - start)
        after = thread_cpu(self.pid)
        count = max(figures["accepted"], 1)
        threads = {name: (after[name] - before.get(name, 0)) / count * 1e6 for name in after}
        figures["cpu_us"] = sum(threads.values())
        figures["cpu_us_by_thread"] = {name: round(value, 2) for name, value in threads.items()}
        figures["resident_mib"] = resident_kib(self.pid) / 1024
        return figures

    def close(self):
        """Ends both processes."""
        self.server.stop()
        self.sink.send_signal(signal.SIGTERM)
        self.sink.wait(10)


def directory_bytes(path):
    """Of all its files."""
    return sum(one.stat().st_size for one in pathlib.Path(path).rglob("*") if one.is_file())


def p1(world, seconds):
    """One notification a POST, closed loop: saturation."""
    return world.load(seconds, connections=128)


def p1_once(world, seconds):
    """The same, at most once: an attempt is marked before it begins."""
    return world.load(seconds, connections=128, guarantee="at_most_once")


def p1_open(world, seconds):
    """One notification a POST, 20,000 a second whatever happens."""
    return world.load(seconds, connections=1024, rate=20000)


def p2(world, seconds):
    """Fifty notifications a POST."""
    return world.load(seconds, connections=16, batch=50)


def p6(world, seconds):
    """Idle."""
    world.settled()
    before = sum(thread_cpu(world.pid).values())
    time.sleep(seconds)
    return {"cpu_percent": (sum(thread_cpu(world.pid).values()) - before) / seconds * 100,
            "resident_mib": resident_kib(world.pid) / 1024}


def p9(world, seconds):
    """Bytes on disk for each notification with its events."""
    store = world.server.directory / "store"
    before = (store / "bongsu.db").stat().st_size
    figures = world.load(seconds, connections=16, batch=50)
    time.sleep(2)
    grown = directory_bytes(store) - before
    wal = sum(one.stat().st_size for one in store.glob("*-wal"))
    return {"notifications": figures["accepted"],
            "bytes_each": (grown - wal) / max(figures["accepted"], 1)}


SCENARIOS = {"p1": p1, "p1_once": p1_once, "p1_open": p1_open, "p2": p2, "p6": p6, "p9": p9}


def spread(runs):
    """Median, least and most of every number that the runs have."""
    result = {}
    for name, value in runs[0].items():
        values = [run[name] for run in runs]
        if isinstance(value, dict):
            result[name] = {key: round(statistics.median(one.get(key, 0) for one in values), 2)
                            for key in value}
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            result[name] = all(values) if isinstance(value, bool) else value
        else:
            result[name] = {"median": round(statistics.median(values), 3),
                            "min": round(min(values), 3), "max": round(max(values), 3)}
    return result


def machine():
    """What it ran on."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), "unknown")
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(),
            "date": datetime.date.today().isoformat()}


BUDGETS = {
    "p1": ("P1", "saturation: one notification a POST, delivered over HTTP/2 and TLS",
           ">= 25,000/s, <= 45 us"),
    "p1_once": ("P1", "the same, at most once", "a figure of its own"),
    "p1_open": ("P1", "open loop at 20,000/s: p99 of the 202", "<= 50 ms"),
    "p2": ("P2", "50 notifications a POST", ">= 60,000/s, <= 22 us"),
    "p6": ("P6", "idle, after the runs above", "<= 12 MB, no CPU"),
    "p9": ("P9", "disk for a notification with its events", "<= 700 B"),
}


def median(figures, name):
    """The median of one figure, for people."""
    value = figures.get(name)
    value = value["median"] if isinstance(value, dict) and "median" in value else value
    return f"{value:,.1f}" if isinstance(value, float) and value < 1000 else f"{value:,.0f}"


def measured(name, figures):
    """One scenario in a sentence."""
    if name == "p6":
        return f"{median(figures, 'resident_mib')} MiB, {median(figures, 'cpu_percent')} % of a core"
    if name == "p9":
        return f"{median(figures, 'bytes_each')} B over {median(figures, 'notifications')}"
    spread_of = figures["per_second"]
    return (f"{median(figures, 'per_second')}/s ({spread_of['min']:,.0f}-{spread_of['max']:,.0f}), "
            f"{median(figures, 'cpu_us')} us CPU each, p50 {median(figures, 'p50_ms')} ms, "
            f"p99 {median(figures, 'p99_ms')} ms, {median(figures, 'resident_mib')} MiB")


def report(out, path):
    """Writes the table from every scenario's newest JSON."""
    lines = ["# Performance, measured", "",
             "Written by `make bench` from the JSON under `build/bench/` and from `bench/notes.md`; do "
             "not edit. The load generator, the push sink", "and the server share the machine. CPU is the server's "
             "user and system time for each notification, settled.", ""]
    results = [json.loads((out / f"{name}.json").read_text())
               for name in SCENARIOS if (out / f"{name}.json").exists()]
    if results:
        where = results[0]["machine"]
        lines += [f"{where['cpu']}, {where['cores']} cores, Linux {where['kernel']}, "
                  f"{where['date']}; medians (least-most).", "",
                  "| # | what | to reach | measured |", "| --- | --- | --- | --- |"]
    for result in results:
        number, what, budget = BUDGETS[result["scenario"]]
        lines.append(f"| {number} | {what} | {budget} | "
                     f"{measured(result['scenario'], result['figures'])} |")
    split = [one for one in results if "cpu_us_by_thread" in one["figures"]]
    if split:
        threads = sorted({name for one in split for name in one["figures"]["cpu_us_by_thread"]})
        lines += ["", "CPU of a notification by thread, in us (`bongsu` is the intake):", "",
                  "| scenario | " + " | ".join(threads) + " |",
                  "| --- |" + " --- |" * len(threads)]
        for one in split:
            shares = one["figures"]["cpu_us_by_thread"]
            lines.append(f"| {one['scenario']} | " +
                         " | ".join(f"{shares.get(name, 0):.1f}" for name in threads) + " |")
    notes = (ROOT / "bench" / "notes.md").read_text()
    path.write_text("\n".join(lines) + "\n\n" + notes)


def main():
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=str(ROOT / "build-release"))
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="only write the page again")
    parser.add_argument("--keep", help="a directory for the server, kept afterwards")
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    args = parser.parse_args()
    build = pathlib.Path(args.build).resolve()
    os.environ.setdefault("BONGSU", str(build / "bongsu"))
    import tempfile
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    if args.report:
        report(out, ROOT / "docs" / "performance.md")
        return
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary:
        world = World(build, args.keep or temporary)
        try:
            for name in args.scenarios:
                idle = name in ("p6", "p9")
                runs = [SCENARIOS[name](world, args.seconds)
                        for _ in range(1 if idle else args.runs)]
                result = {"scenario": name, "what": SCENARIOS[name].__doc__, "machine": machine(),
                          "seconds": args.seconds, "runs": len(runs), "figures": spread(runs)}
                (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
                print(json.dumps(result["figures"]), flush=True)
        finally:
            world.close()
    report(out, ROOT / "docs" / "performance.md")


if __name__ == "__main__":
    main()
