#!/bin/sh
# Arguments: every wrong key or value is an error that lists the valid ones; every good one is taken.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
echo '__attribute__((hot)) int f (int a) { return a * 3; } int cold (int a) { return a; }' > t.c
refused () { # ARGUMENT WORD…
  argument=$1; shift
  if aiopt "$argument" -- -O2 -c t.c -o t.o 2>err; then return 1; fi
  for word; do grep -q -- "$word" err || { cat err; return 1; }; done
}
for argument in mode=auto mode=apply mode=collect mode=off hot=profile hot=attribute hot=all hot=f,profile \
  accept=tested accept=bounded accept=proved budget=0 budget=0.5 unit-budget=3 isa=build isa=native limit=0 limit=7 \
  policy=compilers report=r.json; do
  ok "$argument is taken" aiopt mode=apply cache=$work/none "$argument" budget=0 -- -O2 -c t.c -o t.o
done
ok "an unknown key lists the keys" refused zork=1 "unknown argument zork" mode cache hot policy accept budget unit-budget isa \
  limit report profile lock
ok "an unknown mode" refused mode=fast "mode=fast" auto apply collect off
ok "a mode without value" refused mode "wants a value" auto
ok "an unknown accept" refused accept=maybe tested bounded proved
ok "an unknown isa" refused isa=mmx build native
ok "isa=dispatch says that it isn't there yet" refused isa=dispatch "not available"
ok "a wrong budget" refused budget=ten "number of seconds"
ok "a negative budget" refused budget=-1 "number of seconds"
ok "a wrong limit" refused limit=x "number of rewrites"
ok "an empty hot list" refused hot= profile attribute all
ok "a gap in the hot list" refused hot=a,,b profile attribute all
ok "lock= is not available yet" refused lock=x "not available yet"
ok "profile= is not available yet" refused profile=x "not available yet"
ok "the attribute takes strings only" sh -c "! echo '__attribute__((aiopt (3))) int f (void);' | '$AIOPT_GCC' -fplugin='$plugin' -x c -c -o /dev/null - 2>err && grep -q 'constant-time' err"
ok "the attribute is known with mode=off" sh -c "echo '__attribute__((aiopt (\"off\"))) int f (void);' | '$AIOPT_GCC' -Wall -Werror -fplugin='$plugin' -fplugin-arg-aiopt-mode=off -x c -c -o /dev/null -"
count () { # REPORT FIELD VALUE
  grep -q "\"$2\":[[:space:]]*$3\\b" "$1" || { cat "$1"; return 1; }
}
aiopt mode=apply cache=$work/none report=a.json -- -O2 -c t.c -o t.o
ok "report: one kept" count a.json kept 1
ok "report: one cold" count a.json cold 1
ok "report: the reason is a miss" grep -q '"reason":[[:space:]]*"miss"' a.json
aiopt mode=apply hot=cold cache=$work/none report=b.json -- -O2 -c t.c -o t.o
ok "hot=NAME wants that function alone" count b.json cold 1
aiopt mode=apply hot=all cache=$work/none report=c.json -- -O2 -c t.c -o t.o
ok "hot=all wants all" count c.json kept 2
mkdir reports
aiopt mode=apply cache=$work/none report=reports -- -O2 -c t.c -o t.o
ok "a folder gets one report a unit" sh -c 'ls reports | grep -q "^aiopt-.*json$"'
ok "remarks with -fopt-info" sh -c "'$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=none -O2 -fopt-info-missed -c t.c -o t.o 2>&1 | grep -q 'aiopt: f kept'"
ok "no warning under -Werror" sh -c "test -z \"\$('$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-cache=/proc/none -Wall -Wextra -Werror -O2 -c t.c -o t.o 2>&1)\""
plan
