"""Spillway beside Prometheus and Alertmanager on the same faults, and what users suffer with and without the runbook.

Each run begins well: nothing at fault, pools and weights as configured, Prometheus and Alertmanager started afresh and then left
to scrape for a while. Spillway watches with the lab's fleet file. The fault comes at a random moment of the load's rhythm.
  nothing    nobody does anything; here the alerts are timed
  by hand    `spillway run RUNBOOK --yes` a minute after Spillway's page: somebody woke up, looked and decided
  automatic  the same at the moment of the page
Times are seconds after the fault. The trigger is Spillway's first word of an incident (trigger or worse), its page the first
critical. An alert's page is its arrival at the webhook, where a pager would stand. Error-minutes are minutes of all of a
surface's requests failing.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import account
import faults
import figures
import layout
import process
import servers
from servers import Trouble

INCIDENT = ("trigger", "load shift", "saturation", "errors", "amplification", "metastable")
WAYS = ("nothing", "by hand", "automatic")
CALM_S = 10  # without an error, before a run
HAND_S = 60
RUNBOOK = "replica-loss"


def said_of(line):
    """The phase and the replicas serving: "18:50:23 warning  trigger       replicas 3/4, pool ..."."""
    return line[18:31].strip(), line[32:].partition(",")[0]


class Watch:
    """Spillway's plain lines as they come, each with the time it came."""

    def __init__(self, program, environment):
        self.lines = []
        self.child = subprocess.Popen([program, "-c", layout.path("lab.yaml")], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            self.lines.append((time.time(), line.rstrip()))

    def first(self, since, meant):
        return next(((at, line) for at, line in list(self.lines) if at >= since and meant(line)), None)

    def trigger(self, since):
        """The first line of an incident that says more than the last one before the fault did."""
        before = [said_of(line) for at, line in list(self.lines) if at < since]
        return self.first(since, lambda line: line[18:31].strip() in INCIDENT and said_of(line) != (before or [None])[-1])

    def page(self, since):
        return self.first(since, lambda line: line[9:17].strip() == "critical")

    def close(self):
        self.child.terminate()
        self.child.wait()


def fresh_alerting():
    """Prometheus and Alertmanager with no memory of the run before."""
    for name in ("prometheus", "alertmanager"):
        process.stop(name, signal.SIGKILL)
        shutil.rmtree(layout.path("data", name), ignore_errors=True)
    for name in ("alertmanager", "prometheus"):
        servers.start(name, servers.all_servers()[name])
    return 0


def make_well():
    """Take every fault back, and what was set at run time."""
    for name in faults.current():
        faults.end(name)
    faults.pgbouncer_reload()
    for cluster in layout.CLUSTERS:
        faults.haproxy_set(f"set weight be_edge/{cluster} 100")
    return 0


def as_owner(work):
    if account.dropped(work) != 0:
        raise Trouble("the lab could not be brought into its first state")


def wait_calm():
    deadline = time.time() + 120
    began = time.time()
    while True:
        rows = figures.seconds(max(began, time.time() - CALM_S))
        if len(rows) >= CALM_S - 1 and not any(row[2] or row[4] for row in rows):
            return
        if time.time() > deadline:
            raise Trouble("users still see errors two minutes after everything was healed")
        time.sleep(0.5)


def prometheus_firing():
    """When Prometheus itself first had an alert firing, None while none is."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        alerts = json.loads(servers.http(layout.PORTS["prometheus"], "/api/v1/alerts"))["data"]["alerts"]
        if any(alert["state"] == "firing" for alert in alerts):
            return time.time()
    return None


class Run:
    """One fault, lived through in one way."""

    def __init__(self, options, way, wait_s):
        self.options, self.way, self.wait_s = options, way, wait_s
        self.trigger = self.page = self.firing = self.alert = self.first_error = None
        self.alert_name = self.words = ""
        self.web = self.api = self.amplification = 0.0
        self.runbook_code = None

    def environment(self, state):
        share = layout.HERE.parent
        return {**os.environ, "XDG_STATE_HOME": state, "SPILLWAY_SHARE": str(share), "LC_ALL": "C.UTF-8"}

    def live(self):
        with tempfile.TemporaryDirectory(prefix="spillway-compare.") as state:
            environment = self.environment(state)
            as_owner(make_well)
            if self.options.alerts and self.way == "nothing":
                as_owner(fresh_alerting)
            wait_calm()
            watch = Watch(self.options.spillway, environment)
            try:
                time.sleep(self.options.before + self.wait_s)
                self.suffer(watch, environment)
            finally:
                watch.close()
                as_owner(make_well)

    def suffer(self, watch, environment):
        began = self.begin_fault()
        runbook = None
        while time.time() < began + self.options.window:
            page = watch.page(began)
            wait = {"by hand": HAND_S, "automatic": 0}.get(self.way)
            if runbook is None and page and wait is not None and time.time() >= page[0] + wait:
                runbook = subprocess.Popen([self.options.spillway, "run", RUNBOOK, "-c", layout.path("lab.yaml"), "--yes",
                                            "--reason", "lab compare"], env=environment, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.way == "nothing" and self.options.alerts:
                self.firing = self.firing or prometheus_firing()
            time.sleep(0.1)
        if runbook is not None:
            try:
                self.runbook_code = runbook.wait(120)
            except subprocess.TimeoutExpired:
                runbook.terminate()
                self.runbook_code = runbook.wait()
        self.look_back(watch, began)

    def begin_fault(self):
        said = subprocess.run([layout.PYTHON, "-B", layout.HERE / "lab", "fault", self.options.fault], check=True, text=True,
                              capture_output=True).stdout
        return float(said.rsplit(" ", 1)[1])

    def look_back(self, watch, began):
        rows = [row for row in figures.seconds(began) if row[0] < began + self.options.window]
        for surface, place in (("web", 1), ("api", 3)):
            setattr(self, surface, sum(row[place + 1] / row[place] for row in rows if row[place]) / 60)
        error = next((row[0] for row in rows if row[2] or row[4]), None)
        self.first_error = None if error is None else max(error - began, 0.0)
        trigger, page = watch.trigger(began), watch.page(began)
        if trigger:
            self.trigger, self.words = trigger[0] - began, trigger[1].partition(": ")[2]
        if page:
            self.page = page[0] - began
        self.firing = None if self.firing is None else self.firing - began
        alert = next((row for row in figures.alerts(began) if row["status"] == "firing"), None)
        if alert and self.way == "nothing" and self.options.alerts:
            self.alert, self.alert_name = alert["arrived"] - began, alert["name"]


def shown(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def tell(number, run):
    line = (f"run {number:2} {run.way:9} trigger {shown(run.trigger)} page {shown(run.page)} first error {shown(run.first_error)} "
            f"web {run.web:.2f} api {run.api:.2f} error-minutes")
    if run.alert is not None or run.firing is not None:
        line += f" | rule firing {shown(run.firing)} alert page {shown(run.alert)} ({run.alert_name})"
    if run.runbook_code is not None:
        line += f" | runbook exit {run.runbook_code}"
    print(line, flush=True)
    if run.words:
        print(f"       {run.words}", flush=True)


def spread(values):
    known = sorted(value for value in values if value is not None)
    if not known:
        return "never"
    p95 = known[min(len(known) - 1, int(0.95 * len(known)))]
    return f"median {statistics.median(known):.1f}  p95 {p95:.1f}  least {known[0]:.1f}  most {known[-1]:.1f}  ({len(known)} of {len(values)})"


def summary(options, runs):
    nothing = [run for run in runs if run.way == "nothing"] or runs
    print(f"\nfault {options.fault}, window {options.window} s, seconds after the fault:")
    print(f"  spillway trigger     {spread([run.trigger for run in runs])}")
    print(f"  spillway page        {spread([run.page for run in runs])}")
    if any(run.alert is not None or run.firing is not None for run in runs):
        print(f"  prometheus rule      {spread([run.firing for run in nothing])}")
        print(f"  alertmanager page    {spread([run.alert for run in nothing])}")
    print(f"  first user error     {spread([run.first_error for run in runs])}")
    leads = [run.first_error - run.page for run in runs if run.first_error is not None and run.page is not None]
    print(f"  lead of the page     {spread(leads)}")
    for way in WAYS:
        of_way = [run.web for run in runs if run.way == way]
        if of_way:
            print(f"  web error-minutes, {way:9}  {spread(of_way)}")
    left = {way: statistics.mean(run.web for run in runs if run.way == way) for way in WAYS if any(run.way == way for run in runs)}
    for way in ("by hand", "automatic"):
        if left.get("nothing") and way in left:
            print(f"  {way}: {1 - left[way] / left['nothing']:.0%} of the error-minutes spared")
    repeated = [run for run in nothing if run.first_error is not None and run.api == 0]
    print(f"  repeated: web errors and a clean API in {len(repeated)} of {len(nothing)} faults left alone")


def parse(words):
    parser = argparse.ArgumentParser(prog="lab compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spillway", default=shutil.which("spillway"), help="the program (default: the one in PATH)")
    parser.add_argument("--fault", default="replica-down", choices=list(faults.FAULTS))
    parser.add_argument("--runs", type=int, default=1, help="rounds of the ways (1)")
    parser.add_argument("--ways", default=",".join(WAYS), help="of: nothing,by hand,automatic (all)")
    parser.add_argument("--window", type=int, default=180, help="seconds looked at after the fault (180)")
    parser.add_argument("--before", type=int, default=45, help="seconds of calm that everybody sees before it (45)")
    parser.add_argument("--no-alerts", dest="alerts", action="store_false", help="leave Prometheus and Alertmanager alone")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--json", metavar="FILE", help="write the runs there too")
    options = parser.parse_args(words)
    options.ways = [way.strip() for way in options.ways.split(",")]
    if not options.spillway or not os.access(options.spillway, os.X_OK):
        parser.error("which spillway? --spillway PROGRAM")
    if any(way not in WAYS for way in options.ways):
        parser.error(f"ways are: {', '.join(WAYS)}")
    return options


def main():
    options = parse(sys.argv[1:])
    moments = random.Random(options.seed)
    runs = []
    try:
        if account.owner() is None:
            raise Trouble("the lab is not up: 'lab up'")
        for number in range(1, options.runs + 1):
            wait_s = moments.uniform(0, 20)
            for way in options.ways:
                run = Run(options, way, wait_s)
                run.live()
                runs.append(run)
                tell(number, run)
    except Trouble as trouble:
        print(f"lab: {trouble}", file=sys.stderr)
        return 1
    summary(options, runs)
    if options.json:
        rows = [{key: value for key, value in vars(run).items() if key != "options"} for run in runs]
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
