"""HTTP/2 as attackers and broken clients speak it, frame by frame; and very many connections."""
import json
import pathlib
import resource
import socket
import struct
import time
import unittest

import hpack

import h2c
from case import GOOD, ServerCase

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = \
    0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags=0, stream=0, payload=b""):
    """One frame (RFC 9113 section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Frames:
    """A connection on which we write what we like."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.encoder, self.decoder, self.buffer = hpack.Encoder(), hpack.Decoder(), b""
        self.sock.sendall(PREFACE + frame(SETTINGS))

    def send(self, *frames):
        """False if the peer has closed."""
        try:
            self.sock.sendall(b"".join(frames))
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def request(self, stream, headers, body=None):
        """HEADERS, and DATA if there is a body."""
        block = self.encoder.encode(headers)
        frames = [frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), stream, block)]
        if body:
            frames.append(frame(DATA, END_STREAM, stream, body))
        return self.send(*frames)

    def read(self):
        """The next frame (kind, flags, stream, payload), or None at the end."""
        while True:
            if len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + size:
                    kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
                    payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
                    return kind, flags, stream & 0x7FFFFFFF, payload
            try:
                part = self.sock.recv(65536)
            except (ConnectionResetError, socket.timeout):
                return None
            if not part:
                return None
            self.buffer += part

    def outcome(self, stream):
        """What became of a stream: its status, ("reset", code), ("goaway", code) or "closed"."""
        while True:
            got = self.read()
            if got is None:
                return "closed"
            kind, _, at, payload = got
            if kind == GOAWAY:
                return "goaway", struct.unpack(">I", payload[4:8])[0]
            if kind == RST_STREAM and at == stream:
                return "reset", struct.unpack(">I", payload)[0]
            if kind == HEADERS:
                headers = dict(self.decoder.decode(payload))
                if at == stream:
                    return int(headers[":status"])

    def close(self):
        """Ends it."""
        self.sock.close()


class Http2(ServerCase):
    """Each on a connection of its own; afterwards the server is as well as before."""

    def setUp(self):
        self.frames = Frames(self.server.port)
        self.addCleanup(self.frames.close)
        self.good = [(":method", "POST"), (":scheme", "http"), (":authority", "x"),
                     (":path", "/v1/notifications"), ("authorization", self.app.authorization),
                     ("content-type", "application/json")]
        self.body = json.dumps(GOOD).encode()

    def tearDown(self):
        client = h2c.Client(self.server.port)
        self.addCleanup(client.close)
        self.assertEqual(client.request("GET", "/healthz", {}).status, 200)

    def test_a_request_by_hand_is_accepted(self):
        self.frames.request(1, self.good, self.body)
        self.assertEqual(self.frames.outcome(1), 202)

    def test_malformed_requests_are_refused(self):
        get = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/healthz")]
        for name, headers, body in [
                ("upper case", get + [("X-Upper", "a")], None),
                ("connection", get + [("connection", "close")], None),
                ("transfer-encoding", get + [("transfer-encoding", "chunked")], None),
                ("te", get + [("te", "gzip")], None),
                ("no path", get[:3], None), ("no method", get[1:], None),
                ("empty path", get[:3] + [(":path", "")], None),
                ("two paths", get + [(":path", "/x")], None),
                ("pseudo last", [*get[:3], ("a", "b"), get[3]], None),
                ("unknown pseudo", get + [(":odd", "x")], None),
                ("status", get + [(":status", "200")], None),
                ("newline", get + [("a", "b\r\nc: d")], None),
                ("NUL", get + [("a", "b\0c")], None),
                ("name with space", get + [("a b", "c")], None),
                ("length too long", self.good + [("content-length", "5000")], self.body),
                ("length too short", self.good + [("content-length", "2")], self.body),
                ("two lengths", self.good + [("content-length", "2"),
                                             ("content-length", "3")], self.body),
                ("host differs", get + [("host", "y")], None)]:
            with self.subTest(name=name):
                frames = Frames(self.server.port)
                self.addCleanup(frames.close)
                frames.request(1, headers, body)
                outcome = frames.outcome(1)
                if isinstance(outcome, int):
                    self.assertTrue(400 <= outcome < 500, outcome)
                else:
                    self.assertTrue(outcome == "closed" or outcome[0] in ("reset", "goaway"))

    def test_broken_framing_ends_the_connection(self):
        for name, data in [
                ("headers on stream 0", frame(HEADERS, END_HEADERS, 0, b"\x82")),
                ("even stream", frame(HEADERS, END_HEADERS, 2, b"\x82")),
                ("data on an idle stream", frame(DATA, 0, 1, b"x")),
                ("a frame over the limit", frame(DATA, 0, 1, b"x" * 16385)),
                ("settings of a wrong length", frame(SETTINGS, 0, 0, b"xyz")),
                ("ping of a wrong length", frame(PING, 0, 0, b"xyz")),
                ("window of zero", frame(WINDOW_UPDATE, 0, 0, b"\0" * 4)),
                ("window too large", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")),
                ("bad header block", frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff")),
                ("headers cut by another frame", frame(HEADERS, 0, 1, b"\x82") + frame(PING, 0, 0,
                                                                                    b"x" * 8)),
                ("continuation alone", frame(CONTINUATION, END_HEADERS, 1, b"\x82")),
                ("bad padding", frame(DATA, 8, 1, b"\xff"))]:
            with self.subTest(name=name):
                frames = Frames(self.server.port)
                self.addCleanup(frames.close)
                frames.send(data)
                outcome = frames.outcome(1)
                self.assertTrue(outcome == "closed" or outcome[0] == "goaway", outcome)

    def test_header_blocks_without_end_are_cut_off(self):
        """CONTINUATION flood: no end of headers ever comes."""
        block = self.frames.encoder.encode(self.good)
        self.frames.send(frame(HEADERS, 0, 1, block))
        before = self.server.rss_kib()
        piece = frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x03" + b"x" * 512)
        # What comes after the refusal may be read for a moment, so that the refusal arrives.
        end = time.monotonic() + 20
        while self.frames.send(piece * 100):
            self.assertLess(time.monotonic(), end, "it listens for ever")
        self.assertLess(self.server.rss_kib() - before, 8 << 10)

    def test_floods_are_bounded(self):
        """Rapid reset, empty DATA, PING and SETTINGS floods: cut off or endured, never kept."""
        block = hpack.Encoder().encode(self.good)

        def resets():
            for stream in range(1, 40001, 2):
                yield frame(HEADERS, END_HEADERS, stream, b"\x83") + frame(
                    RST_STREAM, 0, stream, struct.pack(">I", 8))

        floods = {
            "rapid reset": resets(),
            "ping": (frame(PING, 0, 0, b"x" * 8) for _ in range(50000)),
            "settings": (frame(SETTINGS) for _ in range(50000)),
            "empty data": (frame(HEADERS, END_HEADERS, 1, block) if not i else frame(DATA, 0, 1)
                           for i in range(50000))}
        for name, pieces in floods.items():
            with self.subTest(flood=name):
                frames = Frames(self.server.port)
                self.addCleanup(frames.close)
                frames.sock.settimeout(3)
                before = self.server.rss_kib()
                batch = []
                for piece in pieces:
                    batch.append(piece)
                    if len(batch) == 500:
                        try:
                            if not frames.send(*batch):
                                break
                        except socket.timeout:
                            break
                        batch = []
                self.assertLess(self.server.rss_kib() - before, 8 << 10)
                self.assertEqual(self.app.get("/healthz").status, 200)

    def test_more_streams_than_allowed_are_refused_not_kept(self):
        outcomes = []
        for n in range(300):
            self.frames.send(frame(HEADERS, END_HEADERS, 2 * n + 1,
                                   self.frames.encoder.encode(self.good)))
        outcomes = self.frames.outcome(2 * 299 + 1)
        self.assertIn(outcomes, [("reset", 7), ("goaway", 1), ("goaway", 11), "closed", 503])

    def test_an_answer_that_the_client_will_not_take_does_not_pile_up(self):
        """A client with a window of zero asks for 200 lists."""
        user = "many"
        for i in range(50):
            self.app.must("PUT", f"/v1/users/{user}{i}", {})
        self.frames.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)))
        get = [(":method", "GET"), (":scheme", "http"), (":authority", "x"),
               (":path", "/openapi.json"), ("authorization", self.app.authorization)]
        before = self.server.rss_kib()
        for n in range(200):
            self.frames.request(2 * n + 1, get)
        self.assertEqual(self.app.get("/healthz").status, 200)
        self.assertLess(self.server.rss_kib() - before, 64 << 10)


class Connections(ServerCase):
    """Thousands of idle clients cost memory in small and no thread."""

    COUNT = 3000

    def test_thousands_of_connections_need_no_threads_of_their_own(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, self.COUNT + 200)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        threads = self.threads()
        sockets = []
        self.addCleanup(lambda: [one.close() for one in sockets])
        for _ in range(self.COUNT):
            sockets.append(socket.create_connection(("127.0.0.1", self.server.port), 10))
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for one in sockets:
            one.sendall(request)
        for one in sockets:
            one.settimeout(20)
            self.assertIn(b" 200 ", one.recv(4096))
        self.assertEqual(self.threads(), threads)
        self.assertEqual(self.app.post("/v1/notifications", GOOD).status, 202)
        self.assertLess(self.server.rss_kib(), 128 << 10)

    def threads(self):
        return len(list(pathlib.Path(f"/proc/{self.server.pid}/task").iterdir()))


if __name__ == "__main__":
    unittest.main()
