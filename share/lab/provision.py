"""What servers need before they start: keys, passwords, configuration files, and the database itself."""
import getpass
import os
import re
import secrets
import shutil
import subprocess

import layout
from layout import HOST, PORTS

ROLES = ("app", "monitor", "checker", "replicator", "ops", "watch")


def write(name, text, mode=0o600):
    file = layout.path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def password(role):
    return layout.path("secrets", role).read_text().strip()


def make_directories():
    for name in ("run", "log", "secrets", "etc", "sock", "data"):
        layout.path(name).mkdir(mode=0o700, exist_ok=True)
    for role in ROLES:
        if not layout.path("secrets", role).exists():
            write(f"secrets/{role}", secrets.token_hex(16) + "\n")
    if not layout.path("token").exists():
        write("token", secrets.token_hex(24) + "\n")


def make_ssh():
    for key in ("host_key", "id_ed25519"):
        if not layout.path(key).exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {key}", "-f", layout.path(key)],
                           check=True)
    host_key = layout.path("host_key.pub").read_text().split()
    write("known_hosts", f"[{HOST}]:{PORTS['sshd']} {host_key[0]} {host_key[1]}\n")
    write("authorized_keys", layout.path("id_ed25519.pub").read_text())
    write("pgpass", "".join(f"{HOST}:*:*:{role}:{password(role)}\n" for role in ROLES))
    # Run by hand it needs absolute paths; the state stands below a directory that others may write to, hence StrictModes no.
    write("etc/sshd_config", f"""ListenAddress {HOST}
Port {PORTS['sshd']}
HostKey {layout.path('host_key')}
AuthorizedKeysFile {layout.path('authorized_keys')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding no
X11Forwarding no
PrintMotd no
PrintLastLog no
SetEnv PGPASSFILE={layout.path('pgpass')} {layout.MARK}={layout.DIR}
""")


def make_poolers():
    users = "".join(f'"{role}" "{password(role)}"\n' for role in ("app", "ops", "watch"))
    write("etc/userlist.txt", users)
    for node in layout.NODES:
        make_pooler(node, PORTS["pg-" + node])


def make_pooler(node, port):
    """The file of one PgBouncer, which finds its database at that port."""
    write(f"etc/pgbouncer-{node}.ini", f"""[databases]
app = host={HOST} port={port} dbname=app

[pgbouncer]
listen_addr = {HOST}
listen_port = {PORTS['pooler-' + node]}
unix_socket_dir =
auth_type = md5
auth_file = {layout.path('etc/userlist.txt')}
admin_users = ops
stats_users = watch
pool_mode = transaction
default_pool_size = {layout.POOL_SIZE}
max_client_conn = 2000
query_wait_timeout = {layout.QUERY_WAIT_TIMEOUT_S}
server_connect_timeout = 2
server_login_retry = 1
server_lifetime = 3600
server_idle_timeout = 600
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
stats_period = 60
""")


# Who says that a node serves: the database's own greeting, or Patroni.
HEALTH_CHECK = {False: "  option pgsql-check user checker", True: "  option httpchk GET /read-only"}


def make_haproxy():
    text = f"""global
  stats socket {layout.path('sock/haproxy')} mode 600 level admin expose-fd listeners
  maxconn 8000

defaults
  timeout connect 3s
  timeout check 3s
  timeout client 30s
  timeout server 30s

# Users come in here; the weights of the two clusters are what `divert` changes. A user stays with a cluster. Of HAProxy's
# functions wt6 halves these users, 49.9 to 50.1; the others leave up to 53 in a hundred, or 84, to one side.
frontend edge
  mode http
  bind {HOST}:{PORTS['edge']}
  default_backend be_edge

backend be_edge
  mode http
  balance hdr(x-user)
  hash-type consistent wt6
  option httpchk GET /health
"""
    for cluster in layout.CLUSTERS:
        text += f"  server {cluster} {HOST}:{PORTS['auth-' + cluster]} weight 100 check inter 1s fall 5\n"
    for cluster, nodes in layout.CLUSTERS.items():
        text += f"""
# Reads of {cluster}: the poolers take them, PostgreSQL itself is checked.
frontend fe_{cluster}
  mode tcp
  bind {HOST}:{PORTS['reads-' + cluster]}
  default_backend be_{cluster}

backend be_{cluster}
  mode tcp
  balance roundrobin
{HEALTH_CHECK[layout.has_patroni()]}
  timeout check 500ms
  default-server check inter 1s fastinter 300ms fall 3 rise 2 maxconn 1000
"""
        for node in nodes:
            asked = PORTS[("rest-" if layout.has_patroni() else "pg-") + node]
            text += f"  server {node} {HOST}:{PORTS['pooler-' + node]} port {asked}\n"
    text += f"""
frontend stats
  mode http
  bind {HOST}:{PORTS['haproxy-stats']}
  http-request use-service prometheus-exporter if {{ path /metrics }}
  stats enable
  stats uri /stats
"""
    write("etc/haproxy.cfg", text)


def make_prometheus():
    targets = "".join(
        f"""      - targets: ["{HOST}:{PORTS['exporter-' + node]}"]
        labels: {{cluster: {layout.CLUSTER_OF[node]}, replica: {node}}}
""" for node in layout.NODES)
    poolers = "".join(
        f"""  - job_name: pgbouncer-{node}
    metrics_path: /metrics/{node}
    static_configs:
      - targets: ["{HOST}:{PORTS['pooler-exporter']}"]
        labels: {{cluster: {layout.CLUSTER_OF[node]}, replica: {node}}}
""" for node in layout.NODES)
    write("etc/prometheus.yml", f"""# Intervals as most installations have them.
global:
  scrape_interval: 15s
  evaluation_interval: 15s
rule_files: ["{layout.path('lib/rules.yml')}"]
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["{HOST}:{PORTS['alertmanager']}"]
scrape_configs:
  - job_name: postgres
    static_configs:
{targets}{poolers}  - job_name: haproxy
    static_configs:
      - targets: ["{HOST}:{PORTS['haproxy-stats']}"]
  - job_name: auth
    static_configs:
      - targets: ["{HOST}:{PORTS['auth-east']}", "{HOST}:{PORTS['auth-west']}"]
  - job_name: load
    static_configs:
      - targets: ["{HOST}:{PORTS['load']}"]
  - job_name: node
    static_configs:
      - targets: ["{HOST}:{PORTS['node-exporter']}"]
""")
    write("etc/alertmanager.yml", f"""# Alertmanager's own defaults: group_wait 30s, group_interval 5m.
route:
  receiver: pager
  group_by: [alertname]
receivers:
  - name: pager
    webhook_configs:
      - url: http://{HOST}:{PORTS['control']}/alerts
        send_resolved: true
""")
    # Lag as the exporter's own documentation measures it: 0.11 has no such metric by itself on a replica.
    write("etc/queries.yaml", """pg_replication:
  query: "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0 ELSE GREATEST(0, EXTRACT(EPOCH FROM (now() - pg_last_xact_replay_timestamp()))) END AS lag"
  master: true
  metrics:
    - lag:
        usage: "GAUGE"
        description: "Replication lag behind master in seconds"
""")


# What a user adds to the fleet file who has Patroni.
MEMBERS = """  # Patroni's own word on each member.
  members:
    kind: exposition
    targets:
""" + "".join(f"""      - {{url: "http://{HOST}:{PORTS['rest-' + node]}/metrics", labels: {{cluster: {layout.CLUSTER_OF[node]}, replica: {node}}}}}
""" for node in layout.NODES)


def make_fleet_file():
    """The example, with this machine's user, ports and directory."""
    text = layout.path("lib/lab.yaml").read_text()
    if layout.has_patroni():
        text = text.replace("use: {", "use: {patroni: members, ", 1).replace("  # The session service", MEMBERS + "  # The session service", 1)
    text = text.replace("user: spillway-lab", f"user: {getpass.getuser()}")
    text = text.replace("/tmp/spillway-lab", str(layout.DIR))
    if layout.BASE != layout.DEFAULT_BASE:
        ports = {str(port - layout.BASE + layout.DEFAULT_BASE): str(port) for port in PORTS.values()}
        text = re.sub(r"\b\d{5}\b", lambda found: ports.get(found[0], found[0]), text)
    write("lab.yaml", text)


SERVER_SETTINGS = f"""
listen_addresses = '{HOST}'
unix_socket_directories = '{layout.path('sock')}'
max_connections = {layout.MAX_CONNECTIONS}
superuser_reserved_connections = {layout.RESERVED_CONNECTIONS}
shared_buffers = 16MB
dynamic_shared_memory_type = posix
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = replica
max_wal_senders = 8
wal_keep_size = 64MB
max_wal_size = 256MB
hot_standby_feedback = off
wal_receiver_timeout = 5s
wal_retrieve_retry_interval = 500ms
autovacuum = off
jit = off
password_encryption = 'scram-sha-256'
checkpoint_timeout = 30min
bgwriter_delay = 10s
log_min_messages = fatal
lab.read_ms = '{layout.READ_MS}'
"""

SCHEMA = f"""
CREATE DATABASE app;
\\c app
CREATE ROLE app LOGIN PASSWORD :'app';
CREATE ROLE monitor LOGIN PASSWORD :'monitor';
GRANT pg_monitor TO monitor;
CREATE ROLE checker LOGIN PASSWORD :'checker';
CREATE ROLE hog LOGIN;
SELECT 'CREATE ROLE replicator LOGIN REPLICATION' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \\gexec
ALTER ROLE replicator PASSWORD :'replicator';
CREATE TABLE sessions (name text PRIMARY KEY, made timestamptz NOT NULL DEFAULT now());
INSERT INTO sessions (name) SELECT 'user-' || n FROM generate_series(0, 19999) AS n;
INSERT INTO sessions (name) SELECT 'key-' || n FROM generate_series(0, 499) AS n;
CREATE TABLE heartbeat (at timestamptz NOT NULL);
INSERT INTO heartbeat VALUES (now());
GRANT SELECT ON sessions TO app;
GRANT SELECT, UPDATE ON heartbeat TO app;
-- A read takes its time (the node's own lab.read_ms, a fifth more or less) while it holds a connection.
CREATE FUNCTION read_session(who text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(current_setting('lab.read_ms')::float8 / 1000 * (0.8 + 0.4 * random()));
    RETURN (SELECT name FROM sessions WHERE name = who);
END $$;
"""


def psql(node, text, database="postgres", variables=()):
    """Run statements as the superuser over the node's socket; returns what they print."""
    argv = ["psql", "-XqAt", "-w", "-v", "ON_ERROR_STOP=1", "-h", layout.path("sock"), "-p", PORTS["pg-" + node], "-d", database]
    # Values go in on standard input: an argument list is for everyone to read.
    head = "".join(f"\\set {name} '{value}'\n" for name, value in variables)
    return subprocess.run([str(part) for part in argv], input=head + text, check=True, text=True, capture_output=True,
                          env={**os.environ, "PGUSER": getpass.getuser()}, timeout=30).stdout


def pooler_console(node, line):
    """One command to a PgBouncer's console, as its administrator; returns what it prints."""
    argv = ["psql", "-XqAt", "-w", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-p", str(PORTS["pooler-" + node]), "-U", "ops",
            "-d", "pgbouncer", "-c", line]
    return subprocess.run(argv, check=True, text=True, capture_output=True, timeout=10,
                          env={**os.environ, "PGPASSFILE": str(layout.path("pgpass"))}).stdout


def make_primary_files():
    data = layout.path("data/primary")
    if data.exists():
        return
    subprocess.run([layout.PG_BIN / "initdb", "-D", data, "--no-sync", "-A", "trust", "-U", getpass.getuser(),
                    "-E", "UTF8", "--locale=C"], check=True, stdout=subprocess.DEVNULL)
    with open(data / "postgresql.conf", "a", encoding="utf-8") as file:
        file.write(SERVER_SETTINGS)
    (data / "pg_hba.conf").write_text("local all all trust\nhost replication replicator 127.0.0.1/32 scram-sha-256\n"
                                      "host all all 127.0.0.1/32 scram-sha-256\n")


def make_schema():
    if psql("primary", "SELECT count(*) FROM pg_database WHERE datname = 'app'").strip() == "0":
        psql("primary", SCHEMA, variables=[(role, password(role)) for role in ROLES])


def make_patroni(node):
    """Patroni's file for one member; it makes the database itself."""
    names = dict(line.split(" = ", 1) for line in SERVER_SETTINGS.strip().splitlines())
    parameters = "".join(f"    {name}: {value}\n" for name, value in names.items() if name != "listen_addresses")
    write(f"etc/patroni-{node}.yml", f"""scope: lab
name: {node}
restapi: {{listen: "{HOST}:{PORTS['rest-' + node]}", connect_address: "{HOST}:{PORTS['rest-' + node]}"}}
etcd3: {{host: "{HOST}:{PORTS['etcd']}"}}
log: {{level: WARNING}}
bootstrap:
  dcs:
    ttl: 30
    loop_wait: 5
    retry_timeout: 10
    postgresql: {{parameters: {{max_connections: {layout.MAX_CONNECTIONS}, max_wal_senders: 8}}}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, {{auth: trust}}, no-sync]
postgresql:
  listen: "{HOST}:{PORTS['pg-' + node]}"
  connect_address: "{HOST}:{PORTS['pg-' + node]}"
  data_dir: {layout.path('data', node)}
  bin_dir: {layout.PG_BIN}
  pgpass: {layout.path('etc', 'pgpass-' + node)}
  use_unix_socket: true
  basebackup: [{{checkpoint: fast}}, no-sync]
  authentication:
    superuser: {{username: {getpass.getuser()}}}
    replication: {{username: replicator, password: "{password('replicator')}"}}
  parameters:
{parameters}  pg_hba:
    - local all all trust
    - host replication replicator 127.0.0.1/32 scram-sha-256
    - host all all 127.0.0.1/32 scram-sha-256
""")


def make_replica_files(node):
    data = layout.path("data", node)
    if (data / "standby.signal").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    subprocess.run([layout.PG_BIN / "pg_basebackup", "-D", data, "-h", HOST, "-p", str(PORTS["pg-primary"]),
                    "-U", "replicator", "-w", "-c", "fast", "-X", "stream", "--no-sync"], check=True, timeout=60,
                   env={**os.environ, "PGPASSFILE": str(layout.path("pgpass"))})
    with open(data / "postgresql.conf", "a", encoding="utf-8") as file:
        file.write(f"primary_conninfo = 'host={HOST} port={PORTS['pg-primary']} user=replicator application_name={node} "
                   f"passfile=''{layout.path('pgpass')}'''\n")
    (data / "standby.signal").touch()


def make_files():
    make_directories()
    make_ssh()
    make_poolers()
    make_haproxy()
    make_prometheus()
    make_fleet_file()
    if layout.has_patroni():
        for node in layout.NODES:
            make_patroni(node)
    else:
        make_primary_files()
