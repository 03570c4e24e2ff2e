"""PgBouncer's admin consoles as Prometheus pages: GET /metrics/REPLICA, one page per PgBouncer.

Asks SHOW POOLS, STATS and DATABASES as a statistics user, columns by name, with the names that prometheus-community's exporter
gives them. One metric more: pgbouncer_stats_totals_busy_seconds_total, time spent holding server connections, which is the
query time less the wait in it (PgBouncer counts the wait as part of a query). A console that does not answer in 0.7 s is a
503: absent, not zero.
Usage: pooler_exporter.py PORT REPLICA=POOLER_PORT...; the password of user `watch` is in PGPASSWORD.
"""
import select
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
from psycopg2 import extensions

ANSWER_WITHIN_S = 0.7
DATABASE = "app"

POOLS = (("cl_active", "client_active_connections"), ("cl_waiting", "client_waiting_connections"),
         ("sv_active", "server_active_connections"), ("sv_idle", "server_idle_connections"),
         ("sv_used", "server_used_connections"), ("sv_tested", "server_testing_connections"),
         ("sv_login", "server_login_connections"))
DATABASES = (("pool_size", "pool_size"), ("reserve_pool", "reserve_pool"), ("max_connections", "max_connections"),
             ("current_connections", "current_connections"), ("paused", "paused"), ("disabled", "disabled"))
STATS = (("total_query_count", "queries_pooled_total", 1), ("total_xact_count", "sql_transactions_pooled_total", 1),
         ("total_query_time", "queries_duration_seconds_total", 1e-6),
         ("total_wait_time", "client_wait_seconds_total", 1e-6))


class Console:
    """One PgBouncer's admin console over one connection, asked by one at a time."""

    def __init__(self, port):
        self.port, self.connection, self.lock = port, None, threading.Lock()

    def _settle(self, deadline):
        while True:
            state = self.connection.poll()
            if state == extensions.POLL_OK:
                return
            left = deadline - time.monotonic()
            wanted = [self.connection.fileno()]
            reading = state == extensions.POLL_READ
            if left <= 0 or not any(select.select(wanted if reading else [], [] if reading else wanted, [], left)):
                raise psycopg2.OperationalError("the console does not answer")

    def show(self, what, deadline):
        cursor = self.connection.cursor()
        cursor.execute(f"SHOW {what}")
        self._settle(deadline)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    def read(self):
        """The three tables; psycopg2.Error when they cannot be had in time."""
        deadline = time.monotonic() + ANSWER_WITHIN_S
        if not self.lock.acquire(timeout=ANSWER_WITHIN_S):
            raise psycopg2.OperationalError("the console is still being asked")
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname="pgbouncer", user="watch",
                                                   sslmode="disable", gssencmode="disable", async_=1)
                self._settle(deadline)
            return [self.show(what, deadline) for what in ("POOLS", "STATS", "DATABASES")]
        except psycopg2.Error:
            if self.connection is not None:
                self.connection.close()
                self.connection = None
            raise
        finally:
            self.lock.release()


def lines_of(name, kind, labels, value):
    return [f"# TYPE {name} {kind}", f"{name}{{{labels}}} {value}"]


def page_of(tables):
    pools, stats, databases = tables
    lines = ["# TYPE pgbouncer_up gauge", "pgbouncer_up 1"]
    for row in pools:
        if row["database"] != DATABASE:
            continue
        labels = f'database="{row["database"]}",user="{row["user"]}"'
        for column, name in POOLS:
            lines += lines_of(f"pgbouncer_pools_{name}", "gauge", labels, row[column])
        waited = row["maxwait"] + row.get("maxwait_us", 0) / 1e6
        lines += lines_of("pgbouncer_pools_client_maxwait_seconds", "gauge", labels, round(waited, 6))
    for row in stats:
        if row["database"] != DATABASE:
            continue
        labels = f'database="{row["database"]}"'
        for column, name, scale in STATS:
            lines += lines_of(f"pgbouncer_stats_totals_{name}", "counter", labels, round(int(row[column]) * scale, 6))
        busy = max(int(row["total_query_time"]) - int(row["total_wait_time"]), 0) / 1e6
        lines += lines_of("pgbouncer_stats_totals_busy_seconds_total", "counter", labels, round(busy, 6))
    for row in databases:
        if row["name"] != DATABASE:
            continue
        labels = f'name="{row["name"]}",database="{row["database"]}"'
        for column, name in DATABASES:
            lines += lines_of(f"pgbouncer_databases_{name}", "gauge", labels, row[column])
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    consoles = {}

    def reply(self, status, body, kind="text/plain; version=0.0.4"):
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        console = self.consoles.get(self.path.rpartition("/metrics/")[2])
        if console is None:
            self.reply(404, f"no such page; there are: {' '.join(self.consoles)}\n")
            return
        try:
            tables = console.read()
        except psycopg2.Error as trouble:
            self.reply(503, f"{trouble}\n")
            return
        self.reply(200, page_of(tables))

    def log_message(self, format, *args):  # the name is the library's
        pass


def main():
    Handler.consoles = {name: Console(int(port)) for name, port in (pair.split("=") for pair in sys.argv[2:])}
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
