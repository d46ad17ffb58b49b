"""Ten thousand malformed requests: none is accepted, none brings it down, memory stays."""
import json
import random
import socket
import unittest

from case import GOOD, ServerCase

SEED, ROUNDS = 7, 5000
GROWTH_KIB = 3 * 1024


class Malformed(ServerCase):
    """Half of them broken JSON on kept connections, half broken bytes on new ones."""

    def setUp(self):
        self.rng = random.Random(SEED)

    def broken_json(self):
        text = bytearray(json.dumps(GOOD).encode())
        for _ in range(self.rng.randint(1, 4)):
            at = self.rng.randrange(len(text))
            kind = self.rng.randrange(4)
            if kind == 0:
                del text[at:at + self.rng.randint(1, 9)]
            elif kind == 1:
                text[at:at] = bytes(self.rng.randrange(256) for _ in range(3))
            elif kind == 2:
                text[at] = self.rng.randrange(256)
            else:
                text[at:at] = text[:self.rng.randrange(len(text))]
            text = text or bytearray(b"{")
        return bytes(text)

    def jsons(self, count):
        statuses = set()
        for _ in range(count):
            answer = self.app.post("/v1/notifications", self.broken_json())
            statuses.add(answer.status)
            if answer.status == 202:  # a change that left it valid
                continue
            self.assert_problem(answer, answer.status)
        self.assertLessEqual(statuses, {202, 400, 422})
        self.assertIn(400, statuses)

    def bytes_(self, count):
        good = (f"POST /v1/notifications HTTP/1.1\r\nHost: x\r\nAuthorization: "
                f"{self.app.authorization}\r\nContent-Type: application/json\r\n"
                f"Content-Length: 2\r\n\r\n{{}}").encode()
        for _ in range(count):
            data = bytearray(good)
            for _ in range(self.rng.randint(1, 6)):
                data[self.rng.randrange(len(data))] = self.rng.randrange(256)
            with socket.create_connection(("127.0.0.1", self.server.port), 10) as sock:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                try:
                    head = sock.recv(12)
                except ConnectionResetError:
                    continue
            if head:
                self.assertRegex(head, rb"^HTTP/1\.1 (4|5)\d\d|^\x00\x00", bytes(data))
                self.assertNotRegex(head, rb" 500", bytes(data))

    def test_memory_stays_where_it_was(self):
        self.jsons(1000)
        self.bytes_(1000)
        before = self.server.rss_kib()
        self.jsons(ROUNDS)
        self.bytes_(ROUNDS)
        growth = self.server.rss_kib() - before
        print(f"resident memory: {before} KiB before, {growth:+d} KiB after 10,000")
        self.assertLess(growth, GROWTH_KIB)
        self.assertEqual(self.app.get("/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
