#!/usr/bin/env python3
"""Is a wrong number or a wrong sign in the assessment caught by a test?

Each threshold of core/assess/limits.h (half as much again, and two thirds), and each comparison, sum and difference of the
files that do the arithmetic, is made wrong once in a scratch copy of the tree; the unit tests of the assessment must then
fail. What survives is a rule that no test holds: it is printed, and the exit code is 1.

    tests/mutate.py                         everything: about half an hour on two idle cores
    tests/mutate.py --quick                 everything, without the two tests that take longest: what survives may still be caught
    tests/mutate.py --quick --part 1/3      a third of that: three at once take twelve minutes on two cores
    tests/mutate.py --kind thresholds       only limits.h
    tests/mutate.py --most 20 --seed 7      twenty of them, chosen by chance
    tests/mutate.py --only SATURATION       those whose name or line has the text
"""
import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMITS = "core/assess/limits.h"
ARITHMETIC = ["assess.c", "baseline.c", "burn.c", "cause.c", "chain.c", "cluster.c", "contingency.c", "evidence.c", "exhaustion.c",
              "finding.c", "headline.c", "knee.c", "ledger.c", "noise.c", "page.c", "phase.c", "prognosis.c", "projection.c",
              "recommend.c", "replica.c", "symptom.c", "trip.c", "upstream.c", "window.c"]
THRESHOLD = re.compile(r"^#define\s+(\w+)\s+\\?\s*(-?\d+(?:\.\d+)?)\b", re.M)
OPERATORS = [(" >= ", " < "), (" <= ", " > "), (" > ", " <= "), (" < ", " >= "), (" + ", " - "), (" - ", " + "), (" && ", " || ")]
SLOW_TESTS = ["test_noise", "test_property"]
# Mutants that no test can tell from what is right, and why: the file, the sign, and the line it stands in.
EQUIVALENT = {
    ("recommend.c", "'&&' -> '||'", "if (ok && it.blocked && !isnan(it.largest_safe_to)) {"):
        "the largest safe step of a move that is not blocked is the move itself, and where there is none the move has no value or "
        "is not offered: it is projected twice with the same result",
    ("recommend.c", "'&&' no. 2 -> '||'", "if (ok && it.blocked && !isnan(it.largest_safe_to)) {"):
        "a move without a safe step is set to no number, which is not known and so not offered, like one that is blocked",
    ("window.c", "'>' -> '<='", "if (last_ms > from_ms)"):
        "more is asked of history than is needed, and a sample that is fed twice counts once: it costs time and changes no mean",
    ("window.c", "'-' -> '+'", "if (scene->history && reading->at_ms - last_ms > reading->interval_ms * 3 / 2)"):
        "history is asked at every reading, and has nothing between two that are an interval apart: likewise",
    ("window.c", "'-' -> '+'", "while (kept < KEPT && first_s != window->newest_s - kept_seconds[kept] + 1)"):
        "no kept sum is ever used, and the same buckets are added up instead: likewise",
    ("window.c", "'+' -> '-'", "} else if (since_ms / 1000 + 1 == first_s) {"):
        "the sum since a step is not remembered, and the same buckets are added up instead: likewise",
}
# Lines in which such a sign says nothing about a fleet.
PLAIN = re.compile(r"^\s*(for \(|\*|/\*|//|#|static const|_Static_assert|return error_|.*snprintf|.*sentence_)|\"|sizeof")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def thresholds(tree):
    text = read(os.path.join(tree, LIMITS))
    for found in THRESHOLD.finditer(text):
        name, value = found.group(1), found.group(2)
        for factor in (1.5, 2 / 3):
            wrong = float(value) * factor if "." in value else int(round(float(value) * factor))
            if str(wrong) == value:
                continue
            changed = text[:found.start(2)] + str(wrong) + text[found.end(2):]
            yield "%s %s -> %s" % (name, value, wrong), LIMITS, changed


def signs(tree):
    for name in ARITHMETIC:
        path = os.path.join("core/assess", name)
        if not os.path.exists(os.path.join(tree, path)):
            continue
        lines = read(os.path.join(tree, path)).split("\n")
        for number, line in enumerate(lines):
            if PLAIN.search(line):
                continue
            code, mark, comment = line.partition("/*")
            for right, wrong in OPERATORS:
                parts = code.split(right)
                for nth in range(1, len(parts)):
                    turned = right.join(parts[:nth]) + wrong + right.join(parts[nth:]) + mark + comment
                    which = "" if nth == 1 else " no. %d" % nth
                    yield ("%s:%d '%s'%s -> '%s': %s" % (name, number + 1, right.strip(), which, wrong.strip(), line.strip()), path,
                           "\n".join(lines[:number] + [turned] + lines[number + 1:]))


def identity(said):
    """A sign by its file and its line's text, which stay when lines move; a threshold by its name and values."""
    found = re.match(r"(\w+\.c):\d+ ('\S+'(?: no\. \d)? -> '\S+'): (.*)$", said)
    return found.groups() if found else said


class Workshop:
    """A scratch copy of the tree, compiled once, where one thing at a time is made wrong."""

    def __init__(self, scratch, quick):
        self.tree = os.path.join(scratch, "tree")
        self.objects = os.path.join(scratch, "objects")
        os.mkdir(self.objects)
        shutil.copytree(os.path.join(TOP, "core"), os.path.join(self.tree, "core"))
        shutil.copytree(os.path.join(TOP, "tests/unit"), os.path.join(self.tree, "tests/unit"))
        self.packages = self.flags("yaml-0.1", "libcrypto", "check")
        self.rest = self.compile_all(self.sources("core/base") + self.sources("core/fleet"))
        self.assess = self.compile_all(self.sources("core/assess"))
        self.link_library("rest", self.rest)
        self.link_library("assess", self.assess)
        self.tests = [self.link_test(path) for path in self.sources("tests/unit/assess")]
        self.order_tests(quick)

    @staticmethod
    def flags(*packages):
        said = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], check=True, stdout=subprocess.PIPE, text=True)
        return said.stdout.split()

    def sources(self, folder):
        return sorted(os.path.join(folder, name) for name in os.listdir(os.path.join(self.tree, folder)) if name.endswith(".c"))

    def object_of(self, path):
        return os.path.join(self.objects, path.replace("/", "-")[:-2] + ".o")

    def compile(self, path):
        command = ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O%d" % (not path.startswith("core/assess/")), "-fPIC", "-w", "-I.", "-c", path, "-o", self.object_of(path),
                   "-DTEST_SOURCE_DIR=\"%s\"" % self.tree, "-DTEST_BINARY_DIR=\"%s\"" % self.objects, *self.packages]
        return subprocess.run(command, cwd=self.tree, stderr=subprocess.DEVNULL).returncode == 0

    def compile_all(self, paths):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            if not all(pool.map(self.compile, paths)):
                sys.exit("the tree does not compile as it is: nothing can be said of mutants")
        return paths

    def library(self, name):
        return os.path.join(self.objects, "lib%s.so" % name)

    def link_library(self, name, paths):
        command = ["gcc", "-shared", "-o", self.library(name), *[self.object_of(path) for path in paths], *self.packages, "-lm"]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0

    def link_test(self, path):
        program = os.path.join(self.objects, os.path.basename(path)[:-2])
        self.compile_all([path])
        subprocess.run(["gcc", "-o", program, self.object_of(path), "-L" + self.objects, "-Wl,-rpath," + self.objects, "-lassess",
                        "-lrest", *self.packages, "-lm"], check=True)
        return program

    def passes(self, program):
        """A test that crashes or hangs does not pass."""
        try:
            done = subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=self.patience_s[program],
                                  env={**os.environ, "CK_FORK": "no"}, cwd=self.objects)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def order_tests(self, quick):
        """The quick ones first: most mutants are caught by them."""
        self.patience_s = {program: 600 for program in self.tests}
        took = {}
        if quick:
            self.tests = [program for program in self.tests if os.path.basename(program) not in SLOW_TESTS]
        for program in self.tests:
            began = time.monotonic()
            if not self.passes(program):
                sys.exit("%s does not pass as it is: nothing can be said of mutants" % os.path.basename(program))
            took[program] = time.monotonic() - began
        self.tests.sort(key=took.get)
        self.patience_s = {program: 60 + 20 * took[program] for program in self.tests}

    def users_of(self, name):
        """Files of the assessment in which a limit counts, by its own name or by that of another which is made of it."""
        names = {name}
        for other, body in re.findall(r"^#define[ \t]+(\w+)((?:.*\\\n)*.*)$", read(os.path.join(self.tree, LIMITS)), re.M):
            if names & set(re.findall(r"\w+", body)):
                names.add(other)
        said = re.compile(r"\b(%s)\b" % "|".join(names))
        return [path for path in self.assess if said.search(read(os.path.join(self.tree, path)))]

    def rebuild(self, paths):
        return all(self.compile(path) for path in paths) and self.link_library("assess", self.assess)

    def nearest_first(self, path):
        """The test of a file's own name catches most of what is wrong in it."""
        own = "test_" + os.path.basename(path)[:-2]
        return sorted(self.tests, key=lambda program: os.path.basename(program) != own)

    def is_caught(self, said, path, text):
        full = os.path.join(self.tree, path)
        right = read(full)
        touched = self.users_of(said.split()[0]) if path == LIMITS else [path]
        for one in touched:
            shutil.copy2(self.object_of(one), self.object_of(one) + ".right")
        write(full, text)
        # What the compiler refuses is caught too.
        caught = not self.rebuild(touched) or not all(self.passes(program) for program in self.nearest_first(path))
        write(full, right)
        for one in touched:
            os.replace(self.object_of(one) + ".right", self.object_of(one))
        return caught


def identities(mutants):
    return {identity(said) for said, _, _ in mutants}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["thresholds", "signs", "all"], default="all")
    parser.add_argument("--most", type=int, default=0, help="at most so many, chosen by chance")
    parser.add_argument("--part", default="1/1", help="the first of three parts: 1/3")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="without the tests that take long: what survives may still be caught")
    parser.add_argument("--only", default="", help="only those whose description has this text, or one of several: A|B")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spillway-mutants-") as scratch:
        every = {"thresholds": list(thresholds(TOP)), "signs": list(signs(TOP))}
        gone = set(EQUIVALENT) - identities(every["thresholds"]) - identities(every["signs"])
        if gone:
            sys.exit("listed as equivalent, and no longer there:\n  " + "\n  ".join(sorted(map(str, gone))))
        mutants = every["thresholds"] + every["signs"] if options.kind == "all" else every[options.kind]
        mutants = [mutant for mutant in mutants if identity(mutant[0]) not in EQUIVALENT and any(text in mutant[0] for text in options.only.split("|"))]
        if 0 < options.most < len(mutants):
            mutants = random.Random(options.seed).sample(mutants, options.most)
        part, parts = map(int, options.part.split("/"))
        mutants = mutants[part - 1::parts]
        workshop = Workshop(scratch, options.quick)
        survivors = 0
        for said, path, changed in mutants:
            caught = workshop.is_caught(said, path, changed)
            survivors += not caught
            print("%-9s %s" % ("caught" if caught else "SURVIVED", said), flush=True)
        print("%d mutants, %d caught, %d survived; %d more change nothing that could be seen, each for a reason in this file"
              % (len(mutants), len(mutants) - survivors, survivors, len(EQUIVALENT)))
        return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
