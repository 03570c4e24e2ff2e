#!/usr/bin/env python3
"""A server that misbehaves on request: the path says how. Prints its port on the first line.

GET  /hang /html /truncated /redirect-file /redirect-host /huge /endless /escape /slow /bomb /wide /utf8 /twice /error200 /ok
POST /lost     reads the request, then drops the connection without a word
POST /silent   reads the request and never answers
POST /no       refuses with 409 and a reason
Each request is appended to the log file named in argv[1].
"""
import gzip
import socket
import sys
import threading
import time

log_lock = threading.Lock()

PAGE = b"""# TYPE pool gauge
pgbouncer_pools_server_active_connections{cluster="c1",replica="r1"} 5
pgbouncer_databases_pool_size{cluster="c1",replica="r1"} 20
pg_up{cluster="c1",replica="r1"} 1
traffic_cluster_weight{cluster="c1"} 50
traffic_cluster_weight{cluster="c2"} 50
pgbouncer_pools_server_active_connections{cluster="c2",replica="r1"} 5
pgbouncer_databases_pool_size{cluster="c2",replica="r1"} 20
pg_up{cluster="c2",replica="r1"} 1
"""
ESCAPE = PAGE + b'pg_up{cluster="\x1b]0;owned\x07\x1b[31mred",replica="\xc2\x9b2J\xe2\x80\xae"} 1\n'


def head(connection, status=b"200 OK", kind=b"text/plain", extra=b""):
    connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\nConnection: close\r\n" + extra + b"\r\n")


def whole(connection, body, **more):
    head(connection, extra=b"Content-Length: %d\r\n" % len(body), **more)
    connection.sendall(body)


def endless(connection):
    head(connection)
    block = b'junk{a="%s"} 1\n' % (b"x" * 4000)
    while True:
        connection.sendall(block * 16)


def slow(connection):
    head(connection)
    for byte in PAGE:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def truncated(connection):
    head(connection, extra=b"Content-Length: 100000\r\n")
    connection.sendall(PAGE[:60])


def bomb(connection):
    body = gzip.compress(b"\0" * 200_000_000, 9)
    head(connection, extra=b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(body))
    connection.sendall(body)


def wide(connection):
    """One label's value of ten megabytes."""
    head(connection)
    connection.sendall(PAGE + b'pg_up{cluster="')
    for _ in range(160):
        connection.sendall(b"x" * 65536)
    connection.sendall(b'",replica="r1"} 1\n')


BEHAVIOURS = {
    "/hang": lambda c: time.sleep(600),
    "/silent": lambda c: time.sleep(600),
    "/lost": lambda c: None,
    "/html": lambda c: whole(c, b"<!DOCTYPE html><html><body>Please log in</body></html>", kind=b"text/html"),
    "/truncated": truncated,
    "/redirect-file": lambda c: head(c, b"302 Found", extra=b"Location: file:///etc/passwd\r\nContent-Length: 0\r\n"),
    "/redirect-host": lambda c: head(c, b"302 Found", extra=b"Location: http://localhost:1/ok\r\nContent-Length: 0\r\n"),
    "/huge": lambda c: head(c, extra=b"Content-Length: 2147483648\r\n") or endless(c),
    "/endless": endless,
    "/escape": lambda c: whole(c, ESCAPE),
    "/slow": slow,
    "/bomb": bomb,
    "/wide": wide,
    "/utf8": lambda c: whole(c, PAGE + b'pg_up{cluster="\xff\xfe",replica="r1"} 1\n'),
    "/twice": lambda c: whole(c, PAGE + b'pg_up{cluster="c1",cluster="c2",replica="r1"} 1\n'),
    "/error200": lambda c: whole(c, b'{"status":"error","errorType":"internal","error":"disk full"}', kind=b"application/json"),
    "/no": lambda c: whole(c, b'{"error":"weights are frozen"}', status=b"409 Conflict", kind=b"application/json"),
    "/ok": lambda c: whole(c, PAGE),
}


def serve(connection):
    try:
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return
            request += more
        line, _, rest = request.partition(b"\r\n")
        headers, _, body = rest.partition(b"\r\n\r\n")
        length = 0
        for header in headers.split(b"\r\n"):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += connection.recv(65536)
        path = line.split(b" ")[1].decode().split("?")[0]
        with log_lock, open(sys.argv[1], "a") as log:
            log.write(line.decode() + "\n")
        BEHAVIOURS.get(path, lambda c: whole(c, b"no such page", status=b"404 Not Found"))(connection)
    except OSError:
        pass
    finally:
        connection.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
