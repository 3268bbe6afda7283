#!/bin/sh
# What the plugin says of a function is what GCC knows: signature, globals, calls, aliases, profile, options.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
cat > t.c <<'END'
#include <stdio.h>
#include <string.h>
struct node { struct node *next; int v; char name[10]; unsigned b:3; double d; };
struct big { long a[5]; };
struct pair { float x, y, z; };
extern int ext[]; static const int tab[4] = {1,2,3,4}; int glob[100]; volatile int sink;
__attribute__((noinline)) static int leaf (int a) { return a * 3; }
__attribute__((hot, aiopt ("uses sorted input", "constant-time"))) double
f (struct node *restrict n, const float *p, int k, double d, struct pair q, struct big b)
{
  double s = 1.5;
  for (; n; n = n->next)
    s += n->v * p[k & 7] + n->d + tab[k & 3], glob[n->b]++, ext[3] += leaf (k);
  printf ("%f %d %s\n", s, k, "lit");
  return s * d + q.x + b.a[2];
}
__attribute__((hot)) struct big g (__int128 x, char c, int (*h) (int, long))
{ struct big r; memset (&r, h (c, x >> 64), sizeof r); return r; }
__attribute__((hot)) long sum (const long *a, long n) { long s = 0; for (long i = 0; i < n; i++) s += a[i]; return s; }
__attribute__((hot)) long double ld (long double x, _Bool t) { return t ? x : -x; }
__attribute__((hot)) void copy (int *a, float *b, char *c, int n) { for (int i = 0; i < n; i++) a[i] = b[i] + c[i]; }
END
aiopt mode=collect cache=$work/cache isa=native -- -O2 -g -Dx="it's" -MD -Wall -c t.c -o t.o 2>err
ok "collected without a word" test ! -s err
# has FUNCTION PYTHON-EXPRESSION: the expression over r, the region, is true.
has () {
  "$store" "$work/cache" region "$1" > region.json || return 1
  EXPRESSION=$2 python3 - <<'END'
import json, os
r = json.load (open ("region.json"))
e = os.environ["EXPRESSION"]
if not eval (e):
    print (json.dumps (r, indent=1)[:6000]); raise SystemExit (1)
END
}
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
"$store" "$work/cache" region f > f.json; python3 -m json.tool f.json > /dev/null || head -c 300 f.json
. "$(dirname "$0")/plugin-facts-checks.sh"
plan
