"""Faults, each with the way it is taken back. `lab fault NAME` and `lab heal NAME` carry them out."""
import getpass
import json
import signal
import socket
import time

import layout
import process
import provision
import servers
from layout import PORTS, PYTHON
from servers import Trouble

VICTIM = "r2"  # the replica of the east that faults strike
SLOW_FACTOR = 3
SKEW_S = -300
DELAY_MS = 100  # each way


def haproxy(line):
    """One line to HAProxy's runtime socket; what it says. Success is silence."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(5)
        wire.connect(str(layout.path("sock/haproxy")))
        wire.sendall(line.encode() + b"\n")
        said = b""
        while chunk := wire.recv(65536):
            said += chunk
    return said.decode().strip()


def haproxy_set(line):
    said = haproxy(line)
    if said:
        raise Trouble(f"HAProxy refused '{line}': {said}")


def post(port, path, body):
    servers.http(PORTS[port], path, json.dumps(body).encode())


def start(name):
    servers.start(name, servers.all_servers()[name])


def replica_down():
    """Maintenance as a provider does it: taken out of the balancer, then stopped."""
    haproxy_set(f"set server be_east/{VICTIM} state maint")
    time.sleep(0.2)  # its reads in hand take that long
    process.stop(f"pg-{VICTIM}", signal.SIGTERM if layout.has_patroni() else signal.SIGINT)


def replica_up():
    start(f"pg-{VICTIM}")
    haproxy_set(f"set server be_east/{VICTIM} state ready")


def replica_hung():
    process.freeze(f"pg-{VICTIM}")


def replica_thaw():
    process.thaw(f"pg-{VICTIM}")


def slots_full():
    process.start("hold", [PYTHON, layout.path("lib/hold.py"), PORTS[f"pg-{VICTIM}"], layout.path("sock"), getpass.getuser()])


def slots_free():
    process.stop("hold")


def read_ms(milliseconds):
    provision.psql(VICTIM, f"ALTER SYSTEM SET lab.read_ms = '{milliseconds}'")
    provision.psql(VICTIM, "SELECT pg_reload_conf()")


def pooler_finds_database_at(port):
    """Tell the victim's PgBouncer, and have it leave its old connections."""
    provision.make_pooler(VICTIM, port)
    for line in ("RELOAD", "RECONNECT app"):
        provision.pooler_console(VICTIM, line)


def delay_begin():
    servers.start("relay", servers.Server([PYTHON, layout.path("lib/relay.py"), PORTS["relay"], PORTS[f"pg-{VICTIM}"], DELAY_MS],
                                          servers.port_ready(PORTS["relay"])))
    pooler_finds_database_at(PORTS["relay"])


def delay_end():
    pooler_finds_database_at(PORTS[f"pg-{VICTIM}"])
    process.stop("relay")


def skew(seconds):
    for cluster in layout.CLUSTERS:
        post(f"auth-{cluster}", "/v1/skew", {"seconds": seconds})


def exporters(what):
    for node in layout.NODES:
        what(f"exporter-{node}")


def haproxy_reload():
    """As a deployment does: weights and states set at run time are gone."""
    pid = process.pid_of("haproxy")
    before = haproxy("show info").split("Pid: ")[1].split()[0]
    process.send(pid, signal.SIGUSR2)
    servers.wait_until("HAProxy's reload", lambda: reloaded(before), 10)


def reloaded(before):
    try:
        return haproxy("show info").split("Pid: ")[1].split()[0] != before
    except OSError:
        return False


def pgbouncer_reload():
    """Every SET made on the consoles is gone: PgBouncer reads its file again."""
    for node in layout.NODES:
        process.send(process.pid_of(f"pooler-{node}"), signal.SIGHUP)


def nothing():
    """What was lost at run time must be set again by whoever wants it."""


class Fault:
    def __init__(self, about, begin, end, exclusive_of=()):
        self.about, self.begin, self.end, self.exclusive_of = about, begin, end, exclusive_of


FAULTS = {
    "replica-down": Fault(f"{VICTIM} goes into maintenance: out of the balancer, then stopped", replica_down, replica_up),
    "replica-hung": Fault(f"{VICTIM} and all its processes are frozen (SIGSTOP): it accepts and never answers",
                          replica_hung, replica_thaw),
    "slots-full": Fault(f"all connection slots of {VICTIM} are held by somebody else", slots_full, slots_free),
    "retry-storm": Fault("a client release sends every web check three times",
                         lambda: post("load", "/v1/storm", {"on": True}), lambda: post("load", "/v1/storm", {"on": False})),
    "slow-replica": Fault(f"reads on {VICTIM} take {SLOW_FACTOR} times as long",
                          lambda: read_ms(layout.READ_MS * SLOW_FACTOR), lambda: read_ms(layout.READ_MS)),
    "lag": Fault(f"{VICTIM} stops replaying", lambda: provision.psql(VICTIM, "SELECT pg_wal_replay_pause()"),
                 lambda: provision.psql(VICTIM, "SELECT pg_wal_replay_resume()")),
    "haproxy-reload": Fault("HAProxy is reloaded: weights and states set at run time are lost", haproxy_reload, nothing),
    "pgbouncer-reload": Fault("every PgBouncer reloads: pool sizes that were SET are lost", pgbouncer_reload, nothing),
    "prometheus-down": Fault("Prometheus is stopped", lambda: process.stop("prometheus"), lambda: start("prometheus")),
    "exporter-hang": Fault("the databases' exporters are frozen: their pages hang", lambda: exporters(process.freeze),
                           lambda: exporters(process.thaw)),
    "sshd-down": Fault("the SSH server is stopped", lambda: process.stop("sshd"), lambda: start("sshd")),
    "clock-skew": Fault(f"the auth services' clocks are {-SKEW_S} s behind: so are the samples of their pages",
                        lambda: skew(SKEW_S), lambda: skew(0)),
    "network-delay": Fault(f"the road from {VICTIM}'s pooler to its database is {DELAY_MS} ms longer, each way",
                           delay_begin, delay_end),
}


def find(name):
    if name not in FAULTS:
        raise Trouble(f"no fault '{name}'; there are: {', '.join(FAULTS)}")
    return FAULTS[name]


def marker(name):
    return layout.path("run", f"fault-{name}")


def begin(name):
    """Start a fault; returns the time it began. Starting it twice is starting it once."""
    fault = find(name)
    if not marker(name).exists():
        marker(name).write_text(f"{time.time():.3f}\n")
        fault.begin()
        if fault.end is nothing:
            began = float(marker(name).read_text())
            marker(name).unlink()
            return began
    return float(marker(name).read_text())


def end(name):
    find(name).end()
    marker(name).unlink(missing_ok=True)


def current():
    return [name for name in FAULTS if marker(name).exists()]
