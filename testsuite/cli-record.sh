#!/bin/sh
# `aiopt record`: a program's output and exit status are its own; calls of its hot functions come into the cache, run again in the
# sandbox, and are what tune verifies on.  Position-independent or not, static functions, threads, forks, signals.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
needs_plugin
aiopt=$AIOPT_BUILD/cli/aiopt
gcc=${AIOPT_GCC:-gcc}
dir=$(mktemp -d "${TMPDIR:-/tmp}/aiopt record.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/tmp"
TMPDIR=$dir/tmp; export TMPDIR
cd "$dir" || exit 99

cat >program.c <<'END'
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#define ALONE __attribute__ ((noipa))
struct node { unsigned key; int value; struct node *next; };
static struct node *table[64];
int lookups;
ALONE int get (unsigned key) { lookups++; for (struct node *n = table[key % 64]; n; n = n->next) if (n->key == key) return n->value; return -1; }
ALONE unsigned hash (const char *s) { unsigned h = 5381; for (; *s; s++) h = h * 33 + (unsigned char) *s; return h; }
ALONE static int count (const char *s, int n, char c) { int r = 0; for (int i = 0; i < n; i++) r += s[i] == c; return r; }
ALONE int total (const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
ALONE void multiply (double *c, const double *a, const double *b, int n)
{ for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) { double s = 0; for (int k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; c[i * n + j] = s; } }
struct big { long a[8]; };
ALONE long sum8 (struct big b, int k) { long s = 0; for (int i = 0; i < 8; i++) s += b.a[i] * k; return s; }
ALONE int twice (int x) { return 2 * x; }
ALONE int by (int (*f) (int), int n) { int s = 0; for (int i = 0; i < n; i++) s += f (i); return s; }
ALONE void fill (char *to, const char *from, unsigned long n) { memset (to, 7, n); memcpy (to + 1, from, n - 1); }
static jmp_buf out;
ALONE void jump (int n) { if (n > 2) longjmp (out, n); }
ALONE int jumper (int *p, int n) { p[0] = n; jump (n); p[0]++; return p[0]; }
static void put (unsigned key, int value) { struct node *n = malloc (sizeof *n); n->key = key; n->value = value; n->next = table[key % 64]; table[key % 64] = n; }
static void *work (void *arg) { long t = 0; for (int i = 0; i < 500; i++) t += get ((unsigned) i * 7 + (unsigned) (long) arg); return (void *) t; }
static volatile sig_atomic_t got;
static void on (int s) { got += s; }
int main (int argc, char **argv)
{
  long t = 0;
  for (unsigned i = 0; i < 1000; i++) put (i * 3, (int) i);
  for (unsigned i = 0; i < 300; i++) t += get (i);
  char text[100];
  for (int i = 0; i < 60; i++) { sprintf (text, "key number %d of some", i * i); t += hash (text); t += count (text, (int) strlen (text), 'e'); }
  int numbers[300];
  for (int i = 0; i < 300; i++) numbers[i] = i * i;
  for (int n = 200; n < 230; n++) t += total (numbers + n % 5, n);
  double a[36], b[36], c[36];
  for (int i = 0; i < 36; i++) a[i] = i, b[i] = 36 - i;
  for (int n = 1; n <= 6; n++) { multiply (c, a, b, n); t += (long) c[n * n - 1]; }
  struct big big; for (int i = 0; i < 8; i++) big.a[i] = i;
  for (int i = 0; i < 10; i++) t += sum8 (big, i);
  for (int i = 0; i < 10; i++) t += by (twice, i) + by (abs, 3);
  char x[100], y[100]; memset (y, 3, 100);
  for (int i = 1; i < 100; i += 10) { fill (x, y, i); t += x[i / 2]; }
  for (int i = 0; i < 5; i++) { int v[4], r = setjmp (out); if (!r) t += jumper (v, i); else t += r * 100; }
  signal (SIGUSR1, on);
  for (int i = 0; i < 3; i++) { raise (SIGUSR1); t += total (numbers, i); }
  pthread_t thread[3]; void *r;
  for (long i = 0; i < 3; i++) pthread_create (&thread[i], NULL, work, (void *) i);
  for (int i = 0; i < 3; i++) { pthread_join (thread[i], &r); t += (long) r; }
  fflush (stdout);
  pid_t child = fork ();
  if (!child) { for (int i = 0; i < 20; i++) t += hash ("in the child"); _exit ((int) (t & 63)); }
  int status; waitpid (child, &status, 0); t += WEXITSTATUS (status);
  t += system ("exit 3") >> 8;
  printf ("%ld %d\n", t, (int) got / SIGUSR1);
  if (argc > 1 && !strcmp (argv[1], "kill")) raise (SIGTERM);
  if (argc > 1 && !strcmp (argv[1], "long")) { unsigned z = 1; for (long i = 0; i < 3000000; i++) z += (unsigned) twice ((int) (z + i)); printf ("%u\n", z); }
  if (argc > 1 && !strcmp (argv[1], "slow")) { for (int i = 0; i < 200; i++) { usleep (10000); t += twice (i); } printf ("%ld\n", t); }
  return 7;
}
END
functions="get hash count total multiply sum8 twice by fill"
build () # CACHE FLAGS…
{
  cache=$1; shift
  "$gcc" -O2 -fplugin="$AIOPT_BUILD/plugin/aiopt.so" -fplugin-arg-aiopt-mode=collect -fplugin-arg-aiopt-isa=native \
    -fplugin-arg-aiopt-hot=get,hash,count,total,multiply,sum8,twice,by,fill,jumper "-fplugin-arg-aiopt-cache=$cache" -pthread "$@"
}
# NAME CACHE: output and status are the program's own, and every function left states.
records ()
{
  "./$1" >plain; plain=$?
  "$aiopt" record --cache "$2" --report report.json -- "./$1" >recorded 2>messages; status=$?
  cat messages
  [ $plain -eq 7 ] && [ $status -eq 7 ] && cmp plain recorded || { echo "status $status, $plain alone"; return 1; }
  for f in $functions; do
    tr -d '\n\t' <report.json | tr '{' '\n' | grep "\"function\":\"$f\"" | grep -q '"kept":[1-9]' || { echo "nothing of $f"; cat report.json; return 1; }
  done
  "$aiopt" cache stats --cache "$2" --json | tr -d '\n\t' | grep -q '"recorded_states":[1-9][0-9]' && "$aiopt" cache check --cache "$2"
}
killed () { "$aiopt" record --cache pie.cache -q -- ./pie kill >/dev/null; status=$?; echo "status $status"; [ $status -eq 143 ]; }
often ()
{
  ./pie long >plain
  "$aiopt" record --cache pie.cache --function twice --report report.json -- ./pie long >recorded || [ $? -eq 7 ] || return 1
  cat report.json
  cmp plain recorded && grep -q '"kept":	[1-9]' report.json
}
stripped ()
{
  strip -o bare pie
  "$aiopt" record --cache pie.cache -- ./bare >out 2>&1; status=$?
  cat out
  [ $status -eq 1 ] && grep -q 'stripped' out
}
attached ()
{
  ./pie slow >plain
  ./pie slow >recorded &
  pid=$!
  "$aiopt" record --cache pie.cache --function twice --pid $pid --report report.json; status=$?
  wait $pid; own=$?
  cat report.json
  echo "status $status, the program's $own"
  [ $status -eq 0 ] && [ $own -eq 7 ] && cmp plain recorded && grep -q '"kept":	[1-9]' report.json
}
library ()
{
  printf '__attribute__ ((noipa)) int total (const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }\n' >library.c
  printf 'int total (const int *, int); int main (void) { int a[9] = { 1, 2, 3 }, t = 0; for (int i = 0; i < 9; i++) t += total (a, i); return t; }\n' >user.c
  build library -shared -fPIC -o liblibrary.so library.c && "$gcc" -O2 -o user user.c -L. -llibrary -Wl,-rpath,"$dir" || return 1
  "$aiopt" record --cache library --report report.json -- ./user; status=$?
  [ $status -eq 40 ] && grep -q '"kept":	[1-9]' report.json
}
# What is verified with recorded states says so, and can be verified again; a damaged state is never used.
verified ()
{
  build tuned -o tuned.program program.c && "$aiopt" record --cache tuned --function total -q -- ./tuned.program >/dev/null; [ $? -eq 7 ] || return 1
  key=$("$aiopt" cache list total --cache tuned | cut -d ' ' -f 1)
  "$aiopt" tune --cache tuned --budget 8 --any-speed --key "$("$aiopt" cache list total --cache tuned --json | sed -n 's/.*"key":[^"]*"\([0-9a-f]*\)".*/\1/p')" --json >out || return 1
  "$aiopt" cache show "$key" --cache tuned --json | tee out
  tr -d '\n\t' <out | grep -q '"recorded":{"states":[1-9][0-9]*,"digest":"[0-9a-f]*"}' || return 1
  tr -d '\n\t' <out | grep -q '"tests":{[^}]*"recorded":[1-9]' || return 1
  # A busy machine may have to be given the time that the message asks for.
  "$aiopt" verify --cache tuned --replay "$key" || "$aiopt" verify --cache tuned --budget 60 --replay "$key"
}

plan 10
build pie.cache -pie -fPIE -o pie program.c && build fixed.cache -no-pie -o fixed program.c || { echo "Bail out! the program doesn't compile"; exit 1; }
check "a position-independent program is recorded" records pie pie.cache
check "one at a fixed address, too" records fixed fixed.cache
check "a program that is killed by a signal" killed
check "a function that is called all the time doesn't hold the program up" often
check "a stripped program is refused with the reason" stripped
check "a running program is attached to and let go" attached
check "a function in a shared object" library
check "what is recorded is verified on, and the verdict is confirmed again" verified
check "a program that isn't there" sh -c '"$1" record --cache pie.cache -- ./nothing 2>err; [ $? -eq 127 ]' - "$aiopt"
check "no temporary file is left" sh -c 'ls -A "$1"; [ -z "$(ls -A "$1")" ]' - "$TMPDIR"
