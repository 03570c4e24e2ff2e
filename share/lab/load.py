"""The load generator: users of two surfaces, who come as they please and try again when they fail.

web   two of three requests. Three in ten are hasty: they give up after 0.8 s; the others wait 4 s. Each has three tries.
api   one of three. Waits 3 s, one try: its programs trust the auth service's memory of their keys.
Arrivals are Poisson; every 20 s a burst of 3 s adds 60 %. A user always comes to the same cluster, as the edge decides.
GET /metrics is the Prometheus page; GET /v1/seconds?since=T counts by second; POST /v1/load {"rate": N} and
POST /v1/storm {"on": true} (a client release that sends every web check three times, needed or not) change the load.
Usage: load.py PORT EDGE_PORT RATE SEED
"""
import asyncio
import collections
import random
import sys
import time
import urllib.parse

from web import Client, Page, answer, serve

USERS = 20000
KEYS = 500
BURST_EVERY_S, BURST_S, BURST = 20, 3, 1.6
WEB_SHARE = 2 / 3
HASTY_SHARE = 0.3
SECONDS_KEPT = 7200
LATENCIES_KEPT = 400
GOOD, BAD = 200, 503  # what a site answers its user when the session is good, and when it cannot be checked


class Caller:
    def __init__(self, surface, deadline_ms, tries):
        self.surface, self.deadline_ms, self.tries = surface, deadline_ms, tries


HASTY, PATIENT, PROGRAM = Caller("web", 800, 3), Caller("web", 4000, 3), Caller("api", 3000, 1)


class Load:
    def __init__(self, edge_port, rate, seed):
        self.client = Client(edge_port)
        self.rate, self.storm = rate, False
        self.random = random.Random(seed)
        self.seconds = collections.OrderedDict()  # second -> [web requests, web errors, api requests, api errors]
        self.latencies = {"web": collections.deque(maxlen=LATENCIES_KEPT), "api": collections.deque(maxlen=LATENCIES_KEPT)}
        self.tasks = set()
        self.page = Page()
        self.page.family("http_requests_total", "counter", "Requests by what the user got.")
        self.page.family("http_request_latency_seconds", "gauge", "Latency of the latest requests, 99th percentile.")
        for surface in ("web", "api"):
            for code in (GOOD, BAD):
                self.page.set("http_requests_total", f'surface="{surface}",code="{code}"', 0)

    def caller(self):
        if self.random.random() >= WEB_SHARE:
            return PROGRAM, f"key-{self.random.randrange(KEYS)}"
        caller = HASTY if self.random.random() < HASTY_SHARE else PATIENT
        return caller, f"user-{self.random.randrange(USERS)}"

    async def attempt(self, caller, user, number, of):
        headers = (("X-User", user), ("X-Surface", caller.surface), ("X-Attempt", f"{number}/{of}"),
                   ("X-Deadline-Ms", caller.deadline_ms))
        try:
            status, _ = await asyncio.wait_for(self.client.ask("GET", "/session", headers), caller.deadline_ms / 1000 + 1)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            return False
        return status == 200

    async def request(self, caller, user):
        began = time.time()
        storm = self.storm and caller.surface == "web"
        of = 3 if storm else caller.tries
        good = False
        for number in range(1, of + 1):
            if number > 1 and not good:
                await asyncio.sleep(0.1 * 2 ** (number - 2) * (0.5 + 0.5 * self.random.random()))
            good = await self.attempt(caller, user, number, of) or good
            if good and not storm:
                break
        self.count(caller.surface, good, time.time() - began)

    def count(self, surface, good, took_s):
        self.page.add("http_requests_total", f'surface="{surface}",code="{GOOD if good else BAD}"')
        self.latencies[surface].append(took_s)
        row = self.seconds.setdefault(int(time.time()), [0, 0, 0, 0])
        place = 0 if surface == "web" else 2
        row[place] += 1
        row[place + 1] += 0 if good else 1
        while len(self.seconds) > SECONDS_KEPT:
            self.seconds.popitem(last=False)

    async def arrivals(self):
        due = time.monotonic()
        while True:
            factor = BURST if time.monotonic() % BURST_EVERY_S < BURST_S else 1.0
            due += self.random.expovariate(max(self.rate * factor, 0.01))
            delay = due - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            elif delay < -1:
                due = time.monotonic()  # this machine stood still: do not catch up in one blow
            task = asyncio.ensure_future(self.request(*self.caller()))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def handle(self, request):
        address = urllib.parse.urlsplit(request.path)
        if address.path == "/metrics":
            for surface, latencies in self.latencies.items():
                if latencies:
                    row = sorted(latencies)
                    self.page.set("http_request_latency_seconds", f'surface="{surface}",quantile="0.99"',
                                  round(row[int(len(row) * 0.99)], 4))
            return answer(200, self.page.text(), "text/plain; version=0.0.4")
        if address.path == "/v1/seconds":
            since = float(urllib.parse.parse_qs(address.query).get("since", ["0"])[0])
            rows = [[second, *row] for second, row in sorted(self.seconds.items()) if second >= since]
            return answer(200, {"rate": self.rate, "storm": self.storm, "in_flight": len(self.tasks), "seconds": rows})
        if address.path == "/v1/load" and request.method == "POST":
            rate = float(request.json()["rate"])
            if not 0 <= rate <= 1000:
                raise ValueError("rate: first tries per second, 0 to 1000")
            self.rate = rate
            return answer(200, {"rate": rate})
        if address.path == "/v1/storm" and request.method == "POST":
            self.storm = bool(request.json()["on"])
            return answer(200, {"storm": self.storm})
        return answer(404)


async def main():
    port, edge_port, rate, seed = (int(text) for text in sys.argv[1:5])
    load = Load(edge_port, rate, seed)
    await asyncio.gather(serve(port, load.handle), load.arrivals())


if __name__ == "__main__":
    asyncio.run(main())
