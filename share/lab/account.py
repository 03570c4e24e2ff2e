"""Who the lab runs as: whoever starts it, or, when that is root, a user made for it and removed with it."""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time

import layout
from servers import Trouble

NICE = -10  # where root may ask for it: the incident must be the same on a busy machine


def entry():
    try:
        return pwd.getpwnam(layout.USER)
    except KeyError:
        return None


def owner():
    """The uid that the state belongs to, None when there is no state. Trouble when it is somebody else's."""
    try:
        found = os.lstat(layout.DIR)
    except FileNotFoundError:
        return None
    ours = {os.getuid()} | ({entry().pw_uid} if os.getuid() == 0 and entry() else set())
    if layout.DIR.is_symlink() or found.st_uid not in ours:
        raise Trouble(f"{layout.DIR} is there and belongs to somebody else (uid {found.st_uid})")
    return found.st_uid


def prepare():
    """Make the state directory, and the user when root asks; copy the lab's programs into it."""
    if owner() is None:
        layout.DIR.mkdir(mode=0o700, parents=True)
    if os.getuid() == 0:
        if entry() is None:
            subprocess.run(["useradd", "--no-create-home", "--home-dir", str(layout.DIR), "--shell", "/bin/sh",
                            "--comment", "Spillway lab", layout.USER], check=True)
            layout.path("made-user").touch()
        os.chown(layout.DIR, entry().pw_uid, entry().pw_gid)
    library = layout.path("lib")
    library.mkdir(mode=0o755, exist_ok=True)
    for file in [*layout.HERE.glob("*.py"), layout.HERE / "rules.yml", layout.HERE.parent / "examples" / "lab.yaml"]:
        shutil.copyfile(file, library / file.name)


def go_ahead():
    """Take precedence where that may be had: servers, and who watches them, stand beside what else this machine does."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)


def drop():
    """Go on as the owner of the state, and ahead of others: half a core is little, but reads must be served in time."""
    if os.getuid() == 0 and entry() is not None and owner() == entry().pw_uid:
        go_ahead()
        os.initgroups(layout.USER, entry().pw_gid)
        os.setgid(entry().pw_gid)
        os.setuid(entry().pw_uid)
        os.environ.update(HOME=str(layout.DIR), USER=layout.USER, LOGNAME=layout.USER)


def dropped(work):
    """Run `work()` in a child that dropped its privileges; returns its exit code. Without root: here."""
    if os.getuid() != 0:
        return work()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            drop()
            code = work()
        except Trouble as trouble:
            print(f"lab: {trouble}", flush=True)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def remains():
    """Processes of the user made for the lab."""
    uid = entry().pw_uid
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                found.append(int(name))
        except OSError:
            pass
    return found


def remove():
    """Take away the state and the user that was made for it."""
    if os.getuid() == 0 and layout.path("made-user").exists() and entry() is not None:
        for _ in range(50):
            for pid in remains():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not remains():
                break
            time.sleep(0.1)
        subprocess.run(["userdel", "-f", layout.USER], check=True, stderr=subprocess.DEVNULL)
    shutil.rmtree(layout.DIR, ignore_errors=False)
