"""Spillway as it watches the lab: each assessment as it comes, with the time it came."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import account
import calm
import layout
from servers import Trouble

TRIES = 5
CALM = ("normal", "vulnerable")
INCIDENT = ("trigger", "load shift", "saturation", "errors", "amplification", "metastable")


def environment(state):
    """For a Spillway that keeps its journal in `state` and finds its shared files beside this lab."""
    return {**os.environ, "XDG_STATE_HOME": str(state), "SPILLWAY_SHARE": str(layout.HERE.parent), "LC_ALL": "C.UTF-8"}


@contextlib.contextmanager
def settled(program, before_s):
    """A watch that has seen the lab for so long, and sees it well. What it makes of a moment in which the machine itself stood
    still is no part of a trial, so it is begun anew then."""
    for _ in range(TRIES):
        with Watch(program) as seen:
            time.sleep(before_s)
            if seen.is_settled():
                yield seen
                return
            said = seen.last()
        calm.wait()
    raise Trouble(f"Spillway does not see calm, {TRIES} times in a row: {said and said['headline']}")


class Watch:
    """The program's JSON lines; use as a context, so that it ends with its user."""

    def __init__(self, program, fleet=None):
        self.program, self.fleet = program, fleet or layout.path("lab.yaml")
        self.seen = []  # (when, assessment)

    def __enter__(self):
        self.room = tempfile.TemporaryDirectory(prefix="spillway-watch.")
        self.child = subprocess.Popen([self.program, "-c", self.fleet, "-o", "json"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                      preexec_fn=account.go_ahead,  # as Prometheus has it, which watches too
                                      env=environment(self.room.name))
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()
        self.room.cleanup()

    def _read(self):
        for line in self.child.stdout:
            self.seen.append((time.time(), json.loads(line)))

    def keep(self, directory, name):
        """Write every assessment that came to DIRECTORY/NAME.jsonl."""
        path = pathlib.Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps({"came": at, **said}) + "\n" for at, said in self.seen)
        (path / f"{name}.jsonl").write_text(text, encoding="utf-8")

    def first(self, since, meant):
        """The first (when, assessment) from then on that is meant, None while there is none."""
        return next(((at, said) for at, said in list(self.seen) if at >= since and meant(said)), None)

    def last(self):
        return self.seen[-1][1] if self.seen else None

    def is_settled(self):
        """Whether it sees the lab as well as the lab is."""
        return bool(self.seen) and not self.last()["page"] and self.last()["phase"] in CALM

    def trigger(self, since):
        """The first word of an incident that says more than the last word before did."""
        def of(said):
            return said["phase"], said["stages"][0].get("serving")
        before = next((of(said) for at, said in reversed(list(self.seen)) if at < since), None)
        return self.first(since, lambda said: said["phase"] in INCIDENT and of(said) != before)

    def page(self, since):
        """The first moment at which somebody should be woken, and was not so before."""
        before = next((said["page"] for at, said in reversed(list(self.seen)) if at < since), False)
        return None if before else self.first(since, lambda said: said["page"])
