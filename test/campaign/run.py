#!/usr/bin/python3
"""Runs one campaign on the real binary: run.py NAME [--runs N] [--seed S] [--jobs N] [--keep DIR]

Prints its progress, writes build/campaign/NAME.json, and ends with "N passed, N failed": so many
runs, so many findings. The table of all campaigns, with their share and their full figure, is in
scripts/campaign.
"""
import argparse
import collections
import concurrent.futures
import datetime
import importlib
import json
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
ROOT = HERE.parents[1]
OUT = pathlib.Path(os.environ.get("CAMPAIGN_OUT", ROOT / "build" / "campaign"))

# name: (module, function, runs that share one store, servers at once)
CAMPAIGNS = {
    "a1": ("kills", "a1", 25, 4),
    "a2": ("kills", "a2", 25, 4),
    "a3": ("kills", "a3", 25, 4),
    "c1": ("storms", "c1", 125, 4),
    "c2": ("storms", "c2", 30, 3),
    "c3": ("storms", "c3", 1000, 1),
    "c3s": ("storms", "c3s", 1000, 1),
    "c4": ("failures", "c4", 25, 4),
    "c5": ("storms", "c5", 13, 4),
    "c6": ("codes", "c6", 1000, 1),
    "b3": ("failures", "b3", 20, 3),
    "b1": ("disks", "b1", 10, 2),
    "b2": ("disks", "b2", 10, 3),
    "j3": ("disks", "j3", 7, 2),
    "f1": ("failures", "f1", 24, 4),
    "d1": ("crowds", "d1", 1000, 1),
    "d5": ("crowds", "d5", 1000, 1),
    "d6": ("crowds", "d6", 1000, 1),
}


class Result:
    """What one store's runs came to."""

    def __init__(self):
        self.passed, self.findings = 0, []
        self.figures, self.samples = collections.Counter(), collections.defaultdict(list)

    def find(self, what):
        """A violation."""
        self.findings.append(what)

    def add(self, findings, figures):
        """The oracle's."""
        self.findings += findings
        self.figures.update(figures)

    def times(self, name, values):
        """Samples of which least, median, p99 and most go on record."""
        self.samples[name] += values

    def note(self, name, value):
        """One number."""
        self.samples[name].append(value)


def batch(name, directory, count, seed):
    """One store's runs, in a process of its own."""
    module, function, _, _ = CAMPAIGNS[name]
    result = Result()
    try:
        getattr(importlib.import_module(module), function)(pathlib.Path(directory), count, seed,
                                                           result)
    except Exception:  # the campaign itself broke: a finding like any other
        result.find("the campaign broke:\n" + traceback.format_exc())
    return result


def machine():
    """What it ran on."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), "unknown")
    return f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}"


def summary(values):
    """Least, median, p99, most."""
    values = sorted(values)
    if not values:
        return None
    return {"min": round(values[0], 4), "p50": round(values[len(values) // 2], 4),
            "p99": round(values[min(len(values) - 1, int(len(values) * 0.99))], 4),
            "max": round(values[-1], 4), "n": len(values)}


def write(name, total, runs, seed, seconds):
    """build/campaign/NAME.json."""
    module, function, _, _ = CAMPAIGNS[name]
    what = getattr(importlib.import_module(module), function).__doc__
    OUT.mkdir(parents=True, exist_ok=True)
    record = {"campaign": name, "what": what, "runs": runs, "passed": total.passed, "seed": seed,
              "date": datetime.date.today().isoformat(), "machine": machine(),
              "seconds": round(seconds, 1), "findings": len(total.findings),
              "first_findings": total.findings[:20],
              "figures": {key: value for key, value in sorted(total.figures.items())},
              "samples": {key: summary(values) for key, values in total.samples.items()}}
    (OUT / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


def main():
    """One campaign."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("name", choices=sorted(CAMPAIGNS))
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--keep", help="a directory for what was written, kept if anything failed")
    args = parser.parse_args()
    _, _, size, at_once = CAMPAIGNS[args.name]
    at_once = args.jobs or at_once
    size = max(1, min(size, -(-args.runs // at_once)))
    counts = [min(size, args.runs - at) for at in range(0, args.runs, size)]
    base = pathlib.Path(args.keep or tempfile.mkdtemp(prefix=f"bongsu-{args.name}-"))
    total, begun = Result(), time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(max_workers=at_once) as pool:
        for i in range(len(counts)):
            shutil.rmtree(base / str(i), ignore_errors=True)
        jobs = {pool.submit(batch, args.name, base / str(i), count, args.seed + i): i
                for i, count in enumerate(counts)}
        for job in concurrent.futures.as_completed(jobs):
            result = job.result()
            total.passed += result.passed
            total.add(result.findings, result.figures)
            for key, values in result.samples.items():
                total.samples[key] += values
            for finding in result.findings[:20]:
                print(f"seed {args.seed + jobs[job]}: {finding}")
            print(f"{args.name}: {total.passed} of {args.runs} runs, {len(total.findings)} findings, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
            if not result.findings:
                shutil.rmtree(base / str(jobs[job]), ignore_errors=True)
    write(args.name, total, args.runs, args.seed, time.monotonic() - begun)
    print(json.dumps({"figures": dict(total.figures), "samples": {
        key: summary(values) for key, values in total.samples.items()}}))
    if total.findings:
        print(f"what was written stands in {base}")
    else:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{total.passed} passed, {len(total.findings)} failed")
    return 1 if total.findings or total.passed < args.runs else 0


if __name__ == "__main__":
    sys.exit(main())
