"""The servers of the lab: how each is started, what it waits for, how one knows that it is ready."""
import concurrent.futures
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import layout
import process
import provision
from layout import HOST, PG_BIN, PORTS, PYTHON

READY_WITHIN_S = 30


class Trouble(Exception):
    """What went wrong, in words for whoever typed the command."""


def http(port, path="/", data=None, headers=(), timeout_s=2.0):
    """The body of an answer; urllib.error.URLError or OSError when there is none."""
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", data=data, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        return answer.read()


def http_ready(port, path="/"):
    def ready():
        try:
            http(port, path)
            return True
        except (urllib.error.URLError, OSError):
            return False
    return ready


def port_ready(port):
    def ready():
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return True
        except OSError:
            return False
    return ready


def node_ready(node):
    def ready():
        try:
            asked = provision.psql(node, "SELECT pg_is_in_recovery()").strip()
            return asked == ("f" if node == "primary" else "t")
        except (subprocess.SubprocessError, OSError):
            return False
    return ready


def streaming():
    count = provision.psql("primary", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").strip()
    return int(count) == len(layout.REPLICAS)


class Server:
    def __init__(self, argv, ready, env=None, before=None, stop=signal.SIGTERM):
        self.argv, self.ready, self.env, self.before, self.stop = argv, ready, env or {}, before, stop


def postgres(node):
    if layout.has_patroni():
        return Server(["patroni", layout.path("etc", f"patroni-{node}.yml")], node_ready(node))
    before = (lambda: provision.make_replica_files(node)) if node != "primary" else None
    return Server([PG_BIN / "postgres", "-D", layout.path("data", node), "-p", PORTS["pg-" + node]], node_ready(node),
                  before=before, stop=signal.SIGINT)


def pooler(node):
    return Server(["pgbouncer", layout.path(f"etc/pgbouncer-{node}.ini")], port_ready(PORTS["pooler-" + node]))


def exporter(node):
    env = {"DATA_SOURCE_URI": f"{HOST}:{PORTS['pg-' + node]}/app?sslmode=disable", "DATA_SOURCE_USER": "monitor",
           "DATA_SOURCE_PASS": provision.password("monitor"), "GOMAXPROCS": "1"}
    return Server(["prometheus-postgres-exporter", f"--web.listen-address={HOST}:{PORTS['exporter-' + node]}",
                   f"--extend.query-path={layout.path('etc/queries.yaml')}", "--log.level=error"],
                  http_ready(PORTS["exporter-" + node], "/metrics"), env)


def auth(cluster):
    return Server([PYTHON, layout.path("lib", "auth.py"), cluster, PORTS["auth-" + cluster], PORTS["reads-" + cluster], PORTS["pg-primary"]],
                  http_ready(PORTS["auth-" + cluster], "/health"), {"PGPASSWORD": provision.password("app")})


def haproxy():
    return Server(["haproxy", "-W", "-f", layout.path("etc/haproxy.cfg")], edge_serves)


def edge_serves():
    """HAProxy has found both auth services well: who comes in before that is turned away."""
    try:
        rows = [line.split(",") for line in http(PORTS["haproxy-stats"], "/stats;csv").decode().splitlines()]
    except (urllib.error.URLError, OSError):
        return False
    well = {row[1] for row in rows if row[0] == "be_edge" and row[17] == "UP"}
    return well.issuperset(layout.CLUSTERS)


def load():
    return Server([PYTHON, layout.path("lib", "load.py"), PORTS["load"], PORTS["edge"], layout.RATE, 20260204],
                  http_ready(PORTS["load"], "/metrics"), before=warm)


def warm():
    """Both auth services know the API keys from before, as they would in the middle of a day."""
    for cluster in layout.CLUSTERS:
        http(PORTS["auth-" + cluster], "/warm", headers={"X-Keys": "500"}.items())


def control():
    return Server([PYTHON, layout.path("lib", "control.py"), PORTS["control"], layout.path("sock/haproxy"), layout.path("token"),
                   layout.path("alerts.jsonl"), *(f"{name}={','.join(nodes)}" for name, nodes in layout.CLUSTERS.items())],
                  http_ready(PORTS["control"], "/health"))


def pooler_exporter():
    pairs = [f"{node}={PORTS['pooler-' + node]}" for node in layout.NODES]
    return Server([PYTHON, layout.path("lib", "pooler_exporter.py"), PORTS["pooler-exporter"], *pairs],
                  http_ready(PORTS["pooler-exporter"], "/metrics/r1"), {"PGPASSWORD": provision.password("watch")})


def prometheus():
    return Server(["prometheus", f"--config.file={layout.path('etc/prometheus.yml')}", "--log.level=error",
                   f"--storage.tsdb.path={layout.path('data/prometheus')}",
                   f"--web.listen-address={HOST}:{PORTS['prometheus']}"],
                  http_ready(PORTS["prometheus"], "/-/ready"), {"GOMAXPROCS": "2"})


def alertmanager():
    return Server(["prometheus-alertmanager", f"--config.file={layout.path('etc/alertmanager.yml')}", "--log.level=error",
                   f"--storage.path={layout.path('data/alertmanager')}", "--cluster.listen-address=",
                   f"--web.listen-address={HOST}:{PORTS['alertmanager']}"],
                  http_ready(PORTS["alertmanager"], "/-/ready"), {"GOMAXPROCS": "2"})


def node_exporter():
    return Server(["prometheus-node-exporter", f"--web.listen-address={HOST}:{PORTS['node-exporter']}", "--log.level=error",
                   "--web.disable-exporter-metrics"], http_ready(PORTS["node-exporter"], "/metrics"), {"GOMAXPROCS": "1"})


def etcd():
    client, peer = f"http://{HOST}:{PORTS['etcd']}", f"http://{HOST}:{PORTS['etcd-peer']}"
    return Server(["etcd", "--name", "lab", "--data-dir", layout.path("data/etcd"), "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                   "--initial-cluster", f"lab={peer}", "--log-level", "error"], http_ready(PORTS["etcd"], "/health"))


def sshd():
    # PrivSep and hosts' files: an ordinary user's sshd serves that user only, and that is all the lab wants.
    return Server(["/usr/sbin/sshd", "-D", "-e", "-f", layout.path("etc/sshd_config")], port_ready(PORTS["sshd"]))


# Each row is started when the one above is ready; the members of a row start together.
def rows():
    return [
        {"etcd": etcd()},
        {"pg-primary": postgres("primary"), "sshd": sshd(), "node-exporter": node_exporter(),
         "alertmanager": alertmanager(), "prometheus": prometheus()},
        {f"pg-{node}": postgres(node) for node in layout.REPLICAS},
        {**{f"pooler-{node}": pooler(node) for node in layout.NODES}, **{f"exporter-{node}": exporter(node) for node in layout.NODES}},
        {"haproxy": haproxy(), **{f"auth-{cluster}": auth(cluster) for cluster in layout.CLUSTERS},
         "pooler-exporter": pooler_exporter()},
        {"load": load(), "control": control()},
    ]


def all_servers():
    return {name: server for row in rows() for name, server in row.items()}


def wait_until(what, ready, within_s=READY_WITHIN_S, name=None):
    deadline = time.monotonic() + within_s
    while not ready():
        if name and process.pid_of(name) is None:
            raise Trouble(f"{what} ended at once; its last words:\n{last_words(name)}")
        if time.monotonic() > deadline:
            raise Trouble(f"{what}: not ready after {within_s} s" + (f"; its last words:\n{last_words(name)}" if name else ""))
        time.sleep(0.05)


def last_words(name):
    try:
        lines = layout.path("log", name + ".log").read_text(errors="replace").splitlines()
    except OSError:
        return "(none)"
    return "\n".join(lines[-5:]) or "(none)"


def start(name, server):
    if process.pid_of(name) is None and server.before:
        server.before()
    process.start(name, server.argv, server.env)
    wait_until(name, server.ready, name=name)


def up(say):
    provision.make_files()
    for row in rows():
        with concurrent.futures.ThreadPoolExecutor(len(row)) as pool:
            for job in [pool.submit(start, name, server) for name, server in row.items()]:
                job.result()
        if "pg-primary" in row:
            provision.make_schema()
        if "pg-r1" in row:
            wait_until("streaming replication", streaming)
        say(f"up: {', '.join(row)}")


def down(say):
    """Stop all, the last started first. Names come from the pid files: what is running is what must stop."""
    names = [file.stem for file in layout.path("run").glob("*.pid")] if layout.path("run").exists() else []
    order = {name: number for number, row in enumerate(rows_of_names()) for name in row}
    for rank in sorted({order.get(name, 99) for name in names}, reverse=True):
        members = [name for name in names if order.get(name, 99) == rank]
        with concurrent.futures.ThreadPoolExecutor(len(members)) as pool:
            list(pool.map(stop, members))
        say(f"down: {', '.join(sorted(members))}")


def stop(name):
    """At once: what the databases hold is taken away with them."""
    own = name.startswith("pg-") and not layout.has_patroni()
    process.stop(name, signal.SIGQUIT if own else signal.SIGTERM, 3)


def rows_of_names():
    try:
        return [list(row) for row in rows()]
    except OSError:
        return []  # a state half made has no passwords to start servers with, and no servers either


