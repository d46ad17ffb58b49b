"""The store's own commands: verify, backup, migrate, confirm-epoch, with and without a server."""
import pathlib
import stat
import subprocess
import unittest

import bongsu
from case import GOOD, ServerCase

EX_TEMPFAIL = 75


class StoreCommands(ServerCase):
    """Over one server that is stopped and started as needed."""

    def command(self, *words, code=0, config=None):
        """bongsu store WORDS; its output."""
        made = subprocess.run([str(bongsu.BINARY), "store", *words, "-c",
                               str(config or self.server.file)], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(made.returncode, code, made)
        return made.stdout + made.stderr

    def test_a_running_store_is_not_verified_and_a_stopped_one_is(self):
        self.delivery(GOOD)
        self.assertIn(f"pid {self.server.pid}", self.command("verify", code=EX_TEMPFAIL))
        self.assertIn(f"pid {self.server.pid}", self.command("migrate", code=EX_TEMPFAIL))
        self.assertEqual(self.server.terminate(), 0)
        self.assertIn("the store is good", self.command("verify"))
        self.assertIn("nothing to do", self.command("migrate"))
        self.server.start()

    def test_a_backup_is_the_same_with_and_without_a_server(self):
        self.delivery(GOOD)
        for name, running in (("hot.db", True), ("cold.db", False)):
            if not running:
                self.server.terminate()
            file = self.server.directory / name
            self.assertIn("is written", self.command("backup", str(file)))
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
            self.assertIn("exists", self.command("backup", str(file), code=74))
            if not running:
                self.server.start()
            self.restore(file)

    def restore(self, file):
        """Another server over it says what it is until it is told otherwise."""
        other = bongsu.Server(start=False)
        self.addCleanup(other.stop)
        store = pathlib.Path(other.directory) / "store"
        store.mkdir(mode=0o700)
        file.rename(store / "bongsu.db")
        self.assertIn("the store is good", self.command("verify", config=other.file))
        other.start()
        root = other.root()
        self.assertEqual(root.get("/v1/store").json["state"], "unconfirmed")
        self.assertIn("backup", root.get("/v1/store").json["epoch"]["why"])
        self.assert_problem(other.anonymous().get("/readyz"), 503)
        self.assertIn("confirmed", self.command("confirm-epoch", config=other.file))
        self.assertEqual(root.get("/v1/store").json["state"], "ready")
        self.assertEqual(other.anonymous().get("/readyz").status, 200)
        self.assertIn("already", self.command("confirm-epoch", config=other.file))

    def test_the_calls_are_the_operators(self):
        for method, path in (("GET", "/v1/store"), ("POST", "/v1/store/backup"),
                             ("POST", "/v1/store/confirm-epoch")):
            body = {"file": "/tmp/x"} if path.endswith("backup") else None
            self.assert_problem(self.app.call(method, path, body), 403)
        self.assert_faults(self.root.post("/v1/store/backup", {"file": "relative.db"}), ["/file"])
        self.assert_faults(self.root.post("/v1/store/backup", {}), ["/file"])
        store = self.root.must("GET", "/v1/store")
        self.assertEqual(store["disk"]["reserve_bytes"], 8 << 20)
        self.assertGreater(store["disk"]["free_bytes"], 0)


if __name__ == "__main__":
    unittest.main()
