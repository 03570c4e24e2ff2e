"""The lab as it should be before a trial: nothing at fault, nothing set at run time, users well."""
import shutil
import signal
import time

import account
import faults
import figures
import layout
import process
import servers
from servers import Trouble

CALM_S = 10  # without an error
PATIENCE_S = 120


def _make_well():
    for name in faults.current():
        faults.end(name)
    for cluster, nodes in layout.CLUSTERS.items():
        faults.haproxy_set(f"set weight be_edge/{cluster} 100")
        for node in nodes:
            faults.haproxy_set(f"set server be_{cluster}/{node} state ready")
    faults.pgbouncer_reload()
    return 0


def _fresh_alerting():
    for name in ("prometheus", "alertmanager"):
        process.stop(name, signal.SIGKILL)
        shutil.rmtree(layout.path("data", name), ignore_errors=True)
    for name in ("alertmanager", "prometheus"):
        servers.start(name, servers.all_servers()[name])
    return 0


def _as_owner(work):
    if account.dropped(work) != 0:
        raise Trouble("the lab could not be brought into its first state")


def make_well():
    """Take every fault back, and what was set at run time."""
    _as_owner(_make_well)


def fresh_alerting():
    """Prometheus and Alertmanager with no memory of the trial before."""
    _as_owner(_fresh_alerting)


def wait():
    """Until users have seen no error for a while."""
    began = time.time()
    while True:
        rows = figures.seconds(max(began, time.time() - CALM_S))
        if len(rows) >= CALM_S - 1 and not any(row[2] or row[4] for row in rows):
            return
        if time.time() > began + PATIENCE_S:
            raise Trouble(f"users still see errors {PATIENCE_S} s after everything was healed")
        time.sleep(0.5)
