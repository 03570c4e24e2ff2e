#!/usr/bin/env python3
"""First frame, idle cost, memory and stalls of the console, beside htop in the same run.

usage: tests/bench/console.py BUILD_DIR [SECONDS]
Prints a table. It judges nothing: figures belong to the machine they were taken on, ratios travel.
"""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

build = sys.argv[1]
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 15.0
tick = os.sysconf("SC_CLK_TCK")


class Screen:
    """A program on a terminal of its own, 200x50."""

    def __init__(self, words):
        self.start = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.environ["LC_ALL"] = "C.UTF-8"
            os.execvp(words[0], words)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.bytes = 0

    def drain(self, until):
        """Read what it draws; returns the time of the last byte before the first pause of 120 ms."""
        painted = None
        while time.monotonic() < until:
            ready, _, _ = select.select([self.fd], [], [], 0.12)
            if not ready:
                if painted is None and self.bytes:
                    painted = self.last
                continue
            try:
                self.bytes += len(os.read(self.fd, 65536))
            except OSError:
                break
            self.last = time.monotonic()
        return painted

    def cpu(self):
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / tick

    def rss_mib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.pid}/status").read()).group(1)) / 1024

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def first_frame_ms(words, runs=9):
    """Median time from exec to the first byte of a drawn screen."""
    times = []
    for _ in range(runs):
        screen = Screen(words)
        select.select([screen.fd], [], [], 10)
        os.read(screen.fd, 65536)
        times.append((time.monotonic() - screen.start) * 1000)
        screen.end()
    return statistics.median(times)


def idle(words, settle):
    screen = Screen(words)
    screen.drain(time.monotonic() + settle)
    before, at, drawn = screen.cpu(), time.monotonic(), screen.bytes
    screen.drain(at + seconds)
    span = time.monotonic() - at
    figures = ((screen.cpu() - before) / span * 100, screen.rss_mib(), (screen.bytes - drawn) / span)
    screen.end()
    return figures


def main():
    spillway = os.path.join(build, "app", "spillway")
    work = tempfile.mkdtemp(prefix="spillway-bench.")
    os.environ["XDG_STATE_HOME"] = work
    away = os.path.join(work, "away.yaml")
    with open(away, "w") as out:
        out.write("version: 1\nenvironment: bench\nsources:\n  page: {kind: exposition, url: 'http://127.0.0.1:1/', every: 1s}\n"
                  "signals:\n  pool.used: {from: page, metric: a}\n")
    box = subprocess.Popen([os.path.join(build, "backends", "spillway-sim"), "--exit-with-stdin", "--scenario", "calm",
                            "--dir", os.path.join(work, "box")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    
    fleet = re.search(rb'"fleet":"([^"]+)"', box.stdout.readline()).group(1).decode()
    log = os.path.join(work, "console.log")
    rows = [("spillway, no backend up", [spillway, "-c", away]),
            ("spillway, demo fleet", [spillway, "-c", fleet, "--log-file", log])]
    if shutil.which("htop"):
        rows.append(("htop -d 10", ["htop", "-d", "10"]))
    print(f"{'program':28} {'first frame ms':>15} {'idle cpu %':>11} {'rss MiB':>9} {'bytes/s':>9}")
    for name, words in rows:
        frame = first_frame_ms(words)
        cpu, rss, drawn = idle(words, 5)
        print(f"{name:28} {frame:15.1f} {cpu:11.2f} {rss:9.1f} {drawn:9.0f}")
    stalls = re.findall(r"longest callback (\d+) us, (\d+) of (\d+) callbacks over 5 ms", open(log).read())
    if stalls:
        longest, over, of = stalls[-1]
        print(f"loop, demo fleet: longest callback {int(longest) / 1000:.1f} ms; {over} of {of} over 5 ms")
    box.stdin.close()
    box.wait()
    shutil.rmtree(work, ignore_errors=True)


main()
