"""What the lab measures of itself: users' requests by second, processor time, alerts that arrived."""
import json
import os
import time

import layout
import process
import servers
from layout import PORTS

PATIENCE_S = 15  # what is counted is not lost by waiting for it on a busy machine


def seconds(since):
    """[[second, web requests, web errors, api requests, api errors], ...], whole seconds only."""
    rows = json.loads(servers.http(PORTS["load"], f"/v1/seconds?since={int(since)}", timeout_s=PATIENCE_S))["seconds"]
    return [row for row in rows if row[0] < int(time.time())]


def ratio(rows, surface):
    place = 1 if surface == "web" else 3
    asked, failed = sum(row[place] for row in rows), sum(row[place + 1] for row in rows)
    return failed / asked if asked else 0.0


def first_error(since):
    """The second in which a user first saw an error, None when none did."""
    for row in seconds(since):
        if row[2] or row[4]:
            return row[0]
    return None


def counters(cluster):
    """The auth service's counters of a cluster, by name."""
    page = servers.http(PORTS["auth-" + cluster], "/metrics").decode()
    found = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            name = line.split("{")[0]
            found[name] = found.get(name, 0.0) + float(line.rpartition(" ")[2])
    return found


def amplification(over_s):
    """Attempts per first try by cluster, over the next seconds."""
    before = {cluster: counters(cluster) for cluster in layout.CLUSTERS}
    time.sleep(over_s)
    result = {}
    for cluster, was in before.items():
        now = counters(cluster)
        first = now["auth_first_tries_total"] - was["auth_first_tries_total"]
        result[cluster] = (now["auth_attempts_total"] - was["auth_attempts_total"]) / first if first else float("nan")
    return result


def processor_s():
    """Processor seconds used so far by everything in the lab."""
    ticks = 0
    for file in layout.path("run").glob("*.pid"):
        pid = process.pid_of(file.stem)
        for each in process.descendants(pid) if pid else []:
            try:
                with open(f"/proc/{each}/stat", encoding="latin-1") as stat:
                    fields = stat.read().rpartition(") ")[2].split()
            except OSError:
                continue
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def alerts(since):
    """Alerts that reached the pager since then: [{arrived, status, name, labels}]."""
    try:
        lines = layout.path("alerts.jsonl").read_text().splitlines()
    except OSError:
        return []
    return [alert for alert in map(json.loads, lines) if alert["arrived"] >= since]
