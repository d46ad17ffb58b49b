"""A small HTTP/2 client over python3-h2: one request at a time, and it sees GOAWAY and resets."""
import socket
import ssl

import h2.config
import h2.connection
import h2.events


class Gone(Exception):
    """The peer said GOAWAY before it answered."""

    def __init__(self, code, last_stream_id):
        super().__init__(f"GOAWAY {code}, last stream {last_stream_id}")
        self.last_stream_id = last_stream_id


class Reset(Exception):
    """The peer reset the stream."""


class Answer:
    """Status, headers (a dictionary) and body."""

    def __init__(self):
        self.status, self.headers, self.body = 0, {}, b""


class Client:
    """One connection: over TLS with ALPN if a CA is given, else with prior knowledge."""

    def __init__(self, port, ca=None, timeout=10):
        sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.alpn = None
        if ca:
            context = ssl.create_default_context(cafile=str(ca))
            context.set_alpn_protocols(["h2"])
            sock = context.wrap_socket(sock, server_hostname="localhost")
            self.alpn = sock.selected_alpn_protocol()
        self.sock, self.ca = sock, ca
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.connection.initiate_connection()
        self._flush()

    def request(self, method, path, headers, body=b""):
        """Sends one request and waits for its answer."""
        stream = self.start(method, path, headers, body)
        return self.finish([stream])[stream]

    def start(self, method, path, headers, body=b""):
        """Sends one request; its stream id. Bodies must fit the peer's window."""
        stream = self.connection.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "https" if self.ca else "http"),
                  (":authority", "localhost"), (":path", path)]
        self.connection.send_headers(stream, pseudo + list(headers.items()), end_stream=not body)
        size = self.connection.max_outbound_frame_size
        for at in range(0, len(body), size):
            self.connection.send_data(stream, body[at:at + size], at + size >= len(body))
        self._flush()
        return stream

    def finish(self, streams):
        """Reads until all these streams have their answers: {stream: Answer}."""
        answers = {stream: Answer() for stream in streams}
        open_streams = set(streams)
        while open_streams:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("closed before the answer")
            for event in self.connection.receive_data(data):
                self._take(event, answers, open_streams)
            self._flush()
        return answers

    def _take(self, event, answers, open_streams):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.ConnectionTerminated):
            raise Gone(event.error_code, event.last_stream_id)
        if isinstance(event, h2.events.StreamReset):
            raise Reset(str(event.error_code))
        if stream not in answers:
            return
        if isinstance(event, h2.events.ResponseReceived):
            answers[stream].headers = dict(event.headers)
            answers[stream].status = int(answers[stream].headers[":status"])
        elif isinstance(event, h2.events.DataReceived):
            answers[stream].body += event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.StreamEnded):
            open_streams.discard(stream)

    def _flush(self):
        self.sock.sendall(self.connection.data_to_send())

    def close(self):
        """Ends the connection."""
        self.sock.close()
