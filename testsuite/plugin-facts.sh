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
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
aiopt mode=collect cache=$work/cache isa=native -- -O2 -g -Dquoted="\"it's\"" -MD -Wall -c t.c -o t.o 2>err
ok "collected without a word" sh -c "! cat err | grep ."
cat > facts.py <<'END'
import json, os
r = json.load (open ("region.json"))
T = r["types"]
def loc (v): return " ".join ("%s%d@%d:%d" % (l["kind"][0], l["number"], l["offset"], l["size"]) for l in v["locations"])
def par (n): return next (p for p in r["parameters"] if p["name"] == n)
def glob (n): return next (g for g in r["globals"] if g["name"] == n)
def call (n): return next (c for c in r["callees"] if c["name"] == n)
def typ (v): return T[v["type"]]
def to (v): return T[typ (v)["element"]]
def args (c): return [loc (a) for a in c["arguments"]]
def pairs (): return sorted ((a["a"], a["b"]) for a in r["aliases"])
if not eval (os.environ["EXPRESSION"]):
    print (json.dumps (r, indent=1)[:6000]); raise SystemExit (1)
END
# has FUNCTION PYTHON-EXPRESSION: the expression over r, the region, is true.
has () {
  "$store" "$work/cache" region "$1" > region.json || return 1
  EXPRESSION=$2 python3 facts.py
}
ok "names and lines" has f 'r["function"] == "f" and r["file"] == "t.c" and r["line"] == 9 and r["last_line"] == 16'
ok "hint and constant-time" has f 'r["hint"] == "uses sorted input" and r["constant_time"]'
ok "the text is all that GCC printed" has f '"f:" in r["text"] and ".cfi_endproc" in r["text"]'
ok "integer parameter" has f 'loc (par ("k")) == "g2@0:4" and typ (par ("k"))["kind"] == "integer" and typ (par ("k"))["signed"]'
ok "restrict pointer to a struct" has f 'loc (par ("n")) == "g7@0:8" and par ("n")["restrict"] and to (par ("n"))["kind"] == "struct"'
ok "const pointee" has f 'not par ("p")["restrict"] and to (par ("p"))["const"] and to (par ("p"))["kind"] == "float"'
ok "struct fields with offsets, bit-field, array, itself" has f \
  '[(x["name"], x["offset"], x["bit"], x["bits"]) for x in to (par ("n"))["fields"]] == [("next", 0, 0, 0), ("v", 8, 0, 0), ("name", 12, 0, 0), ("b", 22, 0, 3), ("d", 24, 0, 0)] and T[T[to (par ("n"))["fields"][0]["type"]]["element"]] is to (par ("n")) and T[to (par ("n"))["fields"][2]["type"]]["count"] == 10'
ok "struct in two vector registers" has f 'loc (par ("q")) == "v1@0:8 v2@8:4"'
ok "struct on the stack" has f 'loc (par ("b")) == "s0@0:40"'
ok "double result" has f 'loc (r["result"]) == "v0@0:8"'
ok "aliases by type: int k[] may be named by n, not by float p" has f \
  'all (a == 0 and r["globals"][b - 1000]["name"] in ("ext", "glob") for a, b in pairs ()) and len (pairs ()) == 2'
ok "read-only table with its bytes" has f 'glob ("tab")["readonly"] and glob ("tab")["init"] == "01000000020000000300000004000000"'
ok "array of known and of unknown size" has f 'glob ("glob")["size"] == 400 and not glob ("glob")["readonly"] and glob ("ext")["size"] == -1'
ok "literals of the constant pool" has f '"256620256420" in json.dumps (r["constants"]) and "000000000000f83f" in json.dumps (r["constants"])'
ok "callee: prototype" has f 'args (call ("leaf")) == ["g7@0:4"] and loc (call ("leaf")["result"]) == "g0@0:4" and not call ("leaf")["varargs"]'
ok "callee: clobbers fewer registers than it may" has f 'call ("leaf")["ipa_ra"] and not call ("printf")["ipa_ra"]'
ok "callee: variable arguments with al" has f 'call ("printf")["varargs"] and args (call ("printf")) == ["g7@0:8", "g6@0:4", "g2@0:8", "v0@0:8", "g0@0:1"]'
ok "loop without profile" has f 'r["calls"] == -1 and r["loops"][0]["line"] in (12, 13) and r["loops"][0]["trips"] < 0'
ok "options without input, output, plugin" has f '[o["text"] for o in r["options"] if o["text"][1:2] not in "mW"] == ["-O2", "-g", "-D", "quoted=\x22it\x27s\x22"] or print (r["options"])'
ok "compiler, folder, source, language" has f 'os.path.basename (r["gcc"]).startswith ("gcc") and r["source"] == os.getcwd () + "/t.c" and r["directory"] == os.getcwd () and r["language"] == "c"'
ok "isa=native allows the host's" has f 'r["isa_mode"] == "native" and "avx" not in r["isa"] and r["cpu"] != "generic" and "sse2" in r["isa_allowed"]'
ok "floating point flags" has f 'r["fp"]["trapping"] and r["fp"]["uses"] and not r["fp"]["fast"]'
ok "result in memory: a first parameter without name" has g 'r["parameters"][0]["name"] is None and loc (r["parameters"][0]) == "g7@0:8" and r["parameters"][0]["by_reference"] and loc (r["result"]) == "g0@0:8" and to (r["parameters"][0])["size"] == 40'
ok "__int128 in two registers" has g 'loc (par ("x")) == "g6@0:8 g2@8:8"'
ok "pointer to function" has g 'to (par ("h"))["kind"] == "function"'
ok "a call through a pointer" has g 'r["callees"][0]["name"] is None and args (r["callees"][0]) == ["g7@0:4", "g6@0:8"]'
ok "long double on the stack and in st" has ld 'loc (par ("x")) == "s0@0:16" and loc (r["result"]) == "x0@0:10" and typ (par ("x"))["x87"] and typ (par ("t"))["kind"] == "bool"'
ok "char aliases all, int not float" has copy 'pairs () == [(0, 2), (1, 2)]'

aiopt mode=collect cache=$work/cache hot=copy -- -O2 -fno-strict-aliasing -ffast-math -mavx2 -c t.c -o t.o -save-temps
"$store" "$work/cache" key copy > /dev/null
cat > p.c <<'END'
#include <stdlib.h>
__attribute__((noinline, noclone)) long walk (const unsigned char *p, long n) { long s = 0; for (long i = 0; i < n; i++) if (p[i] > 3) s += p[i] ^ i; return s; }
int main (int c, char **v) { (void) v; unsigned char b[100]; for (int i = 0; i < 100; i++) b[i] = i * c; long s = 0;
  for (int i = 0; i < 20000; i++) s += walk (b, 100); return s == 42; }
END
"$AIOPT_GCC" -O2 -fprofile-generate -fprofile-update=single -c p.c -o p.o &&
  "$AIOPT_GCC" -fprofile-generate p.o -o p && ./p
aiopt mode=collect cache=$work/cache report=pgo.json -- -O2 -fprofile-use -c p.c -o p.o
ok "profile: calls, trips, instructions" has walk 'print (r["calls"], r["loops"], r["insns_per_call"]) or r["calls"] == 20000 and any (90 < l["trips"] < 110 for l in r["loops"]) and r["insns_per_call"] > 300'
ok "profile: cold main is left alone" sh -c "tr -d '\n\t ' < pgo.json | tr '{' '\n' | grep '\"function\":\"main\"' | grep -q cold"
plan
