"""The auth service of one cluster: validates a session by one read from the cluster's replicas.

GET /session with X-User, X-Surface, X-Attempt "1/3" and X-Deadline-Ms answers 200 or 403. When the deadline passes the
caller gets its 403, but the read is not cancelled: it keeps its place in the pooler's queue. API keys are kept in memory and
used when the read fails; sessions are not, for they may have been revoked. So the web suffers and the API only waits.
POST /v1/skew {"seconds": N} makes its clock N seconds off: the samples of its page, and the Date of its answers.
Usage: auth.py CLUSTER PORT READS_PORT PRIMARY_PORT; the database password is in PGPASSWORD.
"""
import asyncio
import sys

import psycopg2
from psycopg2 import extensions

from web import Clock, Page, answer, serve

OUTSTANDING_MOST = 600


async def until_ready(connection):
    """Drive an asynchronous connection to its next rest."""
    loop = asyncio.get_running_loop()
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        woken = loop.create_future()
        descriptor = connection.fileno()
        add, remove = ((loop.add_reader, loop.remove_reader) if state == extensions.POLL_READ
                       else (loop.add_writer, loop.remove_writer))
        add(descriptor, lambda: woken.done() or woken.set_result(None))
        try:
            await woken
        finally:
            remove(descriptor)


async def query(port, text, values=()):
    """One statement over a connection of its own."""
    connection = psycopg2.connect(host="127.0.0.1", port=port, dbname="app", user="app", sslmode="disable",
                                  gssencmode="disable", async_=1)
    try:
        await until_ready(connection)
        cursor = connection.cursor()
        cursor.execute(text, values)
        await until_ready(connection)
        return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


class Auth:
    def __init__(self, cluster, reads_port):
        self.cluster, self.reads_port = cluster, reads_port
        self.outstanding = set()
        self.keys = set()
        self.page = Page()
        self.labels = f'cluster="{cluster}",service="auth"'
        for name, kind, text in (
                ("auth_first_tries_total", "counter", "Session checks begun."),
                ("auth_attempts_total", "counter", "Attempts at a session check, retries included."),
                ("auth_failures_total", "counter", "Session checks that failed for good, by the code the caller saw."),
                ("auth_attempt_failures_total", "counter", "Attempts that failed, by why."),
                ("auth_from_memory_total", "counter", "API keys accepted from memory after a read that failed."),
                ("auth_reads_outstanding", "gauge", "Reads sent and not answered, those nobody waits for included.")):
            self.page.family(name, kind, text)
        for name in ("auth_first_tries_total", "auth_attempts_total", "auth_from_memory_total"):
            self.page.set(name, self.labels, 0)
        for code in ("403", "503"):
            self.page.set("auth_failures_total", f'{self.labels},code="{code}"', 0)
        for why in ("deadline", "read", "full"):
            self.page.set("auth_attempt_failures_total", f'{self.labels},why="{why}"', 0)

    async def read(self, user):
        row = await query(self.reads_port, "SELECT read_session(%s)", (user,))
        return row is not None

    async def ask(self, user, deadline_s):
        """None when the read succeeded in time, else why it did not."""
        if len(self.outstanding) >= OUTSTANDING_MOST:
            return "full"
        read = asyncio.ensure_future(self.read(user))
        self.outstanding.add(read)
        read.add_done_callback(self.settled)
        done, _ = await asyncio.wait({read}, timeout=deadline_s)
        if not done:
            return "deadline"
        return "read" if read.exception() is not None else None

    async def validate(self, user, surface, deadline_s):
        """None when the session is good, else why not."""
        why = await self.ask(user, deadline_s)
        if surface == "api":
            if why is None:
                self.keys.add(user)
            elif user in self.keys:
                self.page.add("auth_from_memory_total", self.labels)
                return None
        return why

    def settled(self, read):
        self.outstanding.discard(read)
        if not read.cancelled():
            read.exception()  # seen: whoever still waits looks by itself

    async def session(self, request):
        attempt, of = (int(part) for part in request.headers["x-attempt"].split("/"))
        self.page.add("auth_attempts_total", self.labels)
        if attempt == 1:
            self.page.add("auth_first_tries_total", self.labels)
        why = await self.validate(request.headers["x-user"], request.headers.get("x-surface", "web"),
                                  int(request.headers["x-deadline-ms"]) / 1000)
        extra = (("X-Cluster", self.cluster),)
        if why is None:
            return answer(200, "ok\n", extra=extra)
        code = 503 if why == "full" else 403
        self.page.add("auth_attempt_failures_total", f'{self.labels},why="{why}"')
        if attempt >= of:
            self.page.add("auth_failures_total", f'{self.labels},code="{code}"')
        return answer(code, f"session could not be validated: {why}\n", extra=extra)

    async def handle(self, request):
        if request.path == "/session":
            return await self.session(request)
        if request.path == "/metrics":
            self.page.set("auth_reads_outstanding", self.labels, len(self.outstanding))
            return answer(200, self.page.text(), "text/plain; version=0.0.4")
        if request.path == "/v1/skew" and request.method == "POST":
            Clock.skew_s = float(request.json()["seconds"])
            return answer(200, "ok\n")
        if request.path == "/health":
            return answer(200, "ok\n")
        if request.path == "/warm":  # the keys this service already knows when the day begins
            self.keys.update(f"key-{number}" for number in range(int(request.headers["x-keys"])))
            return answer(200, "ok\n")
        return answer(404)


async def heartbeat(primary_port):
    """A write each second, as sessions being touched: what replicas replay, and lag is measured by."""
    while True:
        try:
            await asyncio.wait_for(query(primary_port, "UPDATE heartbeat SET at = clock_timestamp()"), 5)
        except (psycopg2.Error, asyncio.TimeoutError):
            pass
        await asyncio.sleep(1)


async def main():
    cluster, port, reads_port, primary_port = sys.argv[1], *(int(text) for text in sys.argv[2:5])
    auth = Auth(cluster, reads_port)
    jobs = [serve(port, auth.handle)]
    if cluster == "east":
        jobs.append(heartbeat(primary_port))
    await asyncio.gather(*jobs)


if __name__ == "__main__":
    asyncio.run(main())
