"""A provider of text messages in this process: shaped like Twilio's API, slow or sick on demand."""
import base64
import collections
import http.server
import threading
import time
import urllib.parse

ACCOUNT = "AC" + "0" * 32
Text = collections.namedtuple("Text", "at to body token answered")


class Texts:
    """Takes POSTs of messages after `delay` seconds, and keeps what came."""

    def __init__(self):
        self.delay, self.status = 0, 201
        self._lock, self._seen = threading.Lock(), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                outer.take(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    def take(self, request):
        """One message: noted when it comes, and again when it is answered."""
        form = urllib.parse.parse_qs(request.rfile.read(int(request.headers["content-length"]))
                                     .decode())
        scheme, _, pair = request.headers["authorization"].partition(" ")
        token = base64.b64decode(pair).decode().partition(":")[2] if scheme == "Basic" else None
        with self._lock:
            number = len(self._seen)
            self._seen.append(Text(time.monotonic(), form["To"][0], form["Body"][0], token, False))
        time.sleep(self.delay)  # the provider's slowness, not a wait of the test
        body = b'{"sid":"SM%032x","code":20500}' % number
        request.send_response(self.status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
        with self._lock:
            self._seen[number] = self._seen[number]._replace(answered=True)

    def seen(self):
        """Every text so far, in the order of coming."""
        with self._lock:
            return list(self._seen)

    def counts(self):
        """How often each body came."""
        return collections.Counter(text.body for text in self.seen())

    def provider(self, token="x" * 32, **more):
        """The settings of a provider that calls it."""
        return {"driver": "twilio", "account_sid": ACCOUNT, "auth_token": token,
                "from": "+14155550100", "url": self.url, **more}

    def stop(self):
        """Closes it."""
        self._server.shutdown()
        self._server.server_close()
