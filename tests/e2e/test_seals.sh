#!/bin/sh
# The journal is sealed by its operator's key: an edit, a rewrite and a cut are found even where the chain was made anew; approvals count
# with a signature only.
. "$(dirname "$0")/lib.sh"
start_sim calm
me=$(id -un)
ssh-keygen -q -t ed25519 -N '' -f "$work/key" </dev/null
printf '%s %s\n' "$me" "$(cat "$work/key.pub")" >"$work/allowed"
journal=$work/sealed/journal.jsonl
sed "s/guards: {/guards: {cooldown: 0s, /; s/cooldown: 0s, \(.*\), cooldown: [0-9a-z]*/cooldown: 0s, \1/; /^journal:/d" "$fleet" >"$box_dir/sealed.yaml"
printf 'journal: {file: %s, sign_with: %s, allowed_signers: %s}\n' "$journal" "$work/key" "$work/allowed" >>"$box_dir/sealed.yaml"
sealed=$box_dir/sealed.yaml
expect_code 0 "$spillway" config check -c "$sealed"
expect_code 0 "$spillway" act scale-pool cluster=east-a size=22 -c "$sealed" --yes --reason 'a little more'
expect_code 0 "$spillway" journal verify -c "$sealed"
expect_text "$work/out" "the chain is whole; sealed up to record [0-9]+ by $me\$"
count=$(wc -l <"$journal")
head=$(tail -n 1 "$journal" | tr -d '\n' | sha256sum | cut -d' ' -f1)
expect_code 0 "$spillway" journal verify "$journal" "$count:$head" -c "$sealed"
expect_code 64 "$spillway" journal verify "$journal" nonsense -c "$sealed"
# An edit breaks the chain.
cp "$journal" "$work/good"
sed -i '2s/sent/spent/' "$journal"
expect_code 1 "$spillway" journal verify -c "$sealed"
expect_text "$work/out" 'BROKEN at line 2'
# A chain made anew, with fewer records and its head file too: whole, and still found out.
python3 - "$work/good" "$journal" <<'P'
import hashlib, re, sys
prev = '0' * 64
lines = []
for number, line in enumerate(open(sys.argv[1]).read().splitlines()[:-1], 1):
    body = line[:line.rindex(',"prev":"')].replace('a little more', 'told to do so')
    body += ',"prev":"%s"' % prev
    line = body + ',"hash":"%s"}' % hashlib.sha256(body.encode()).hexdigest()
    prev = hashlib.sha256(line.encode()).hexdigest()
    lines.append(line)
open(sys.argv[2], 'w').write('\n'.join(lines) + '\n')
open(sys.argv[2] + '.head', 'w').write('%020d %s\n' % (len(lines), prev))
P
expect_code 0 "$spillway" journal verify "$journal"
expect_code 1 "$spillway" journal verify -c "$sealed"
expect_text "$work/out" 'BROKEN: .*(cut off|rewritten)'
# Without its seals it says so, and a head known elsewhere still finds it out.
mv "$journal.seals" "$work/seals"
expect_code 0 "$spillway" journal verify -c "$sealed"
expect_text "$work/out" 'not sealed'
expect_code 1 "$spillway" journal verify "$journal" "$count:$head" -c "$sealed"
expect_text "$work/out" 'cut off'
echo "sealed; an edit, a rewrite and a cut are found"
