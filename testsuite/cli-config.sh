#!/bin/sh
# `aiopt config` shows each setting with its origin and no key, in 80 columns and in fewer; `aiopt tune` takes what it says, and
# a setting that is wrong ends it with one error.
# SPDX-License-Identifier: GPL-3.0-or-later
. "${AIOPT_SOURCE:-$(dirname "$0")/..}/testsuite/tap.sh"
aiopt=${AIOPT_BUILD:-.}/cli/aiopt
dir=$(mktemp -d "${TMPDIR:-/tmp}/aiopt-config.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
unset AIOPT_CONFIG XDG_CONFIG_HOME XDG_CACHE_HOME OPENAI_BASE_URL OPENAI_API_KEY AIOPT_CACHE
# So wide that an origin stands in the line of its setting.
HOME=$dir/home XDG_CONFIG_DIRS=$dir/etc COLUMNS=200
export HOME XDG_CONFIG_DIRS COLUMNS
mkdir -p "$HOME/.config/aiopt" "$dir/etc/aiopt"
own=$HOME/.config/aiopt/aiopt.conf system=$dir/etc/aiopt/aiopt.conf
key=Sk9-NobodyMaySeeThis

# own TEXT: the user's file, which nobody else can read.
own () { (umask 077; printf "$@" >"$own"); }
# fails STATUS WORD ARGUMENTS…: nothing but an error of one line (and a pointer to --help) that has WORD in it.
fails ()
{
  expected=$1 word=$2
  shift 2
  out=$("$aiopt" "$@" 2>"$dir/err")
  status=$?
  cat "$dir/err"
  [ $status -eq "$expected" ] || { echo "status $status instead of $expected"; return 1; }
  [ -z "$out" ] || { echo "standard output: $out"; return 1; }
  [ "$(grep -vc "^Try .aiopt" "$dir/err")" -eq 1 ] && grep -qF -e "$word" "$dir/err" && ! grep -q NobodyMay "$dir/err"
}
# says LINE ARGUMENTS…: one of the lines of output is LINE, blanks squeezed.
says ()
{
  line=$1
  shift
  "$aiopt" "$@" >"$dir/out" || return 1
  cat "$dir/out"
  tr -s ' ' <"$dir/out" | grep -qxF -e "$line"
}
lists ()
{
  "$aiopt" config show >"$dir/out" || return 1
  for name in $("$aiopt" config show --json | sed -n 's/.*"name":[[:space:]]*"\([^"]*\)".*/\1/p'); do
    grep -q "^$name  *[^ ].*  *default$" "$dir/out" || { echo "$name isn't there"; return 1; }
  done
  [ "$(grep -c '^[a-z]' "$dir/out")" -gt 20 ] && [ "$(grep -c '^ ' "$dir/out")" -gt 20 ]
}
# fits COLUMNS: no line is longer, names begin lines, no escape sequences in a pipe.
fits ()
{
  COLUMNS=$1 "$aiopt" config show >"$dir/out" || return 1
  cat "$dir/out"
  ! grep -q "$(printf '\033')" "$dir/out" && ! grep -q ".\{$(($1 + 1))\}" "$dir/out" && grep -q '^llm.key' "$dir/out"
}
hides_key ()
{
  own '[llm]\nkey = %s\n' $key
  for form in "" --json; do
    "$aiopt" config show $form >"$dir/out" 2>&1 || return 1
    grep NobodyMay "$dir/out" && return 1
    "$aiopt" config show $form llm.key >>"$dir/out" 2>&1 || return 1
    OPENAI_API_KEY=$key "$aiopt" config show $form llm.key >>"$dir/out" 2>&1 || return 1
    cat "$dir/out"
    grep NobodyMay "$dir/out" && return 1
    [ "$(grep -Ec '(^llm.key  *|"value":[[:space:]]*")set' "$dir/out")" -eq 3 ] || return 1
  done
  says "llm.key set $own:2" config show llm.key
}
json_is_json ()
{
  own '[llm]\nmodel = a "b" \\ c\n'
  "$aiopt" config show --json >"$dir/out" || return 1
  python3 - "$dir/out" "$own" <<'END'
import json, sys
all = {one["name"]: one for one in json.load(open(sys.argv[1]))["settings"]}
assert all["llm.model"]["value"] == 'a "b" \\ c' and all["llm.model"]["origin"] == sys.argv[2] + ":2", all["llm.model"]
assert all["llm.temperature"]["value"] is None and all["llm.key"]["value"] == "unset"
assert all["llm.timeout"]["default"] == "180" and all["llm.timeout"]["kind"] == "number" and all["llm.timeout"]["help"]
END
}
paths ()
{
  rm -f "$own"
  XDG_CONFIG_DIRS=$dir/first:relative:$dir/etc "$aiopt" config path >"$dir/out" || return 1
  cat "$dir/out"
  printf 'exists      %s\nmissing     %s\nmissing     %s\n' "$system" "$dir/first/aiopt/aiopt.conf" "$own" | cmp - "$dir/out" || return 1
  own '[nonsense'
  says "exists $own" config path || return 1
  "$aiopt" config path --json | tr -d '\n\t ' | grep -q "\"path\":\"$own\",\"state\":\"exists\"" || return 1
  AIOPT_CONFIG=$dir/alone says "missing $dir/alone" config path && [ "$(wc -l <"$dir/out")" -eq 1 ] && AIOPT_CONFIG= says "no file is read" config path
}
# A control character in a value, as in a file's name, doesn't reach the terminal.
cleans ()
{
  XDG_CONFIG_DIRS=$(printf '%s/\033[31m' "$dir") "$aiopt" config path >"$dir/out" && ! grep -q "$(printf '\033')" "$dir/out"
}
terminal ()
{
  command -v script >/dev/null || { echo "SKIP: no script(1)"; exit 77; }
  TERM=xterm script -qec "stty cols 50 && '$aiopt' config show llm.replay" /dev/null </dev/null | tr -d '\r' >"$dir/out"
  cat -v "$dir/out"
  grep -q "$(printf '\033')" "$dir/out" || return 1
  sed "s/$(printf '\033')\[[0-9]*m//g" "$dir/out" >"$dir/plain"
  grep -q '^    record$' "$dir/plain" && ! grep -q '.\{51\}' "$dir/plain"
}
# dry ARGUMENTS…: what a run would do.
dry () { says "$@" --dry-run; }
tune_takes ()
{
  own '[tune]\npolicy = exec:./model\nbudget = 3.5\ncache = ~/kept\n'
  dry "0 to work on, with exec:./model and 3.5 s each" tune --cache "$dir/cache" || return 1
  dry "0 to work on, with compilers and 3.5 s each" tune --cache "$dir/cache" --policy compilers || return 1
  dry "0 to work on, with exec:./model and 2 s each" tune --cache "$dir/cache" --set tune.budget=4 --budget 2 || return 1
  dry "0 to work on, with exec:x and 4 s each" tune --cache "$dir/cache" --set tune.budget=5 --set tune.policy=exec:x --set tune.budget=4 || return 1
  rm -rf "$dir/cache"
  "$aiopt" tune --quiet || return 1
  [ -d "$HOME/kept" ] || { echo "tune.cache wasn't taken"; return 1; }
  AIOPT_CACHE=$dir/other "$aiopt" tune --quiet && [ -d "$dir/other" ]
}
helps ()
{
  "$aiopt" tune --help >"$dir/out" && grep -q -e '--set=NAME=VALUE' "$dir/out" && tr -s ' \n' ' ' <"$dir/out" | grep -q 'aiopt config show.*aiopt config path'
}
once ()
{
  zeros=0000000000000000000000000000000000000000000000000000000000000000
  own '[llm]\nrounds = ten\n'
  fails 1 "$own:2: llm.rounds is 'ten': expected a whole number" tune || return 1
  fails 1 "$own:2: llm.rounds is 'ten'" tune --dry-run --json || return 1
  fails 78 "$own:2: llm.rounds is 'ten'" tune --key $zeros --quiet || return 1
  own '[tune]\npolicy = magic\n'
  fails 1 "$own:2: tune.policy:" tune && fails 78 "$own:2: tune.policy:" tune --key $zeros || return 1
  ! [ -e "$HOME/.cache" ]
}

plan 25
check "all settings, each with value, origin and meaning" lists
check "fits 80 columns, plain in a pipe" fits 80
check "fits 60 columns" fits 60
check "fits 40 columns" fits 40
check "colour and the width of a terminal" terminal
printf '[llm]\nrounds = 3\nretries = 7\n' >"$system"
own '# mine\n[llm]\nrounds = 4\n'
check "origin: the system's file" says "llm.retries 7 $system:3" config show llm.retries
check "origin: the user's file, which is stronger, with the line" says "llm.rounds 4 $own:3" config show llm.rounds
check "origin: the environment" env OPENAI_BASE_URL=http://localhost:1/v1 sh -c '"$0" config show llm | tr -s " " | grep -qx "llm.base-url http://localhost:1/v1 OPENAI_BASE_URL"' "$aiopt"
check "origin: --set, the last" says "llm.rounds 6 --set" config show --set llm.rounds=5 --set llm.rounds=6 llm.rounds
check "a section alone" sh -c '"$0" config show tune | grep -c "^[a-z]" | grep -qx 5' "$aiopt"
check "the key isn't shown" hides_key
check "a key in a file that others can read is refused" sh -c 'chmod 640 "$1"; "$0" config show llm.model >"$2/out" 2>"$2/err" && exit 1
  cat "$2/err"; grep -q "mode 0640.*chmod 600 $1" "$2/err" && ! grep -q NobodyMay "$2/err"' "$aiopt" "$own" "$dir"
rm -f "$own"
check "a key on the command line is refused, and not shown" fails 64 "llm.key can't be given on the command line" tune --set llm.key=$key
check "--set: a bad value" fails 64 "--set: llm.rounds is '0': expected a whole number from 1 to 100" tune --set llm.rounds=0
check "--set: no value" fails 64 "expected llm.rounds=VALUE" tune --set llm.rounds
check "--set: an unknown name" fails 64 "did you mean llm.model?" tune --set llm.modle=x
check "show: an unknown name" fails 64 "did you mean llm.model?" config show llm.modle
check "path: an argument" fails 64 "'x'" config path x
check "JSON" json_is_json
check "path: files in their order, and whether they exist" paths
check "path: no control characters" cleans
check "tune takes what is set; options are stronger" tune_takes
check "tune --help" helps
check "a wrong setting ends tune with one error" once
own '# none\n'
check "a limit on money without a price is an error" fails 1 "llm.price is '0 0'" tune --cache "$dir/c" --set llm.run-money=3
