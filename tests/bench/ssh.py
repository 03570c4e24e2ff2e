#!/usr/bin/env python3
"""One command on many loopback sshd "hosts", by this program and by pdsh and clush, in the same run; and many
commands on one kept session. Prints figures and ratios, judges nothing.

Usage: tests/bench/ssh.py BUILD_DIR [HOSTS [EXECS]]

Every host is a port of one sshd, so the peers get one host name per port from an ssh_config of their own. The
servers share the machine with the clients: wall time is mostly theirs; client CPU and memory are the clients' own.
"""
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

build = sys.argv[1]
sys.stdout.reconfigure(line_buffering=True)
hosts = int(sys.argv[2]) if len(sys.argv) > 2 else 100
execs = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
user = subprocess.check_output(["id", "-un"], text=True).strip()
work = tempfile.mkdtemp(prefix="spillway-bench.")


def path(name):
    return os.path.join(work, name)


def write(name, text):
    with open(path(name), "w") as out:
        out.write(text)
    os.chmod(path(name), 0o600)


def keygen(name):
    subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path(name)])


def free_ports(count):
    held = []
    for _ in range(count):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        held.append(sock)
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


def start_servers(ports):
    """sshd listens on at most 16 ports, so there are several."""
    servers = []
    for at in range(0, len(ports), 16):
        name = f"sshd{at}"
        lines = "".join(f"ListenAddress 127.0.0.1:{port}\n" for port in ports[at:at + 16])
        write(name, f"{lines}HostKey {path('host')}\nAuthorizedKeysFile {path('user.pub')}\nPidFile none\nStrictModes no\n"
                    "UsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 500\nMaxSessions 100\n"
                    # so that no shell's start-up file has a say
                    f"SetEnv HOME={work}\n")
        log = open(path(name + ".log"), "w")
        servers.append(subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", path(name)], stderr=log))
    for port in ports:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
    return servers


def tree_rss(pid):
    """Proportional memory of a process and its children now, in KiB: what would come free if they went."""
    total, todo = 0, [pid]
    while todo:
        at = todo.pop()
        try:
            with open(f"/proc/{at}/smaps_rollup") as lines:
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for task in os.listdir(f"/proc/{at}/task"):
                with open(f"/proc/{at}/task/{task}/children") as children:
                    todo += [int(child) for child in children.read().split()]
        except OSError:
            continue
    return total


def measure(words, environ=None):
    """Wall seconds, CPU seconds of it and all its children, peak memory of them in MiB, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    out = tempfile.TemporaryFile()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environ)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_rss(process.pid))
        time.sleep(0.02)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    out.seek(0)
    return wall, cpu, peak / 1024, out.read().decode(errors="replace")


def main():
    keygen("host")
    keygen("user")
    os.makedirs("/run/sshd", exist_ok=True) if os.getuid() == 0 else None
    ports = free_ports(hosts)
    host_key = open(path("host.pub")).read().strip()
    names = [f"h{index}" for index in range(hosts)]
    write("known_hosts", "".join(f"[127.0.0.1]:{port} {host_key}\n" for port in ports))
    write("config", "".join(f"Host {name}\n HostName 127.0.0.1\n Port {port}\n" for name, port in zip(names, ports)) +
          f"Host *\n User {user}\n IdentityFile {path('user')}\n IdentitiesOnly yes\n UserKnownHostsFile {path('known_hosts')}\n"
          " BatchMode yes\n StrictHostKeyChecking yes\n LogLevel ERROR\n")
    write("all", "\n".join(names) + "\n")
    servers = start_servers(ports)
    try:
        run(ports)
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        shutil.rmtree(work, ignore_errors=True)


def run(ports):
    ours = [os.path.join(build, "tests", "bench", "bench-ssh-many")]
    login = [path("user"), path("known_hosts"), user]
    options = f"-F {path('config')}"
    rows = [("spillway", ours + ["hosts"] + login + ["echo ran"] + [str(port) for port in ports], None)]
    if shutil.which("pdsh"):
        rows.append((f"pdsh -f {hosts}", ["pdsh", "-R", "ssh", "-f", str(hosts), "-w", f"^{path('all')}", "echo ran"],
                     dict(os.environ, PDSH_SSH_ARGS=f"{options} -2 -a -x %h", PDSH_SSH_ARGS_APPEND="-q")))
    if shutil.which("clush"):
        rows.append((f"clush -f {hosts}", ["clush", "-f", str(hosts), "-o", options, "--hostfile", path("all"), "echo ran"], None))
    print(f"{'one command on ' + str(hosts) + ' hosts':28} {'ran':>5} {'wall s':>8} {'client cpu s':>13} {'memory MiB':>11}")
    first = None
    for name, words, environ in rows:
        wall, cpu, memory, out = measure(words, environ)
        whole = re.search(r"^(\d+) of \d+$", out, re.M)
        ran = int(whole.group(1)) if whole else len(re.findall(r": ran$", out, re.M))
        first = first or (wall, cpu, memory)
        ratios = f"  spillway takes {first[0] / wall:.2f} of the wall, {first[1] / cpu:.3f} of the cpu" if whole is None else ""
        print(f"{name:28} {ran:5} {wall:8.2f} {cpu:13.2f} {memory:11.1f}{ratios}")
        if ran < hosts:
            print("  " + out.strip()[-300:].replace("\n", "\n  "))
    _, _, memory, out = measure(ours + ["execs"] + login + ["true", str(ports[0]), str(execs)])
    found = re.search(r"(\d+) of (\d+) wall_ms ([\d.]+) cpu_ms ([\d.]+)", out)
    good, asked, wall, cpu = found.groups()
    print(f"{execs} commands on one session: {good} of {asked} ran, {float(wall) / execs:.2f} ms each, "
          f"{float(cpu) / execs:.3f} ms client cpu each, {memory:.1f} MiB")


main()
