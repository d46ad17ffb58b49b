#!/usr/bin/python3
"""Runs the suites, two files at a time, each in a process of its own with a deadline.

    run.py [-j N] [FILE or FILE:Class.test ...]

Ends with the line "N passed, N failed"; the exit code is 1 if any failed or none ran.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE_S = 280
# The longest first, so that the two processors end together.
FIRST = ["test_provider_faults", "test_mail", "test_webpush", "test_crash", "test_lanes",
         "test_malformed", "test_http", "test_five_channels"]


class Result(unittest.TextTestResult):
    """Counts what passed, too."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.times, self._begun = [], 0

    def startTest(self, test):
        self._begun = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.times.append([round(time.monotonic() - self._begun, 2), str(test)])
        super().stopTest(test)


def run_one(name):
    """In the child: runs one file (or what follows its colon); a JSON line at the end."""
    module, _, part = name.partition(":")
    sys.path.insert(0, str(HERE))
    target = f"{module}.{part}" if part else module
    suite = unittest.defaultTestLoader.loadTestsFromName(target)
    runner = unittest.TextTestRunner(sys.stderr, verbosity=2, resultclass=Result)
    result = runner.run(suite)
    subtests = {str(getattr(test, "test_case", test)) for test, _ in
                result.failures + result.errors}
    failed = len(subtests) + len(result.unexpectedSuccesses) + len(result.skipped)
    print("RESULT " + json.dumps({"passed": max(0, result.testsRun - failed), "failed": failed,
                                  "times": sorted(result.times)[-3:]}))
    return 1 if failed else 0


def run_child(name):
    """In the parent: (passed, failed, seconds, output) of one file."""
    begun = time.monotonic()
    child = subprocess.Popen([sys.executable, __file__, "--one", name], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             start_new_session=True)
    try:
        output = child.communicate(timeout=DEADLINE_S)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output = child.communicate()[0].decode(errors="replace") + "\nthe deadline has passed\n"
    seconds = time.monotonic() - begun
    found = re.findall(r"^RESULT (.*)$", output, re.M)
    if not found:
        return 0, 1, seconds, output
    counts = json.loads(found[-1])
    return counts["passed"], counts["failed"], seconds, output


def main():
    """Runs all that was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2, help="files at a time")
    parser.add_argument("-v", action="store_true", help="all output")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    wanted = parser.parse_args()
    if wanted.one:
        return run_one(wanted.one)
    names = [name.removesuffix(".py") for name in wanted.names] \
        or sorted(path.stem for path in HERE.glob("test_*.py"))
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(wanted.j) as pool:
        futures = {pool.submit(run_child, name): name for name in names}
        for future in concurrent.futures.as_completed(futures):
            good, bad, seconds, output = future.result()
            passed, failed = passed + good, failed + bad
            print(f"{'FAILED' if bad else 'ok':6} {futures[future]:28} {good:4} passed "
                  f"{bad:4} failed {seconds:6.1f} s", flush=True)
            if bad or wanted.v:
                print(output, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
