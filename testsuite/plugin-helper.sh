#!/bin/sh
# mode=auto starts the helper for a miss, waits no longer than its budget, and applies what it found; whatever the helper does,
# the build goes on with GCC's own code.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
echo '__attribute__((hot, noinline)) int f (int a) { return a * 5; } int main (void) { return f (0); }' > t.c
cat > f.s <<'END'
	.text
	.globl f
	.type f, @function
f:
	imull $5, %edi, %eax
	ret
	.size f, .-f
END
# helper NAME: what stands on standard input becomes the helper NAME.
helper () { { echo '#!/bin/sh'; cat; } > "$1"; chmod +x "$1"; }
helper notes <<END
echo "\$@" > "$work/arguments"; ls -l /proc/self/fd > "$work/fds"; echo noise; echo noise >&2; exit 0
END
helper tunes <<END
exec "$store" "$work/cache" rewrite f "$work/f.s"
END
helper refuses <<END
exec "$store" "$work/cache" negative f
END
helper fails <<END
exit 64
END
helper misset <<END
AIOPT_CONFIG=$work/wrong.conf; export AIOPT_CONFIG
exec "$AIOPT_BUILD/cli/aiopt" "\$@"
END
printf '[llm]\nrounds = ten\n' > wrong.conf
helper dies <<'END'
kill -9 $$
END
helper hangs <<END
trap '' TERM
( trap '' TERM; sleep 77 ) &
echo \$! > "$work/child"
sleep 78
END
# with HELPER REASON-OR-DECISION: f is built with that helper, in silence.
with () {
  rm -rf cache r.json
  AIOPT_HELPER=$work/$1 aiopt mode=auto cache=$work/cache budget=${3:-5} report=r.json -- -O2 t.c -o t 2>err || { cat err; return 1; }
  ! grep . err && ./t && tr -d '\n\t ' < r.json | grep -q "$2" || { cat r.json; return 1; }
}
ok "a helper without result" with notes '"decision":"kept","reason":"budget"'
ok "its arguments" grep -q "^tune --key [0-9a-f]\{64\} --budget 5.000 --quiet --cache $work/cache$" arguments
ok "it has none of the compiler's files" sh -c 'test $(grep -c -- "->" fds) -le 4'
ok "a helper that finds something: applied in the same build" with tunes '"decision":"replaced"'
ok "the next build only looks up" sh -c "AIOPT_HELPER=/bin/false '$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-report=r2.json -O2 -S t.c -o t.s && \
  grep -q '\"replaced\":[[:space:]]*1' r2.json && grep -q 'imull.*\$5' t.s"
ok "a helper that finds nothing better" with refuses '"decision":"kept","reason":"negative"'
ok "a helper that fails" with fails '"decision":"kept","reason":"helper"'
ok "a setting that is wrong" with misset '"decision":"kept","reason":"helper","detail":"asettingiswrong:.*misset.*configshow'
ok "a helper that is killed" with dies '"decision":"kept","reason":"helper"'
ok "a helper that isn't there" with missing '"decision":"kept","reason":"helper"'
begin=$(date +%s)
ok "a helper that never ends" with hangs '"decision":"kept","reason":"budget"' 0.5
end=$(date +%s)
ok "is ended in time" test $((end - begin)) -le 15
# A killed process may stay as a zombie where nobody collects orphans.
gone () {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    state=$(cut -d' ' -f3 "/proc/$(cat child)/stat" 2>/dev/null)
    case $state in ''|Z|X) return 0 ;; esac
    sleep 0.2
  done
  return 1
}
ok "with all that it started" gone
ok "budget=0 starts none" sh -c "rm -rf cache arguments; AIOPT_HELPER=$work/notes '$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-budget=0 -O2 t.c -o t && test ! -e arguments && '$store' cache key f"
ok "mode=collect starts none" sh -c "rm -rf cache arguments; AIOPT_HELPER=$work/notes '$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-mode=collect -O2 t.c -o t && test ! -e arguments && '$store' cache key f"
ok "mode=apply starts none and queues nothing" sh -c "rm -rf cache arguments; AIOPT_HELPER=$work/notes '$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-mode=apply -O2 t.c -o t && test ! -e arguments && test ! -e cache"
ok "unit-budget=0 starts none" sh -c "rm -rf cache arguments; AIOPT_HELPER=$work/notes '$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache=cache -fplugin-arg-aiopt-unit-budget=0 -O2 t.c -o t && test ! -e arguments"
ok "a cache that can't be made is a reason" sh -c "test -z \"\$(AIOPT_HELPER=$work/notes '$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache=/dev/null/x -fplugin-arg-aiopt-report=r.json -O2 t.c -o t 2>&1)\" && grep -q '\"reason\":[[:space:]]*\"cache\"' r.json"
plan
