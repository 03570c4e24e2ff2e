#!/usr/bin/env python3
"""Is a wrong number or a wrong sign in the assessment caught by a test?

Each threshold of core/assess/limits.h (half as much again, and two thirds), and each comparison, sum and difference of the
files that do the arithmetic, is made wrong once in a scratch copy of the tree; the unit tests of the assessment must then
fail. What survives is a rule that no test holds: it is printed, and the exit code is 1.

    tests/mutate.py                         everything: hours
    tests/mutate.py --kind thresholds       only limits.h
    tests/mutate.py --most 20 --seed 7      twenty of them, chosen by chance
    tests/mutate.py --only SATURATION       those whose name or line has the text
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMITS = "core/assess/limits.h"
ARITHMETIC = ["chain.c", "cluster.c", "contingency.c", "knee.c", "ledger.c", "noise.c", "page.c", "phase.c", "projection.c",
              "prognosis.c", "recommend.c", "replica.c", "symptom.c", "trip.c", "upstream.c", "window.c"]
THRESHOLD = re.compile(r"^#define\s+(\w+)\s+\\?\s*(-?\d+(?:\.\d+)?)\b", re.M)
OPERATORS = [(" >= ", " < "), (" <= ", " > "), (" > ", " <= "), (" < ", " >= "), (" + ", " - "), (" - ", " + "), (" && ", " || ")]
# Lines in which such a sign says nothing about a fleet.
PLAIN = re.compile(r"^\s*(for \(|\*|/\*|//|#|static const|return error_|.*snprintf|.*sentence_)|\"|sizeof|_MOST\b|NULL")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


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
            for right, wrong in OPERATORS:
                if right not in line:
                    continue
                changed = lines[:number] + [line.replace(right, wrong, 1)] + lines[number + 1:]
                yield "%s:%d '%s' -> '%s': %s" % (name, number + 1, right.strip(), wrong.strip(), line.strip()), path, "\n".join(changed)


def is_caught(tree, build):
    """True: a test failed, or the compiler refused it. A test that hangs counts as failed."""
    made = subprocess.run(["ninja", "-C", build, "assess-tests"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if made.returncode != 0:
        return True
    tested = subprocess.run(["ctest", "--test-dir", build, "-R", "^unit/assess/", "-j", str(os.cpu_count()), "--stop-on-failure",
                             "--timeout", "120"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tested.returncode != 0


def prepare(scratch):
    tree = os.path.join(scratch, "tree")
    build = os.path.join(scratch, "build")
    shutil.copytree(TOP, tree, ignore=shutil.ignore_patterns("build", ".git"))
    subprocess.run(["cmake", "--preset", "dev", "-B", build, "-S", tree, "-DSPILLWAY_WARNINGS_AS_ERRORS=OFF"], check=True,
                   stdout=subprocess.DEVNULL, cwd=tree)
    if is_caught(tree, build):
        sys.exit("the unit tests of the assessment do not pass as they are: nothing can be said of mutants")
    return tree, build


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["thresholds", "signs", "all"], default="all")
    parser.add_argument("--most", type=int, default=0, help="at most so many, chosen by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only those whose description has this text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spillway-mutants-") as scratch:
        tree, build = prepare(scratch)
        mutants = []
        if options.kind != "signs":
            mutants += thresholds(tree)
        if options.kind != "thresholds":
            mutants += signs(tree)
        mutants = [mutant for mutant in mutants if options.only in mutant[0]]
        if 0 < options.most < len(mutants):
            mutants = random.Random(options.seed).sample(mutants, options.most)
        survivors = 0
        for said, path, changed in mutants:
            full = os.path.join(tree, path)
            right = read(full)
            with open(full, "w", encoding="utf-8") as file:
                file.write(changed)
            caught = is_caught(tree, build)
            with open(full, "w", encoding="utf-8") as file:
                file.write(right)
            survivors += not caught
            print("%-9s %s" % ("caught" if caught else "SURVIVED", said), flush=True)
        print("%d mutants, %d caught, %d survived" % (len(mutants), len(mutants) - survivors, survivors))
        return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
