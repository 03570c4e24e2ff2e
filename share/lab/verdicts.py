"""What Spillway says of each fault: `lab compare --faults`.

Each fault strikes a lab that is well, watched by a Spillway that has seen it well for a while. A verdict is right when, at the
end of the time it gets, the cause that Spillway ranks first is the fault, on the entity it struck, and it pages exactly when
users will suffer. A fault that touches no user must neither page nor be called an incident of the fleet.
"""
import subprocess
import tempfile
import time

import account
import calm
import faults
import layout
import watch

LOSS, SLOW, CUT, STORM, TELEMETRY, LEAK = ("replica loss", "slow or hung replica", "capacity cut", "retry storm",
                                           "telemetry fault", "connection leak")
VICTIM = f"{layout.CLUSTER_OF[faults.VICTIM]}/{faults.VICTIM}"


class Expectation:
    """What would be right. `causes` are the names that the fault may be given; none: no cause at all."""

    def __init__(self, causes, entity=None, page=False, window_s=30, prepare=None, also=None):
        self.causes, self.entity, self.page, self.window_s = causes, entity, page, window_s
        self.prepare, self.also = prepare, also


class Hand:
    """Somebody who types at a shell: runs the program and keeps what it said."""

    def __init__(self, program, room):
        self.program, self.room = program, room

    def run(self, *words):
        done = subprocess.run([self.program, *words, "-c", layout.path("lab.yaml")], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, env=watch.environment(self.room), check=False, preexec_fn=account.go_ahead)
        return done.returncode, done.stdout + done.stderr


def grow_east(hand):
    return hand.run("act", "scale-pool", "cluster=east", "size=10", "--yes", "--reason", "before a reload")[0] == 0


def divert_east(hand):
    return hand.run("act", "divert", "cluster=east", "weight=90", "--yes", "--reason", "before a reload")[0] == 0


def says(*verb, pattern):
    """The verb's answer holds the pattern."""
    def check(hand, _):
        said = hand.run(*verb)[1]
        return pattern in said, f"`spillway {' '.join(verb)}` says '{pattern}'"
    return check


def finding(pattern):
    def check(_, said):
        return any(pattern in row["text"] for row in said["findings"]), f"a finding says '{pattern}'"
    return check


def cannot_reach(hand, _):
    code, _ = hand.run("act", "scale-pool", "cluster=west", "size=8", "--yes", "--reason", "while nobody can be reached")
    return code == 69, "`spillway act` ends with 69, nothing sent"


EXPECTED = {
    "replica-down": Expectation({LOSS}, VICTIM, page=True),
    "replica-hung": Expectation({LOSS, SLOW}, VICTIM, page=True),
    "slots-full": Expectation({LOSS, SLOW, LEAK}, VICTIM, page=True),
    "retry-storm": Expectation({STORM}, page=True),
    "slow-replica": Expectation({SLOW}, VICTIM, page=True),
    "network-delay": Expectation({SLOW}, VICTIM, page=True),
    "lag": Expectation(set(), also=finding(VICTIM)),
    "haproxy-reload": Expectation(set(), prepare=divert_east, also=says("holds", pattern="back already")),
    "pgbouncer-reload": Expectation({CUT}, "east", prepare=grow_east),
    "prometheus-down": Expectation(set()),
    "exporter-hang": Expectation(set(), also=finding("source databases/")),
    "sshd-down": Expectation(set(), also=cannot_reach),
    "clock-skew": Expectation(set(), also=says("doctor", pattern="clock")),
}


def first_cause(said):
    cause = said["causes"][0] if said and said["causes"] else {}
    return cause.get("cause"), cause.get("entity")


class Verdict:
    """One fault, and what was said of it."""

    def __init__(self, name, expected):
        self.name, self.expected = name, expected
        self.right, self.seen_s, self.named_s, self.page_s = False, None, None, None
        self.cause, self.entity, self.phase, self.headline, self.wrong = None, None, None, "", []

    def is_right_cause(self, said):
        cause, entity = first_cause(said)
        expected = self.expected
        if not expected.causes:
            return cause is None
        return cause in expected.causes and entity in (expected.entity or entity, None)

    def judge(self, seen, began, hand):
        said = seen.last()
        trigger, page = seen.trigger(began), seen.page(began)
        named = None
        for at, one in seen.seen:
            if at >= began:
                named = (named or at) if self.is_right_cause(one) else None
        self.seen_s = trigger and trigger[0] - began
        self.page_s = page and page[0] - began
        self.named_s = named and named - began
        self.cause, self.entity = first_cause(said)
        self.phase, self.headline = said["phase"], said["headline"]
        if not self.is_right_cause(said):
            self.wrong.append(f"cause is {self.cause or 'none'} of {self.entity or 'the fleet'}")
        if bool(page) != self.expected.page:
            self.wrong.append("no page" if self.expected.page else "a page")
        if self.expected.also:
            good, what = self.expected.also(hand, said)
            if not good:
                self.wrong.append(f"not so: {what}")
        self.right = not self.wrong


def live(program, name, before_s, begin, kept):
    """Strike, look, heal. `begin` strikes and returns when."""
    expected = EXPECTED[name]
    verdict = Verdict(name, expected)
    with tempfile.TemporaryDirectory(prefix="spillway-hand.") as room:
        hand = Hand(program, room)
        calm.make_well()
        calm.wait()
        if expected.prepare and not expected.prepare(hand):
            verdict.wrong.append("what should be lost could not be set")
        with watch.settled(program, before_s) as seen:
            began = begin(name)
            time.sleep(max(began + expected.window_s - time.time(), 0))
            verdict.judge(seen, began, hand)
        calm.make_well()
        if kept:
            seen.keep(kept, name)
    return verdict


def shown(value):
    return "-" if value is None else f"{value:.1f}"


def row_of(verdict):
    cause = f"{verdict.cause}{' of ' + verdict.entity if verdict.entity else ''}" if verdict.cause else "none"
    return (f"| `{verdict.name}` | {shown(verdict.seen_s)} | {shown(verdict.named_s)} | {shown(verdict.page_s)} | {cause} | "
            f"{'yes' if verdict.right else '; '.join(verdict.wrong)} |")


HEAD = ("| fault | an incident after, s | rightly named after, s | page after, s | first cause at the end | right |\n"
        "|---|---|---|---|---|---|")


def compare(program, names, before_s, begin, kept=None):
    """Each fault once; the table, and with `kept` every assessment of each in that directory."""
    print(HEAD, flush=True)
    verdicts = []
    for name in names:
        verdict = live(program, name, before_s, begin, kept)
        verdicts.append(verdict)
        print(row_of(verdict), flush=True)
    right = sum(verdict.right for verdict in verdicts)
    print(f"\n{right} of {len(verdicts)} faults named rightly", flush=True)
    return 0 if right == len(verdicts) else 1
