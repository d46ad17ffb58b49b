"""B3, C4, F1: the ground under the server gives way: calls that fail, time that stops or jumps."""
import pathlib
import signal
import subprocess
import time

import oracle
from oracle import account

from stage import RETRY, TOOLS, Failed, Load, Stage, micros

# C4


def c4(directory, count, seed, result):
    """The whole server is stopped (SIGSTOP) for longer than its providers' deadlines, and goes on.

    Outcomes that are stale by then change nothing: no delivery is lost, none is sent again that a
    provider took and whose answer was in time, none after its ttl."""
    stage = Stage(directory, seed, apps=2, kinds=("ios", "sms"), timeout="1s",
                  config={"retry": {name: {"first": "100ms", "max": "500ms", "attempts": 100}
                                    for name in RETRY}})
    try:
        for fake in stage.fakes.values():
            fake.set(latency_min=0, latency_max=300)
        Load(stage, rate=200, kinds="ios:1,sms:1", priority="mixed", recipients="1-2",
             short_ttl=100, connections=256)
        for _ in range(count):
            time.sleep(stage.rng.uniform(0.2, 0.8))
            stage.signal(signal.SIGSTOP)
            time.sleep(stage.rng.uniform(1.2, 3))
            stage.signal(signal.SIGCONT)
            result.passed += 1
        account(stage, result)
    finally:
        stage.close()


# B3

# Each with an error that the kernel gives for it. Not
# epoll_ctl and write to a wake-up: libuv aborts, by its design.
CALLS = [("read", "EIO"), ("pread64", "EIO"), ("pwrite64", "EIO"),
         ("fdatasync", "EIO"), ("fsync", "EIO"), ("openat", "EMFILE"), ("openat", "ENOMEM"),
         ("accept4", "EMFILE"), ("accept4", "ENFILE"), ("accept4", "ECONNABORTED"),
         ("socket", "EMFILE"), ("connect", "ENETUNREACH"), ("connect", "ECONNREFUSED"),
         ("recvfrom", "ECONNRESET"), ("recvmsg", "ECONNRESET"), ("sendto", "EPIPE"),
         ("sendmsg", "ECONNRESET"), ("writev", "EPIPE"),
         ("epoll_wait", "EINTR"), ("epoll_pwait", "EINTR"), ("mmap", "ENOMEM"),
         ("mremap", "ENOMEM"), ("ftruncate", "EIO"), ("fallocate", "ENOSPC"),
         ("getsockname", "ENOBUFS"), ("setsockopt", "ENOMEM"), ("eventfd2", "EMFILE"),
         ("fcntl", "EINVAL"), ("getrandom", "EINTR"), ("newfstatat", "EIO"), ("fstat", "EIO"),
         ("unlink", "EIO"), ("clone3", "EAGAIN"), ("pwrite64", "ENOSPC")]
LIFE_S = 2.5
CRASHES = {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL, -signal.SIGABRT,
           128 + signal.SIGSEGV, 128 + signal.SIGABRT, 128 + signal.SIGBUS}


def _faulty(rng, number):
    """(words before the server's command, environment, a name) of one faulty life."""
    if number % 2:
        nth = int(10 ** rng.uniform(1.5, 5.5))
        every = rng.choice([0, 0, 997])
        return [], {"LD_PRELOAD": str(TOOLS / "libfailing_malloc.so"), "FAIL_AT": str(nth),
                    "FAIL_EVERY": str(every)}, f"allocation {nth} every {every}"
    call, error = CALLS[(number // 2) % len(CALLS)]
    nth = int(10 ** rng.uniform(0, 3.3))
    when = rng.choice([str(nth), f"{nth}+97"])
    return ["strace", "-f", "-qqq", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:error={error}:when={when}"], {}, f"{call} {error} {when}"


def b3(directory, count, seed, result):
    """Each life of the server has one system call or allocation that fails, at the Nth or at every
    so manieth: no crash, no hang, nothing lost or sent twice without need.

    It may refuse to start or end with an error of its own (the store's are fatal by design); the
    next life, without faults, goes on."""
    stage = Stage(directory, seed, apps=2)
    try:
        Load(stage, rate=150, kinds="ios:6,sms:2,email:2", priority="mixed", recipients="1-2",
             repeat=20)
        stage.terminate()
        for number in range(count):
            stage.wrap, stage.env, what = _faulty(stage.rng, number + seed * 1000)
            _live(stage, result, what)
            stage.wrap, stage.env = [], {}
            stage.start()
            time.sleep(0.2)
            stage.kill()
            result.passed += 1
        stage.start()
        account(stage, result)
    finally:
        stage.close()


def _live(stage, result, what):
    """One faulty life."""
    started = True
    try:
        stage.start(8)
        time.sleep(LIFE_S)
    except Failed:
        started = False  # that is an answer, too
    result.figures["lives" if started else "refused_starts"] += 1
    child = stage.server.process.child
    if child.poll() is None:
        _term(stage, child)
        try:
            child.wait(40)
        except subprocess.TimeoutExpired:
            result.find(f"B3 {what}: it hangs after SIGTERM:\n{stage.server.tail(1500)}")
            _kill_tree(child.pid)
            child.wait(10)
    code = child.returncode
    result.figures[f"exit_{code}"] += 1
    if code in CRASHES:
        result.find(f"B3 {what}: ended by {code}:\n{stage.server.tail(1500)}")
    stage.server.process.stop()
    stage.server._ended = True
    stage._died()


def _children(pid):
    try:
        return [int(one) for one in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _term(stage, child):
    """strace passes no signal on: the server is its child."""
    import os
    for pid in (_children(child.pid) if stage.wrap else []) or [child.pid]:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass


def _kill_tree(pid):
    import os
    for one in [*_children(pid), pid]:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass


# F1

STEPS_S = [3600, -3600, 86400, -86400, 5, -5]


def f1(directory, count, seed, result):
    """The wall clock steps by an hour or a day, forward and back, under load (libfaketime).

    Nothing is lost or sent twice; durations are unmoved: a retry that is due in a second comes
    within seconds, and a ttl neither ends early nor lasts longer."""
    clock = pathlib.Path(directory)
    clock.mkdir(parents=True, exist_ok=True)
    clock = clock / "clock"
    clock.write_text("+0\n")
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    stage = Stage(directory, seed, apps=2, kinds=("ios", "sms"),
                  env={"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock),
                       "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                       "FAKETIME_NO_CACHE": "1"})
    try:
        for fake in stage.fakes.values():
            fake.set(latency_min=0, latency_max=50)
            fake.act("status", share=200, first=1, status=503,
                     word="ServiceUnavailable" if fake.role == "push" else "20503")
        Load(stage, rate=100, kinds="ios:1,sms:1", priority="mixed", short_ttl=50)
        at = 0
        for number in range(count):
            time.sleep(stage.rng.uniform(0.5, 1.5))
            at += STEPS_S[number % len(STEPS_S)]
            clock.write_text(f"{at:+d}\n")
            result.passed += 1
        time.sleep(1)
        for load in stage.loads:
            load.stop()
        begun = micros()
        left = stage.settle(30)
        result.note("settled_after_s", (micros() - begun) / 1e6)
        if left:
            result.find(f"F1 {left} deliveries still on their way 30 s after the last step of the "
                        f"clock, though no retry is due later than 2 s")
        findings, figures = oracle.judge(stage, settled=not left)
        result.add(findings, figures)
    finally:
        stage.close()
