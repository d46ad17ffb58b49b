"""B1, B2 and J3: the disk below the real binary fills, fails to sync, and is copied."""
import os
import shutil
import subprocess
import time

from kills import MIX
from oracle import account
from stage import Failed, Load, Stage, bongsu, until

DISK = "96m"
RESERVE = "16MiB"
FULL_S = 5.0       # from a full disk to the first refusal
RECOVER_S = 5.0    # from room on it to the first acceptance
SETTLE_S = 30      # for the backlog of providers that were slow
QUIET_S = 1.5      # in which an unconfirmed store must send nothing
EX_IOERR = 74


# B1: a small tmpfs.

class Disk:
    """A tmpfs of our own; `fill` leaves nothing, at once or bit by bit."""

    def __init__(self, path):
        self.path, self.ballast = path, path / "ballast"
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "bongsu-b1",
                        str(path)], check=True)

    def fill(self, rng):
        """All that is free now, in steps of a random size; the reserve, once it is given up, is the
        server's alone."""
        found = os.statvfs(self.path)
        left, step = found.f_bavail * found.f_frsize, rng.choice([1 << 16, 1 << 20, 1 << 26])
        with open(self.ballast, "ab", buffering=0) as out:
            while left and step >= 4096:
                taken = min(left, step)
                try:
                    os.posix_fallocate(out.fileno(), out.seek(0, os.SEEK_END), taken)
                    left -= taken
                except OSError:
                    step //= 2
                time.sleep(rng.uniform(0, 0.01) if step < 1 << 20 else 0)

    def empty(self):
        """Room again."""
        self.ballast.unlink(missing_ok=True)

    def close(self):
        """Gone, with all that is in it."""
        subprocess.run(["umount", "-l", str(self.path)], check=False)


def _post(stage, number):
    """Something of our own that makes the store grow."""
    return stage.clients[stage.apps[0]].put(f"/v1/categories/probe-{number}",
                                            {"channels": ["sms"]})


def _fail_all(stage):
    """Every provider is out of order for now."""
    for fake in stage.fakes.values():
        fake.act("status", status=451 if fake.role == "mail" else 503, share=1000,
                 word="4.3.0" if fake.role == "mail" else "20500")


def _refused(answer):
    return answer.status == 503 and "nearly full" in answer.json["detail"] \
        and int(answer.headers["retry-after"]) >= 1


def _fill_once(stage, disk, result, number):
    time.sleep(stage.rng.uniform(0.2, 1))
    for fake in stage.fakes.values():
        fake.set(latency_min=500, latency_max=3000)  # a backlog
    time.sleep(stage.rng.uniform(0.3, 1.5))
    disk.fill(stage.rng)
    filled = time.monotonic()
    seconds = until(lambda: _refused(_post(stage, number)), FULL_S)
    if seconds is None:
        result.find(f"B1 not refused {FULL_S} s after the disk was full: {_post(stage, number)}")
    waiting = stage.open_work()
    for fake in stage.fakes.values():
        fake.set(latency_min=0, latency_max=50)
    left = stage.settle(SETTLE_S)
    result.times("settled_on_a_full_disk", [waiting - left])
    if left:
        result.find(f"B1 {left} deliveries of what was stored do not go on")
    ready = stage.server.anonymous().get("/readyz")
    if ready.status != 503:
        result.find(f"B1 ready on a full disk: {ready}")
    metrics = stage.server.anonymous().get("/metrics").body.decode()
    if "bongsu_store_disk_full 1" not in metrics:
        result.find("B1 the metric does not say it")
    result.times("full_s", [time.monotonic() - filled])
    disk.empty()
    seconds = until(lambda: _post(stage, number).status in (200, 201), RECOVER_S)
    if seconds is None:
        result.find(f"B1 not recovered {RECOVER_S} s after there was room: {_post(stage, number)}")
    else:
        result.times("recovered_s", [seconds])

def b1(directory, count, seed, result):
    """A small tmpfs fills under load, at once or bit by bit: 503 with Retry-After, what is stored
    goes on being delivered, and intake resumes by itself once there is room."""
    disk = Disk(directory / "disk")
    try:
        stage = Stage(directory, seed, config={"store": f"sqlite:{disk.path}/store",
                                               "limits": {"disk_reserve": RESERVE}})
        try:
            Load(stage, rate=300, resend_ms=0, **MIX)
            for number in range(count):
                _fill_once(stage, disk, result, number)
                result.passed += 1
            account(stage, result)
            result.times("reserves_given_up", [stage.server.log.read_text().count("given_up")])
        finally:
            stage.close()
    finally:
        disk.close()


# B2: fsync says EIO.

def b2(directory, count, seed, result):
    """fsync and fdatasync fail from the Nth on (strace): the server ends by itself with an error,
    and the next start finds all that was acknowledged."""
    stage = Stage(directory, seed)
    try:
        Load(stage, rate=300, **MIX)
        for _ in range(count):
            stage.terminate()
            first = stage.rng.choice([stage.rng.randint(1, 12), stage.rng.randint(10, 300)])
            last = "+" if stage.rng.random() < 0.5 else ""
            stage.wrap = ["strace", "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf",
                          "-e", "trace=fsync,fdatasync",
                          "-e", f"inject=fsync,fdatasync:error=EIO:when={first}{last}"]
            try:
                stage.start()
                code = stage.server.process.child.wait(60)
                if code != EX_IOERR:
                    result.find(f"B2 the {first}th sync failed, and it ended with {code}")
            except Failed as failed:  # already while it started
                code = stage.server.process.child.poll()
                if not code:
                    result.find(f"B2 it neither starts nor ends: {failed}")
            except subprocess.TimeoutExpired:
                result.find(f"B2 the {first}th sync failed, and it goes on")
                stage.kill()
            stage.server.process.stop()
            stage._died()
            stage.wrap = []
            stage.start()
            result.passed += 1
            time.sleep(stage.rng.uniform(0.1, 0.5))
        account(stage, result)
    finally:
        stage.close()


# J3: copies.

def _cp(stage, into):
    """cp -a of the whole directory, the server stopped."""
    subprocess.run(["cp", "-a", str(stage.directory / "store"), str(into)], check=True)


def _cp_running(stage, into):
    """cp -a while it runs."""
    _cp(stage, into)


def _alone(stage, into):
    """The database file alone."""
    into.mkdir(mode=0o700)
    shutil.copy2(stage.directory / "store" / "bongsu.db", into / "bongsu.db")


def _backup(stage, into):
    """bongsu store backup of the running server, put in a directory of its own."""
    into.mkdir(mode=0o700)
    _command(stage, "backup", str(into / "bongsu.db"))


def _tar(stage, into):
    """tar there and back."""
    into.mkdir(mode=0o700)
    archive = stage.directory / "store.tar"
    subprocess.run(["tar", "-C", str(stage.directory / "store"), "-cf", str(archive), "."],
                   check=True)
    subprocess.run(["tar", "-C", str(into), "-xf", str(archive)], check=True)


def _older(stage, into):
    """An older database put back where it was."""
    store = stage.directory / "store"
    saved = stage.directory / f"{into.name}-saved"
    saved.mkdir()
    shutil.copy2(store / "bongsu.db", saved)
    stage.start()
    stage.terminate()
    for name in ("bongsu.db-wal", "bongsu.db-shm"):
        (store / name).unlink(missing_ok=True)
    shutil.copyfile(saved / "bongsu.db", store / "bongsu.db")
    store.rename(into)


def _mv(stage, into):
    """mv: the same store."""
    (stage.directory / "store").rename(into)


# What is done, whether it runs meanwhile, and whether it must be noticed.
COPIES = [(_cp, False, True), (_backup, True, True), (_alone, False, True), (_mv, False, False),
          (_cp_running, True, True), (_older, False, True), (_tar, False, True)]


def _command(stage, *words):
    """bongsu store ...; its output."""
    made = subprocess.run([str(bongsu.BINARY), "store", *words, "-c", str(stage.server.file)],
                          capture_output=True, text=True, timeout=60, check=False)
    if made.returncode:
        raise Failed(f"store {words[0]}: {made.returncode} {made.stdout} {made.stderr}")
    return made.stdout


def _requests(stage):
    return sum(fake.stats()["requests"] for fake in stage.fakes.values())


def _check_unconfirmed(stage, what, result):
    """Nothing is taken on, reads work, nothing is sent."""
    app, before = stage.apps[0], _requests(stage)
    answer = stage.clients[app].post("/v1/notifications", {
        "to": [{"phone": "+14155550100"}], "content": {"sms": {"text": "t"}}})
    if answer.status != 503 or "confirm-epoch" not in answer.json["detail"]:
        result.find(f"J3 {what}: taken on: {answer}")
    if stage.clients[app].get("/v1/queues").status != 200:
        result.find(f"J3 {what}: not to be read")
    if stage.server.anonymous().get("/readyz").status != 503:
        result.find(f"J3 {what}: ready")
    time.sleep(QUIET_S)
    if _requests(stage) != before:
        result.find(f"J3 {what}: {_requests(stage) - before} requests before the confirmation")
    if "confirmed" not in _command(stage, "confirm-epoch"):
        result.find(f"J3 {what}: confirm-epoch says nothing")


def _copy_once(directory, seed, copy, running, noticed, result):
    stage = Stage(directory, seed)
    try:
        _fail_all(stage)
        load = Load(stage, rate=100, seconds=1, **{**MIX, "short_ttl": 0})
        load.wait()
        into = stage.directory / "copy"
        if not running:
            stage.terminate()
        copy(stage, into)
        if running:
            stage.terminate()
        stage.server.config["store"] = f"sqlite:{into}"
        stage.server.write()
        stage.server.start()
        unconfirmed = "what=store_unconfirmed" in stage.server.tail()
        if unconfirmed != noticed:
            result.find(f"J3 {copy.__doc__} {'un' if unconfirmed else ''}confirmed")
        if unconfirmed:
            _check_unconfirmed(stage, copy.__name__, result)
        before = _requests(stage)
        for fake in stage.fakes.values():
            fake.clear()
        if until(lambda: _requests(stage) > before, 10) is None:
            result.find(f"J3 {copy.__name__}: it does not send though it may")
        if until(lambda: stage.server.anonymous().get("/readyz").status == 200, 5) is None:
            result.find(f"J3 {copy.__name__}: not ready though it may be")
        stage.settle(30)
        stage.terminate()
        _command(stage, "verify")
        stage.server.start()
        if "what=store_unconfirmed" in stage.server.tail(2000).rsplit("what=stopped", 1)[-1]:
            result.find(f"J3 {copy.__name__}: asked again")
    finally:
        stage.close()


def j3(directory, count, seed, result):
    """A store is copied, backed up, restored or moved: a copy sends nothing until its epoch is
    confirmed, and one that was moved goes on by itself."""
    for number in range(count):
        copy, running, noticed = COPIES[(seed + number) % len(COPIES)]
        _copy_once(directory / str(number), seed + number, copy, running, noticed, result)
        result.passed += 1
