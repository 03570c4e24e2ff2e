#!/bin/sh
# How well the assessment sees trouble: every goal with what was measured, over simulated incidents, what it costs, and whether its
# projections come true. Losing cases are printed too. Judges nothing: exit 0.
# Usage: tests/bench/brain.sh BUILD_DIR [--seeds N]; 60 seeds take about six minutes on two idle cores. Use a release build.
set -eu
usage="usage: tests/bench/brain.sh BUILD_DIR [--seeds N]"
build=${1:?$usage}
seeds=60
case ${2-} in '') ;; --seeds) seeds=${3:?$usage} ;; *) echo "$usage" >&2; exit 64 ;; esac
here=$(cd "$(dirname "$0")/../.." && pwd)
export SPILLWAY_SHARE="$here/share"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
half=$(((seeds + 1) / 2))
week=$(((42 * seeds + 59) / 60)) # of four hours each
{
	echo "noisy-calm $week"
	echo "busy-calm $(((week + 3) / 4))"
	for name in ratio-880 ratio-930 ratio-967 ratio-1017 ratio-1067 ratio-1133 ratio-1300 prepared-1300 ramp \
		standing-700 standing-750 standing-850 standing-950; do echo "$name $seeds"; done
	for name in maintenance slow-replica hung-replica demand-surge retry-storm connection-leak capacity-cut lag-eviction \
		telemetry-fault; do echo "$name $half"; done
} | xargs -P 2 -L 1 sh -c '"$0" simulate "brain/$2" --seeds "$3" -o json >"$1/$2.json"' "$build/app/spillway" "$out"
"$build/app/spillway" simulate replica-loss --seeds "$half" -o json >"$out/replica-loss.json"
"$build/app/spillway" simulate brain/noisy-calm --faults lost,stale,step --seeds "$(((week + 9) / 10))" -o json >"$out/faulty.json"
sh -c '"$0" simulate feb4 --seeds "$1" -o json >"$2"; times' "$build/app/spillway" "$(((seeds + 9) / 10))" "$out/feb4.json" |
	tail -n 1 >"$out/feb4.time" # what it took of a processor
python3 - "$out" <<'PYTHON'
import json, sys
SHOWN = {}
def load(name):
    if name not in SHOWN:
        with open(f"{sys.argv[1]}/{name}.json") as file:
            SHOWN[name] = json.load(file)
    return SHOWN[name]
def row(goal, measured, target, met, word="met "):
    print(f"{word if met else 'MISS'}  {goal:56} {measured:36} {target}")
def spread(name, figure):
    return load(name)["summary"][figure]
def total(name):
    return len(load(name)["seeds"])
def text(value, unit="s"):
    return "-" if value is None else f"{value:.2f} {unit}"
print(f"      {'goal':56} {'measured':36} target")
losses = ("ratio-880", "ratio-930", "ratio-967", "ratio-1017", "ratio-1067", "ratio-1133", "ramp")
for name in losses:
    one = spread(name, "t_trigger_s")
    row(f"trigger shown, {name}", f"p50 {text(one['p50'])}, p95 {text(one['p95'])}", "<= 1.5 s, <= 2.5 s",
        one["count"] == total(name) and one["p50"] <= 1.5 and one["p95"] <= 2.5)
for name, median, least in (("ratio-1017", 35, 0), ("ratio-1067", 13, 7), ("ratio-1133", 7.5, 5), ("ramp", 150, 0)):
    one, ceiling = spread(name, "lead_s"), spread(name, "t_first_user_error_s")["p50"]
    met = one["count"] > 0 and one["p50"] >= median and one["min"] >= least
    target = f">= {median} s" + (f", min >= {least} s" if least else "")
    # A loss can't be paged before it happens: its first user error less nothing is all the lead there is.
    beyond = not met and ceiling is not None and ceiling < median
    row(f"lead of the page before users are hit, {name}", f"p50 {text(one['p50'])}, min {text(one['min'])}", target, met or beyond,
        "PHYS" if beyond else "met ")
    if beyond:
        print(f"      out of reach: paged {text(spread(name, 't_page_s')['p50'])} after the loss, and the first user error comes"
              f" {text(ceiling)} after it (medians)")
for name, share, target in (("standing-700", 0, "never"), ("standing-750", 0, "never"), ("standing-850", 1, "all >= 600 s"),
                            ("standing-950", 1, "all >= 600 s")):
    lasting = sum(1 for seed in load(name)["seeds"] if seed["vulnerable_before_s"] >= 600)
    ever = sum(1 for seed in load(name)["seeds"] if seed["vulnerable_share_before"] > 0)
    row(f"VULNERABLE ten minutes before the loss, {name}", f"{lasting} of {total(name)}, ever {ever}", target,
        lasting == total(name) if share else ever == 0)
for name, all_page in (("ratio-880", False), ("ratio-930", False), ("ratio-967", True), ("ratio-1017", True),
                       ("ratio-1067", True), ("ratio-1133", True), ("maintenance", False), ("standing-700", False),
                       ("standing-750", False), ("standing-850", False)):
    paged = load(name)["summary"]["paged"]
    row(f"pages, {name}", f"{paged} of {total(name)}", "all" if all_page else "none", paged == (total(name) if all_page else 0))
# A turn into an incident's phase is a warning, whatever its severity.
for name, clusters in (("noisy-calm", 2), ("busy-calm", 4)):
    days = total(name) * load(name)["lasts_s"] / 86400
    sums = load(name)["summary"]
    row(f"false alarms, {name}", f"{sums['false_pages']} pages, {sums['warnings']} warnings in {days:.1f} days",
        "<= 1 page a week, <= 2 warnings a day and cluster",
        sums["false_pages"] <= max(1, days / 7) and sums["warnings"] <= 2 * clusters * days)
causes = ("ratio-1067", "slow-replica", "hung-replica", "demand-surge", "retry-storm", "connection-leak", "capacity-cut",
          "lag-eviction", "telemetry-fault")
for name in causes:
    first = load(name)["summary"]["cause_first"]
    row(f"cause ranked first, {name}", f"{first} of {total(name)}", ">= 95 %", first >= 0.95 * total(name))
    said = sorted({seed["first_cause"] or "none" for seed in load(name)["seeds"] if seed["cause_rank"] != 1})
    if said:
        print("      said instead:", ", ".join(said))
wrong = sum(1 for seed in load("telemetry-fault")["seeds"] if seed["first_cause"] == "replica loss")
row("telemetry fault told as replica loss", f"{wrong} of {total('telemetry-fault')}", "never", wrong == 0)
for name in sorted(set(losses + causes + ("replica-loss", "feb4"))):
    sums = load(name)["summary"]
    row(f"phase right, {name}", f"{100 * sums['phase_accuracy']:.1f} %, worst {100 * sums['phase_accuracy_worst']:.1f} %",
        ">= 95 %", sums["phase_accuracy"] >= 0.95)
    if sums["recoveries_wrong"]:
        row(f"RECOVERY while errors >= 1 %, {name}", f"{sums['recoveries_wrong']} ticks", "never", False)
for name in ("replica-loss", "feb4"):
    one = spread(name, "t_metastable_named_s")
    row(f"METASTABLE named after the trigger cleared, {name}", f"max {text(one['max'])}, {one['count']} of {total(name)}",
        "<= 15 s, all", one["count"] == total(name) and one["max"] <= 15)
names = sorted(SHOWN) + ["faulty"]
blind = sum(load(name)["summary"]["blind_decisions"] for name in names)
row("decisions on stale or partial input", f"{blind} over {sum(total(name) for name in names)} runs", "0", blind == 0)
one = load("faulty")["summary"]
row("pages in noisy calm with faulty telemetry", f"{one['false_pages']} in {total('faulty') * load('faulty')['lasts_s'] / 86400:.1f} days",
    "<= 1 a week", one["false_pages"] <= 1)
spent = [word.rstrip("s").split("m") for word in open(f"{sys.argv[1]}/feb4.time").read().split()]
seconds = sum(60 * int(minutes) + float(rest) for minutes, rest in spent) / total("feb4")
row("an hour's incident in virtual time, feb4", f"{seconds:.2f} s", "< 2 s a seed", seconds < 2)
one, warned = spread("ratio-1300", "lead_s"), spread("ratio-1300", "utilisation_after_loss")
sums, mended = load("ratio-1300")["summary"], load("prepared-1300")["summary"]
print(f"losing case: ratio-1300: the page leads the first user error by {text(one['p50'])} (min {text(one['min'])}), and users are hit in"
      f" {sums['hurt']} of {total('ratio-1300')}: no person acts in that time.")
print(f"  What helps is earlier: before the loss it was said that losing one replica would ask the rest for {100 * warned['p50']:.0f} %,"
      f" and that half\n  as many connections again would do. Where somebody made them a minute before (prepared-1300), users were hit in"
      f" {mended['hurt']} of {total('prepared-1300')}.")
for name in ("hung-replica", "slow-replica"):
    one = spread(name, "lead_s")
    print(f"losing case: {name}: users are hit {text(-one['p50'] if one['p50'] is not None else None)} before the page (median):")
    print("  what is sent to such a replica fails at its clients' own timeout; only taking it out helps.")
PYTHON
# What it costs, and whether projections come true.
[ ! -x "$build/tests/bench/bench-assess" ] || "$build/tests/bench/bench-assess"
[ ! -x "$build/tests/unit-app-projection_truth" ] || SPILLWAY_MOVES=$((seeds * 500 / 60)) "$build/tests/unit-app-projection_truth"
