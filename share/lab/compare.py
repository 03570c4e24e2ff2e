"""Spillway beside Prometheus and Alertmanager on the same faults, and what users suffer with and without the runbook.

Each run begins well: nothing at fault, pools and weights as configured, Prometheus and Alertmanager started afresh and then left
to scrape for a while. Spillway watches with the lab's fleet file. The fault comes at a random moment of the load's rhythm.
  nothing    nobody does anything; here the alerts are timed
  by hand    `spillway run RUNBOOK --yes` a minute after Spillway's page: somebody woke up, looked and decided
  automatic  the same at the moment of the page
Times are seconds after the fault. The trigger is Spillway's first word of an incident (trigger or worse), its page the moment
from which it says that somebody should be woken. An alert's page is its arrival at the webhook, where a pager would stand. Error-minutes are minutes of all of a
surface's requests failing. With --faults: instead, each fault once, and whether Spillway names it rightly.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import account
import calm
import faults
import figures
import layout
import servers
import verdicts
import watch
from servers import Trouble

WAYS = ("nothing", "by hand", "automatic")
HAND_S = 60
RUNBOOK = "replica-loss"
PICTURE = "2s"  # a runbook that waits by itself for what it wants to see need not look for long before


def prometheus_firing():
    """When Prometheus itself first had an alert firing, None while none is."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        alerts = json.loads(servers.http(layout.PORTS["prometheus"], "/api/v1/alerts"))["data"]["alerts"]
        if any(alert["state"] == "firing" for alert in alerts):
            return time.time()
    return None


def begin_fault(name):
    """Strike; returns when."""
    said = subprocess.run([layout.PYTHON, "-B", layout.HERE / "lab", "fault", name], check=True, text=True, capture_output=True).stdout
    return float(said.rsplit(" ", 1)[1])


class Run:
    """One fault, lived through in one way."""

    def __init__(self, options, way, wait_s):
        self.options, self.way, self.wait_s = options, way, wait_s
        self.trigger = self.page = self.firing = self.alert = self.first_error = None
        self.alert_name = self.words = ""
        self.web = self.api = self.amplification = 0.0
        self.runbook_code = None

    def live(self, name):
        with tempfile.TemporaryDirectory(prefix="spillway-compare.") as state:
            calm.make_well()
            if self.options.alerts and self.way == "nothing":
                calm.fresh_alerting()
            calm.wait()
            try:
                with watch.settled(self.options.spillway, self.options.before + self.wait_s) as seen:
                    self.suffer(seen, watch.environment(state))
                    if self.options.keep:
                        seen.keep(self.options.keep, name)
            finally:
                calm.make_well()

    def suffer(self, seen, environment):
        began = begin_fault(self.options.fault)
        runbook = None
        while time.time() < began + self.options.window:
            page = seen.page(began)
            wait = {"by hand": HAND_S, "automatic": 0}.get(self.way)
            if runbook is None and page and wait is not None and time.time() >= page[0] + wait:
                runbook = subprocess.Popen([self.options.spillway, "run", RUNBOOK, "-c", layout.path("lab.yaml"), "--yes",
                                            "--reason", "lab compare", "--timeout", PICTURE], env=environment, stdin=subprocess.DEVNULL,
                                           preexec_fn=account.go_ahead,
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
        self.look_back(seen, began)

    def look_back(self, seen, began):
        rows = [row for row in figures.seconds(began) if row[0] < began + self.options.window]
        for surface, place in (("web", 1), ("api", 3)):
            setattr(self, surface, sum(row[place + 1] / row[place] for row in rows if row[place]) / 60)
        error = next((row[0] for row in rows if row[2] or row[4]), None)
        self.first_error = None if error is None else max(error - began, 0.0)
        trigger, page = seen.trigger(began), seen.page(began)
        if trigger:
            self.trigger, self.words = trigger[0] - began, trigger[1]["headline"]
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
    parser.add_argument("--faults", nargs="?", const=",".join(verdicts.EXPECTED), help="name each of these faults (all)")
    parser.add_argument("--keep", metavar="DIR", help="every assessment that came, a file a run or fault")
    parser.add_argument("--json", metavar="FILE", help="write the runs there too")
    options = parser.parse_args(words)
    if options.faults is not None:
        options.faults = options.faults.split(",")
        if unknown := [name for name in options.faults if name not in verdicts.EXPECTED]:
            parser.error(f"no fault {', '.join(unknown)}; there are: {', '.join(verdicts.EXPECTED)}")
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
        if options.faults is not None:
            return verdicts.compare(options.spillway, options.faults, options.before, begin_fault, options.keep)
        for number in range(1, options.runs + 1):
            wait_s = moments.uniform(0, 20)
            for way in options.ways:
                run = Run(options, way, wait_s)
                run.live(f"{number:02}-{way.replace(' ', '-')}")
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
