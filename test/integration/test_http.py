"""The wire: HTTP/1.1 and HTTP/2, methods, limits, and every shape of request smuggling."""
import json
import select
import socket
import ssl
import tempfile
import time
import unittest

import h2c
import pki
from bongsu import ROOT_KEY, Server, free_port
from case import GOOD, ServerCase, unique

BODY = json.dumps(GOOD).encode()


class Wire(ServerCase):
    """Raw bytes in, raw bytes out."""

    def raw(self, data, seconds=5, port=None, more=b""):
        """Sends bytes; what came until the peer closed, or until nothing came for a while."""
        with socket.create_connection(("127.0.0.1", port or self.server.port), 5) as sock:
            sock.sendall(data)
            received, end = b"", time.monotonic() + seconds
            while time.monotonic() < end:
                ready = select.select([sock], [], [], 0.3 if received else seconds)[0]
                if not ready:
                    return received, False
                try:
                    part = sock.recv(65536)
                except ConnectionResetError:
                    return received, True
                if not part:
                    return received, True
                received += part
                if more and b"100 Continue" in received:
                    sock.sendall(more)
                    more = b""
            return received, False

    def head(self, line, *headers, authorized=True):
        fields = ["Host: x", *headers]
        if authorized:
            fields.append(f"Authorization: {self.app.authorization}")
        return "\r\n".join([line, *fields, "", ""]).encode("latin1")

    def post(self, *headers, body=b"", line="POST /v1/notifications HTTP/1.1"):
        return self.head(line, "Content-Type: application/json", *headers) + body

    def statuses(self, data):
        return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]

    def count(self, app=None):
        return len((app or self.app).must("GET", "/v1/notifications?limit=200")["data"])

    def test_pipelined_requests_are_answered_in_order(self):
        one = self.head("GET /healthz HTTP/1.1")
        two = self.head("GET /nothing HTTP/1.1")
        three = self.post(f"Content-Length: {len(BODY)}", body=BODY)
        received, _ = self.raw(one + two + three + one)
        self.assertEqual(self.statuses(received), [200, 404, 202, 200])

    def test_bodies_may_be_chunked(self):
        chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(BODY[i:i + 7]), BODY[i:i + 7])
                          for i in range(0, len(BODY), 7)) + b"0\r\nTrailer: x\r\n\r\n"
        received, _ = self.raw(self.post("Transfer-Encoding: chunked", body=chunks) * 2)
        self.assertEqual(self.statuses(received), [202, 202])

    def test_a_request_may_come_byte_by_byte(self):
        data = self.post(f"Content-Length: {len(BODY)}", body=BODY)
        with socket.create_connection(("127.0.0.1", self.server.port), 5) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(data)):
                sock.sendall(data[i:i + 1])
            self.assertIn(b" 202 ", sock.recv(65536))

    def test_expect_continue_is_answered_before_the_body(self):
        received, _ = self.raw(self.post(f"Content-Length: {len(BODY)}", "Expect: 100-continue"),
                               more=BODY)
        self.assertEqual(self.statuses(received), [100, 202])
        received, _ = self.raw(self.post("Content-Length: 99999999", "Expect: 100-continue"))
        self.assertEqual(self.statuses(received), [413])
        received, _ = self.raw(self.post("Content-Length: 2", "Expect: tea", body=b"{}"))
        self.assertEqual(self.statuses(received), [417])

    def test_http_1_0_closes_and_connection_close_closes(self):
        received, closed = self.raw(self.head("GET /healthz HTTP/1.0"))
        self.assertTrue(closed)
        self.assertIn(b" 200 ", received)
        received, closed = self.raw(self.head("GET /healthz HTTP/1.1", "Connection: close"))
        self.assertTrue(closed)
        self.assertEqual(self.statuses(received), [200])

    def test_every_smuggling_shape_is_refused_and_the_connection_closed(self):
        app, before = self.app, None
        hidden = self.post(f"Content-Length: {len(BODY)}", body=BODY)
        before = self.count()
        shapes = {
            "both lengths": self.post("Content-Length: 4", "Transfer-Encoding: chunked",
                                      body=b"0\r\n\r\n"),
            "two lengths": self.post("Content-Length: 2", "Content-Length: 3", body=b"{}"),
            "length list": self.post("Content-Length: 2, 3", body=b"{}"),
            "signed length": self.post("Content-Length: +2", body=b"{}"),
            "negative length": self.post("Content-Length: -1", body=b"{}"),
            "hex length": self.post("Content-Length: 0x2", body=b"{}"),
            "long length": self.post("Content-Length: 99999999999999999999", body=b"{}"),
            "empty length": self.post("Content-Length: ", body=b"{}"),
            "space before colon": self.post("Content-Length : 2", body=b"{}"),
            "tab before colon": self.post("Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"),
            "odd coding": self.post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
            "chunked not last": self.post("Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
            "chunked twice": self.post("Transfer-Encoding: chunked, chunked",
                                       body=b"0\r\n\r\n"),
            "two codings": self.post("Transfer-Encoding: chunked", "Transfer-Encoding: identity",
                                     body=b"0\r\n\r\n"),
            "vertical tab": self.post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
            "folded": self.post("Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
            "folded length": self.post("X: y\r\n Content-Length: 2", body=b"{}"),
            "bare LF in head": self.post("X: y\nContent-Length: 2", body=b"{}"),
            "bare CR in head": self.post("X: y\rContent-Length: 2", body=b"{}"),
            "NUL in value": self.post("X: a\x00b", "Content-Length: 2", body=b"{}"),
            "LF line ends": self.post("Content-Length: 2", body=b"{}").replace(b"\r\n", b"\n"),
            "bad chunk size": self.post("Transfer-Encoding: chunked", body=b"zz\r\n\r\n"),
            "huge chunk size": self.post("Transfer-Encoding: chunked",
                                         body=b"ffffffffffffffff1\r\n"),
            "signed chunk size": self.post("Transfer-Encoding: chunked", body=b"+2\r\n{}\r\n"),
            "chunk without CRLF": self.post("Transfer-Encoding: chunked",
                                            body=b"2\r\n{}0\r\n\r\n"),
            "chunk with LF": self.post("Transfer-Encoding: chunked", body=b"2\n{}\n0\n\n"),
            "HTTP/1.0 chunked": self.post("Transfer-Encoding: chunked", body=b"0\r\n\r\n",
                                          line="POST /v1/notifications HTTP/1.0"),
            "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
            "two hosts": self.head("GET /healthz HTTP/1.1", "Host: y"),
            "space in target": self.head("GET /health z HTTP/1.1"),
            "two spaces": self.head("GET  /healthz HTTP/1.1"),
            "odd version": self.head("GET /healthz HTTP/1.2.3"),
            "lower case version": self.head("GET /healthz http/1.1"),
            "control in target": self.head("GET /\x01 HTTP/1.1"),
            "bad method": self.head("G(T /healthz HTTP/1.1"),
            "bad header name": self.head("GET /healthz HTTP/1.1", "X y: z"),
            "empty header name": self.head("GET /healthz HTTP/1.1", ": z"),
            "no colon": self.head("GET /healthz HTTP/1.1", "nonsense"),
        }
        for name, data in shapes.items():
            with self.subTest(shape=name):
                received, closed = self.raw(data + hidden)
                found = self.statuses(received)
                self.assertEqual(len(found), 1, received)
                self.assertIn(found[0], (400, 413, 417, 501, 505), received)
                self.assertTrue(closed, "what follows cannot be told from a request")
        self.assertEqual(self.count(), before, "a hidden request was heard")
        self.assertEqual(app.get("/healthz").status, 200)

    def test_limits_have_their_own_statuses(self):
        received, _ = self.raw(self.head("GET /healthz HTTP/1.1", "X: " + "a" * 17000))
        self.assertEqual(self.statuses(received)[:1], [431])
        received, _ = self.raw(self.head("GET /healthz HTTP/1.1",
                                         *[f"X{i}: y" for i in range(100)]))
        self.assertEqual(self.statuses(received)[:1], [431])
        received, _ = self.raw(self.head("GET /" + "a" * 9000 + " HTTP/1.1"))
        self.assertEqual(self.statuses(received)[:1], [414])
        received, _ = self.raw(self.head("GET /" + "a" * 20000 + " HTTP/1.1"))
        self.assertIn(self.statuses(received)[0], (414, 431))
        received, _ = self.raw(self.post("Content-Length: 1048577"))
        self.assertEqual(self.statuses(received)[:1], [413])
        big = b"{" + b" " * 1_048_600 + b"}"
        received, _ = self.raw(self.post("Transfer-Encoding: chunked",
                                         body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(big), big)))
        self.assertEqual(self.statuses(received)[:1], [413])

    def test_a_wrong_method_names_the_right_ones(self):
        for path, method, allowed in [("/v1/notifications", "DELETE", {"GET", "POST"}),
                                      ("/v1/templates/t/preview", "PUT", {"POST"}),
                                      ("/v1/users/u", "POST", {"GET", "PUT", "DELETE"}),
                                      ("/healthz", "POST", {"GET"}),
                                      ("/v1/apps", "PATCH", {"GET", "POST"})]:
            with self.subTest(path=path):
                answer = self.app.call(method, path)
                self.assert_problem(answer, 405)
                got = {m.strip() for m in answer.headers["allow"].split(",")} - {"HEAD", "OPTIONS"}
                self.assertEqual(got, allowed)

    def test_calls_of_the_contract_that_are_not_built_yet_say_so(self):
        for method, path in [("POST", "/v1/users/u/tokens"), ("GET", "/v1/topics/news"),
                             ("PUT", "/v1/topics/news/members/u"), ("PUT", "/v1/schedules/s"),
                             ("PUT", "/v1/webhooks/w"), ("GET", "/v1/stats"),
                             ("GET", "/v1/events"), ("PUT", "/v1/settings")]:
            with self.subTest(path=path):
                body = {} if method != "GET" else None
                self.assert_problem(self.app.call(method, path, body), 400, "not-supported-yet")
                self.assert_problem(self.server.anonymous().call(method, path, body), 401)

    def test_head_answers_without_a_body(self):
        received, _ = self.raw(self.head("HEAD /healthz HTTP/1.1")
                               + self.head("GET /healthz HTTP/1.1"))
        found = self.statuses(received)
        self.assertEqual(len(found), 2, received)
        self.assertIn(found, ([200, 200], [405, 200]))

    def test_paths_are_matched_as_they_are(self):
        for path in ("/v1/notifications/", "//v1/notifications", "/v1/../v1/notifications",
                     "/V1/notifications", "/v1/notifications;x", "/v1%2Fnotifications"):
            with self.subTest(path=path):
                self.assertIn(self.app.get(path).status, (400, 404))

    def test_a_slow_client_is_cut_off_and_others_are_not_held(self):
        with socket.create_connection(("127.0.0.1", self.server.port), 5) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            slow.settimeout(20)
            for _ in range(20):
                self.assertEqual(self.app.get("/healthz").status, 200)
            begun, received = time.monotonic(), b"?"
            while received:
                try:
                    received = slow.recv(4096)
                except ConnectionResetError:
                    break
            self.assertLess(time.monotonic() - begun, 15)

    def test_http2_with_prior_knowledge(self):
        client = h2c.Client(self.server.port)
        self.addCleanup(client.close)
        auth = {"authorization": self.app.authorization, "content-type": "application/json"}
        answer = client.request("POST", "/v1/notifications", auth, BODY)
        self.assertEqual(answer.status, 202, answer.body)
        self.assertRegex(json.loads(answer.body)["id"], "^ntf_")
        streams = [client.start("POST", "/v1/notifications", auth, BODY) for _ in range(50)]
        self.assertEqual({a.status for a in client.finish(streams).values()}, {202})
        self.assertEqual(client.request("GET", "/nothing", auth).status, 404)
        self.assertEqual(client.request("POST", "/v1/notifications", auth, b"{").status, 400)
        answer = client.request("POST", "/v1/notifications", {**auth, "x": "y" * 20000}, BODY)
        self.assertEqual(answer.status, 431)

    def test_http2_bodies_over_the_limit(self):
        client = h2c.Client(self.server.port)
        self.addCleanup(client.close)
        auth = {"authorization": self.app.authorization, "content-type": "application/json",
                "content-length": "2000000"}
        stream = client.start("POST", "/v1/notifications", auth, b"{" + b" " * 60000)
        del stream
        try:
            answer = client.finish([1])[1]
            self.assertEqual(answer.status, 413)
        except (h2c.Reset, h2c.Gone):
            pass
        self.assertEqual(self.app.get("/healthz").status, 200)


class Limits(ServerCase):
    """What the configuration bounds."""

    config = {"limits": {"body_bytes": "4KiB"}}

    def test_the_configured_body_limit_holds(self):
        answer = self.app.post("/v1/notifications", b"{" + b" " * 4095 + b"}")
        self.assert_problem(answer, 413)
        self.assertEqual(self.app.post("/v1/notifications", GOOD).status, 202)


class Tls(unittest.TestCase):
    """https and h2 by ALPN, beside a plain listener."""

    def test_alpn_picks_the_protocol(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-tls-")
        self.addCleanup(directory.cleanup)
        made, port = pki.Pki(directory.name), free_port()
        server = Server(directory=directory.name, start=False)
        server.config["listen"] = [
            f"127.0.0.1:{server.port}",
            {"address": f"127.0.0.1:{port}", "tls": {"cert": str(made.cert),
                                                     "key": str(made.key)}}]
        server.write()
        server.start()
        self.addCleanup(server.stop)
        client = h2c.Client(port, made.ca)
        self.addCleanup(client.close)
        self.assertEqual(client.alpn, "h2")
        answer = client.request("POST", "/v1/apps", {"authorization": f"Bearer {ROOT_KEY}",
                                                     "content-type": "application/json"},
                                json.dumps({"name": unique("app")}).encode())
        self.assertEqual(answer.status, 201, answer.body)
        context = ssl.create_default_context(cafile=str(made.ca))
        context.set_alpn_protocols(["http/1.1"])
        with socket.create_connection(("127.0.0.1", port), 5) as sock, \
                context.wrap_socket(sock, server_hostname="localhost") as tls:
            self.assertEqual(tls.selected_alpn_protocol(), "http/1.1")
            tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 ", tls.recv(4096))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(str(made.ca))
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", port), 5) as sock, \
                self.assertRaises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(sock, server_hostname="localhost")


if __name__ == "__main__":
    unittest.main()
