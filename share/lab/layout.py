"""What the lab consists of and where: names, ports, sizes, paths. Nothing here does anything.

Ports stand below the kernel's ephemeral range (net.ipv4.ip_local_port_range), where nothing else is
handed them by chance. One lab at a time uses them; LAB_PORT_BASE moves them all, LAB_DIR the state.
"""
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
DIR = pathlib.Path(os.environ.get("LAB_DIR", "/tmp/spillway-lab"))
PYTHON = "/usr/bin/python3"  # Debian's, which has python3-psycopg2
PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
HOST = "127.0.0.1"
MARK = "SPILLWAY_LAB"  # in the environment of every process of the lab

DEFAULT_BASE = 21000
BASE = int(os.environ.get("LAB_PORT_BASE", DEFAULT_BASE))
# Made for the lab when root starts it, and removed with it; a lab elsewhere on this machine has its own.
USER = "spillway-lab" if BASE == DEFAULT_BASE else f"spillway-lab-{BASE}"

# Nodes that serve reads: PostgreSQL servers, each with a PgBouncer and an exporter. The primary reads too, in the west.
NODES = ("primary", "r1", "r2", "r3")
REPLICAS = NODES[1:]
CLUSTERS = {"east": ("r1", "r2"), "west": ("r3", "primary")}
CLUSTER_OF = {node: cluster for cluster, nodes in CLUSTERS.items() for node in nodes}

_OFFSETS = {
    "edge": 0, "auth-east": 1, "auth-west": 2, "load": 3, "control": 4, "pooler-exporter": 5, "haproxy-stats": 6,
    "reads-east": 11, "reads-west": 12,
    "pg-primary": 20, "pg-r1": 21, "pg-r2": 22, "pg-r3": 23,
    "pooler-primary": 30, "pooler-r1": 31, "pooler-r2": 32, "pooler-r3": 33,
    "relay": 39, "exporter-primary": 40, "exporter-r1": 41, "exporter-r2": 42, "exporter-r3": 43,
    "rest-primary": 60, "rest-r1": 61, "rest-r2": 62, "rest-r3": 63,
    "prometheus": 50, "alertmanager": 51, "node-exporter": 52, "etcd": 53, "etcd-peer": 54, "sshd": 55,
}
PORTS = {name: BASE + offset for name, offset in _OFFSETS.items()}

PATRONI_PACKAGES = ("patroni",)  # for `lab up --patroni`
PACKAGES = (
    "postgresql-15", "postgresql-client-15", "pgbouncer", "haproxy", "prometheus", "prometheus-alertmanager",
    "prometheus-postgres-exporter", "prometheus-node-exporter", "etcd-server", "openssh-server", "openssh-client",
    "python3", "python3-psycopg2",
)

# Capacity is time spent holding a connection, not processor time, so that it is the same on every machine:
# a pool of 7 and reads of 100 ms make 70 reads a second and node, less a few percent of overhead.
POOL_SIZE = 7
READ_MS = 100
QUERY_WAIT_TIMEOUT_S = 2  # a read that waited so long loses its place
MAX_CONNECTIONS = 40
RESERVED_CONNECTIONS = 3

# First tries per second of both surfaces together. A cluster carries half, 64, or 70 with what bursts add (load.py), on two
# nodes that could do 69 each: by the minute one alone has just too little, and carries it while no burst comes.
RATE = 128


def path(*parts):
    return DIR.joinpath(*parts)


def has_patroni():
    """Whether Patroni looks after the databases of the lab that is up, or is coming up."""
    return path("with-patroni").exists()
