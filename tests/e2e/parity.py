"""Random series through a real Prometheus and through samples.h: the same figures.

    parity.py samples FILE BASE_S       write the series as OpenMetrics text
    parity.py compare URL PROGRAM BASE_S

Everything comes from one seed, so both calls see the same series. Prints a table, exits 1 when a figure is off by more than half a
per cent or known to one side only.
"""
import json, math, random, subprocess, sys, urllib.parse, urllib.request

SPAN_S = 1800
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, math.inf)
TOLERANCE = 0.005


def times(dice, spacing_s, jitter, gaps):
    """Moments of scrapes in ms after the base: some late, some missing, some a long while missing."""
    at, out = dice.randrange(0, 1000 * spacing_s), []
    while at < 1000 * SPAN_S:
        out.append(at + dice.randrange(0, 1 + int(1000 * spacing_s * jitter)))
        at += 1000 * spacing_s
        if dice.random() < gaps:
            at += 1000 * spacing_s * dice.randrange(1, 12)
    return out


def counter(dice, moments, per_second, resets):
    value, last, out = dice.choice((0, 0, dice.randrange(0, 100000))), moments[0], []
    for at in moments:
        value += round(per_second * (at - last) / 1000 * dice.uniform(0.5, 1.5))
        if dice.random() < resets:
            value = dice.randrange(0, 5)
        out.append((at, float(value)))
        last = at
    return out


def make():
    """Name -> samples (ms after the base, value)."""
    dice, series = random.Random(20260204), {}
    for i in range(24):
        moments = times(dice, dice.choice((1, 5, 15)), dice.choice((0, 0.02, 0.3)), dice.choice((0, 0, 0.05)))
        resets = dice.choice((0, 0, 0.02, 0.2))
        series[f'requests{{i="{i}"}}'] = counter(dice, moments, dice.uniform(0.1, 500), resets)
        series[f'errors{{i="{i}"}}'] = counter(dice, moments, dice.uniform(0, 5), resets)
        level, slope, noise = dice.uniform(-50, 500), dice.uniform(-2, 2), dice.choice((0, 1, 30))
        gauge = [(at, level + slope * at / 1000 + dice.gauss(0, noise)) for at in moments]
        if i % 8 == 7:
            gauge[len(gauge) // 2] = (gauge[len(gauge) // 2][0], math.nan)
        series[f'level{{i="{i}"}}'] = gauge
    for i in range(8):
        moments = times(dice, dice.choice((1, 5, 15)), 0.02, dice.choice((0, 0.05)))
        scale, counts, out = dice.uniform(0.005, 0.8), [0] * len(BOUNDS), [[] for _ in BOUNDS]
        for at in moments:
            if i >= 4 and dice.random() < 0.02:
                counts = [0] * len(BOUNDS)
            for _ in range(dice.randrange(0, 40)):
                seen = dice.expovariate(1 / scale)
                for b, bound in enumerate(BOUNDS):
                    counts[b] += seen <= bound
            for b in range(len(BOUNDS)):
                out[b].append((at, float(counts[b])))
        for b, bound in enumerate(BOUNDS):
            le = "+Inf" if bound == math.inf else repr(bound)
            series[f'took_bucket{{i="{i}",le="{le}"}}'] = out[b]
    return series


def write(path, base_s):
    with open(path, "w") as out:
        for name, samples in make().items():
            for at, value in samples:
                out.write(f"{name} {value!r} {base_s + at / 1000:.3f}\n".replace("nan", "NaN"))
        out.write("# EOF\n")


def window(samples, from_ms, until_ms):
    inside = [(at, value) for at, value in samples if from_ms <= at <= until_ms]
    return f"{len(inside)} " + " ".join(f"{at} {value!r}" for at, value in inside)


def questions(series):
    """(kind, expression, seconds after the base, what to ask the program)."""
    dice = random.Random(53)
    for _ in range(160):
        i, span = dice.randrange(24), dice.choice((30, 60, 300))
        # Now and then exactly at a sample, where both ends of a window count.
        at = dice.choice((dice.randrange(60000, 1000 * SPAN_S), dice.choice(series[f'requests{{i="{i}"}}'])[0]))
        from_ms = at - 1000 * span
        one, other = f'requests{{i="{i}"}}', f'errors{{i="{i}"}}'
        text = window(series[one], from_ms, at)
        yield "increase", f"increase({one}[{span}s])", at, f"increase {from_ms} {at} {text}"
        yield "rate", f"rate({one}[{span}s])", at, f"rate {from_ms} {at} {text}"
        errors = window(series[other], from_ms, at)
        yield ("burn rate", f"increase({other}[{span}s]) / ignoring(x) increase({one}[{span}s]) / (1 - 0.999)", at,
               f"burn 0.999 {from_ms} {at} {errors} {text}")
        gauge = window(series[f'level{{i="{i}"}}'], from_ms, at)
        ahead = dice.choice((0, 60, 600))
        yield "predict_linear", f'predict_linear(level{{i="{i}"}}[{span}s], {ahead})', at, f"predict {at} {ahead} {gauge}"
        h, share = dice.randrange(8), dice.choice((0.5, 0.9, 0.99))
        buckets = " ".join(f"{b!r} " + window(series[f'took_bucket{{i="{h}",le="{"+Inf" if b == math.inf else repr(b)}"}}'], from_ms, at)
                           for b in BOUNDS)
        yield ("histogram_quantile", f'histogram_quantile({share}, increase(took_bucket{{i="{h}"}}[{span}s]))', at,
               f"quantile {share} {from_ms} {at} {len(BOUNDS)} {buckets}")
    # What a direct scrape works out, differences over time, is the rate of a window that ends at samples.
    for i in range(24):
        samples = series[f'requests{{i="{i}"}}']
        for first in range(0, len(samples) - 9, max(1, len(samples) // 6)):
            part = samples[first:first + 9]
            span_ms = part[-1][0] - part[0][0]
            if all(b[1] >= a[1] for a, b in zip(part, part[1:])):
                yield ("direct scrape", f'rate(requests{{i="{i}"}}[{span_ms}ms])', part[-1][0],
                       f"direct {window(part, part[0][0], part[-1][0])}")


def ask(url, expression, at_s):
    query = urllib.parse.urlencode({"query": expression, "time": f"{at_s:.3f}"})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}") as answer:
        result = json.load(answer)["data"]["result"]
    value = float(result[0]["value"][1]) if result else math.nan
    return None if math.isnan(value) else value


def compare(url, program, base_s):
    asked = list(questions(make()))
    said = subprocess.run([program], input="\n".join(q[3] for q in asked) + "\n", capture_output=True, text=True, check=True)
    answers = said.stdout.split()
    assert len(answers) == len(asked), (len(answers), len(asked))
    kinds, wrong = {}, 0
    for (kind, expression, at, _), text in zip(asked, answers):
        theirs = ask(url, expression, base_s + at / 1000)
        ours = None if text == "none" else float(text)
        row = kinds.setdefault(kind, [0, 0, 0.0])
        row[0] += 1
        row[1] += theirs is None
        if (ours is None) != (theirs is None):
            off = math.inf
        elif ours is None:
            off = 0.0
        else:
            off = abs(ours - theirs) / max(abs(theirs), 1e-9) if ours != theirs else 0.0
        row[2] = max(row[2], off)
        if off > TOLERANCE:
            wrong += 1
            print(f"off: {expression} at {at} ms: {ours} here, {theirs} there")
    print(f"{'figure':20} {'compared':>9} {'unknown':>8} {'worst off':>12}")
    for kind, (count, unknown, worst) in kinds.items():
        print(f"{kind:20} {count:9} {unknown:8} {worst:12.2e}")
        assert count - unknown >= 20, f"too few of {kind}"
    return wrong == 0


if __name__ == "__main__":
    if sys.argv[1] == "samples":
        write(sys.argv[2], int(sys.argv[3]))
    elif not compare(sys.argv[2], sys.argv[3], int(sys.argv[4])):
        sys.exit(1)
