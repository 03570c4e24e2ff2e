"""A small HTTP/1.1 server and client on asyncio, and counters as a Prometheus text page."""
import asyncio
import email.utils
import json
import time

HEAD_MOST = 16384
BODY_MOST = 65536
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 502: "Bad Gateway", 503: "Service Unavailable"}


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def json(self):
        return json.loads(self.body or b"{}")


class Clock:
    """The time that answers carry: this machine's, or so many seconds beside it."""
    skew_s = 0.0

    @classmethod
    def now(cls):
        return time.time() + cls.skew_s


def answer(status, body=b"", kind="text/plain", extra=()):
    if isinstance(body, (dict, list)):
        body, kind = json.dumps(body).encode() + b"\n", "application/json"
    elif isinstance(body, str):
        body = body.encode()
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    head += f"Date: {email.utils.formatdate(Clock.now(), usegmt=True)}\r\n"
    for name, value in extra:
        head += f"{name}: {value}\r\n"
    return head.encode() + b"\r\n" + body


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return lines[0], headers


async def serve(port, handler):
    """Run for ever: every request goes to `await handler(request)`, which returns bytes made by answer()."""

    async def connection(reader, writer):
        try:
            while True:
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    return
                line, headers = parse_head(head[:-4])
                length = int(headers.get("content-length", 0))
                body = await reader.readexactly(length) if 0 < length <= BODY_MOST else b""
                method, path, _ = line.split(" ", 2)
                try:
                    reply = await handler(Request(method, path, headers, body))
                except (ValueError, KeyError, TypeError) as trouble:
                    reply = answer(400, {"error": str(trouble)})
                writer.write(reply)
                await writer.drain()
                if headers.get("connection", "").lower() == "close":
                    return
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port, limit=HEAD_MOST, backlog=512)
    async with server:
        await server.serve_forever()


class Client:
    """Requests to one port, over connections that are kept and used again."""

    def __init__(self, port):
        self.port, self.idle = port, []

    async def ask(self, method, path, headers):
        """(status, headers); OSError or asyncio.IncompleteReadError when there is no answer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers]
        raw = ("\r\n".join(lines) + "\r\n\r\n").encode()
        kept = bool(self.idle)
        pair = self.idle.pop() if kept else await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return await self._exchange(pair, raw)
        except (OSError, asyncio.IncompleteReadError):
            # A connection that was kept may have been closed at the other end meanwhile.
            if not kept:
                raise
        return await self._exchange(await asyncio.open_connection("127.0.0.1", self.port), raw)

    async def _exchange(self, pair, raw):
        reader, writer = pair
        done = False
        try:
            writer.write(raw)
            head = await reader.readuntil(b"\r\n\r\n")
            line, headers = parse_head(head[:-4])
            length = int(headers.get("content-length", 0))
            if length:
                await reader.readexactly(length)
            done = headers.get("connection", "").lower() != "close" and len(self.idle) < 64
            return int(line.split(" ")[1]), headers
        finally:
            if done:
                self.idle.append(pair)
            else:
                writer.close()


class Page:
    """Counters and gauges by series; a series appears with its first touch, so touch what should read 0."""

    def __init__(self):
        self.families = {}

    def family(self, name, kind, help_text):
        self.families[name] = (kind, help_text, {})

    def add(self, name, labels, amount=1):
        series = self.families[name][2]
        series[labels] = series.get(labels, 0) + amount

    def set(self, name, labels, value):
        self.families[name][2][labels] = value

    def get(self, name, labels):
        return self.families[name][2].get(labels, 0)

    def text(self):
        """The page; with times of its own where the clock is off, as exporters do that pass on what others sampled."""
        stamp = f" {int(Clock.now() * 1000)}" if Clock.skew_s else ""
        lines = []
        for name, (kind, help_text, series) in self.families.items():
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{{{labels}}} {value}{stamp}" for labels, value in series.items()]
        return "\n".join(lines) + "\n"
