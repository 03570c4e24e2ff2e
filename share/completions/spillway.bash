# bash completion for spillway; made by: spillway help completion
_spillway() {
  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'console wall status doctor sources contingency plan act undo holds reap gate pending approve deny run journal record demo simulate config help' -- "$word")
    return
  fi
  case $verb in
    console) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --no-color --ascii --theme --plain --read-only --ticket --log-file --quiet --verbose --help --version' -- "$word");;
    wall) mapfile -t COMPREPLY < <(compgen -f -W '--config --no-color --ascii --theme --plain --read-only --once --log-file --quiet --verbose --help --version' -- "$word");;
    status) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    doctor) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    sources) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    contingency) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --timeout --pairs --log-file --quiet --verbose --help --version' -- "$word");;
    plan) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --ticket --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    act) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --yes --reason --override --ticket --wait --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    undo) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --yes --reason --override --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    holds) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --yes --reason --override --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    reap) mapfile -t COMPREPLY < <(compgen -f -W '--config --read-only --yes --reason --override --plan --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    gate) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --yes --reason --override --log-file --quiet --verbose --help --version' -- "$word");;
    pending) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --log-file --quiet --verbose --help --version' -- "$word");;
    approve) mapfile -t COMPREPLY < <(compgen -f -W '--config --read-only --yes --reason --override --log-file --quiet --verbose --help --version' -- "$word");;
    deny) mapfile -t COMPREPLY < <(compgen -f -W '--config --read-only --yes --reason --override --log-file --quiet --verbose --help --version' -- "$word");;
    run) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --yes --reason --override --ticket --plan --resume --timeout --log-file --quiet --verbose --help --version' -- "$word");;
    journal) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --most --log-file --quiet --verbose --help --version' -- "$word");;
    record) mapfile -t COMPREPLY < <(compgen -f -W '--config --read-only --for --log-file --quiet --verbose --help --version' -- "$word");;
    demo) mapfile -t COMPREPLY < <(compgen -f -W '--no-color --ascii --theme --plain --scenario --auto --speed --seed --for --log-file --quiet --verbose --help --version' -- "$word");;
    simulate) mapfile -t COMPREPLY < <(compgen -f -W '--output --seed --seeds --runbook --faults --log-file --quiet --verbose --help --version' -- "$word");;
    config) mapfile -t COMPREPLY < <(compgen -f -W '--config --output --read-only --log-file --quiet --verbose --help --version' -- "$word");;
    help) mapfile -t COMPREPLY < <(compgen -f -W '--log-file --quiet --verbose --help --version' -- "$word");;
  esac
}
complete -F _spillway spillway
