"""Processes by pid: started in a session of their own, found again after a restart of the caller, stopped for certain.

A pid file holds the pid and the time the kernel says it started, so that a pid that was given to somebody else since is
never signalled.
"""
import os
import resource
import signal
import subprocess
import time

import layout

FILES = 8192  # open files that a server may have; a crowd of retrying clients needs more than the usual 1024


def started_at(pid):
    """The start time in clock ticks, None when there is no such process (a zombie is none)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def state(pid):
    """The kernel's letter: T is stopped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(") ")[2].split()[0]
    except OSError:
        return None


def pid_file(name):
    return layout.path("run", name + ".pid")


def pid_of(name):
    """The pid of a server of the lab that is running, else None."""
    try:
        pid, began = (int(text) for text in pid_file(name).read_text().split())
    except (OSError, ValueError):
        return None
    return pid if started_at(pid) == began else None


def start(name, argv, env=None):
    """Start unless it is running; its output goes to log/NAME.log. Returns the pid."""
    running = pid_of(name)
    if running:
        return running
    whole = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": str(layout.DIR),
             "PYTHONDONTWRITEBYTECODE": "1", layout.MARK: str(layout.DIR), **(env or {})}
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most if 0 < most < FILES else FILES, most))
    with open(layout.path("log", name + ".log"), "ab") as log:
        child = subprocess.Popen([str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 env=whole, cwd=layout.DIR, start_new_session=True)
    pid_file(name).write_text(f"{child.pid} {started_at(child.pid) or 0}\n")
    return child.pid


def descendants(pid):
    """The process and all below it, parents first."""
    below = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                    parent = int(file.read().rpartition(") ")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, []).append(int(entry))
    found = [pid]
    for parent in found:
        found += below.get(parent, [])
    return found


def postmaster_of(name):
    """The pid of a database server whose process is not a child of the one that was started: Patroni's. Else None."""
    try:
        pid = int(layout.path("data", name.removeprefix("pg-"), "postmaster.pid").read_text().split()[0])
        with open(f"/proc/{pid}/environ", "rb") as file:
            return pid if f"{layout.MARK}={layout.DIR}".encode() in file.read().split(b"\0") else None
    except (OSError, ValueError, IndexError):
        return None


def family(name):
    """All processes of a server."""
    roots = [pid_of(name), postmaster_of(name) if name.startswith("pg-") else None]
    return list(dict.fromkeys(each for root in roots if root for each in descendants(root)))


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def freeze(name):
    """SIGSTOP for the server and all its children, as a host that hangs."""
    for pid in family(name):
        send(pid, signal.SIGSTOP)


def thaw(name):
    for pid in family(name):
        send(pid, signal.SIGCONT)


def stop(name, number=signal.SIGTERM, within_s=5.0):
    """Ask with a signal, then insist; nothing when it is not running."""
    pid = pid_of(name)
    if pid:
        thaw(name)
        members = [(each, started_at(each)) for each in family(name)]
        send(pid, number)
        deadline = time.monotonic() + within_s
        while pid_of(name) and time.monotonic() < deadline:
            time.sleep(0.02)
        for each, began in members:
            if began is not None and started_at(each) == began:
                send(each, signal.SIGKILL)
        while pid_of(name):
            time.sleep(0.02)
    pid_file(name).unlink(missing_ok=True)


def ours():
    """Every process that carries the mark of this lab, whoever started it: [(pid, command)]."""
    mark = f"{layout.MARK}={layout.DIR}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                marked = mark in file.read().split(b"\0")
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if marked and started_at(int(entry)) is not None:
            found.append((int(entry), command))
    return found
