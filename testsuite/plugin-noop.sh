#!/bin/sh
# With the plugin loaded and nothing cached, the assembler text is GCC's own, byte for byte; cold functions are not
# even captured; hot ones are captured and written back.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
cat > c.c <<'END'
#include <stdio.h>
#include <string.h>
struct node { struct node *next; int v; char name[10]; unsigned b:3; double d; };
struct big { long a[5]; };
extern int ext[]; static const int tab[4] = {1,2,3,4}; int glob[100];
static int __attribute__((noinline)) leaf (int a) { return a * 3; }
double f (struct node *restrict n, const float *p, int k, double d, struct big b)
{ double s = 1.5; for (; n; n = n->next) { s += n->v * p[k & 7] + n->d + tab[k&3]; glob[n->b]++; ext[3] += leaf (k); }
  printf ("%f %d %s\n", s, k, "lit"); return s * d + b.a[2]; }
struct big g (__int128 x, char c, int (*h)(int, long)) { struct big r; memset (&r, h (c, x >> 64), sizeof r); return r; }
int sw (int x) { switch (x) { case 0: return 5; case 1: return 77; case 2: puts ("a"); return 3; case 3: puts ("b"); return 9;
  case 4: return ext[0]; case 5: return ext[2]; case 6: return leaf (x); case 7: return 12; } return 1; }
_Complex double z (_Complex double a, long double b) { return a * b; }
void at (int *p, volatile int *q) { __atomic_fetch_add (p, *q, 5); __asm__ ("nop"); }
int va (int n, ...) { __builtin_va_list l; __builtin_va_start (l, n); n += __builtin_va_arg (l, int); __builtin_va_end (l); return n; }
int dyn (int n) { char a[n]; memset (a, n, n); return a[n / 2] + printf ("%s", a); }
void *lab (int n) { static void *t[] = { &&a, &&b }; goto *t[n]; a: return t; b: return 0; }
__attribute__((cold)) void die (void);
int part (int *p) { if (!p) { puts ("x"); die (); } return *p; }
int jump (int a) { goto end; end: return a; }
END
cat > cc.cc <<'END'
struct S { int a; S (int); virtual int v (int x) { return x + a; } virtual ~S (); S (const S &); };
struct T : virtual S { T () : S (1) {} int v (int x) override { return x * 3; } };
template <class X> X twice (X x) { return x + x; }
template int twice<int> (int);
S copy (S s, int n) { if (n > 3) throw n; return s; }
int callv (S &s, int (S::*pm)(int)) { try { return (s.*pm) (3); } catch (int i) { return i; } }
T *make () { return new T; }
struct Empty {};
int emp (Empty, int &r, long double ld, bool b) { return r + (int) ld + b; }
typedef float v8 __attribute__ ((vector_size (32)));
__attribute__((target ("avx2"))) v8 vec (v8 a, v8 *b) { return a + *b; }
END
same () { # FLAGS FILE
  # The same output name for both: instrumented code names its own file.
  "$AIOPT_GXX" -w $1 -S "$2" -o out.s && mv out.s plain.s &&
  "$AIOPT_GXX" -w $1 -S "$2" -o out.s -fplugin="$plugin" -fplugin-arg-aiopt-mode=apply \
    -fplugin-arg-aiopt-hot=all -fplugin-arg-aiopt-cache="$work/none" && cmp plain.s out.s
}
for flags in -O1 -O2 -Os "-O3 -march=native" "-O2 -g -fPIC -fstack-protector-strong -gno-record-gcc-switches" \
  "-O3 -g3 -fcf-protection -ffunction-sections -gno-record-gcc-switches" "-O2 -masm=intel" "-O2 -fverbose-asm -dA" \
  "-O2 -pg -mfentry" "-O2 -fpatchable-function-entry=4,2" "-O2 -fno-plt -fPIC" "-O2 -fprofile-generate -frandom-seed=1" \
  "-O0" "-Og -g -gno-record-gcc-switches" "-O2 -fsanitize=undefined" "-O2 -fno-asynchronous-unwind-tables"; do
  for file in c.c cc.cc; do
    AIOPT_GXX_SAVED=$AIOPT_GXX
    [ $file = c.c ] && AIOPT_GXX=$AIOPT_GCC
    # -fverbose-asm names the plugin among the options: compare without it.
    case $flags in *verbose*) ok "identical $file $flags" sh -c "'$AIOPT_GXX' -w $flags -S $file -o a.s && \
      '$AIOPT_GXX' -w $flags -S $file -o b.s -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-hot=all \
      -fplugin-arg-aiopt-cache='$work/none' && grep -v '^ *#' a.s > a1.s && grep -v '^ *#' b.s > b1.s && cmp a1.s b1.s" ;;
    *) ok "identical $file $flags" same "$flags" $file ;; esac
    AIOPT_GXX=$AIOPT_GXX_SAVED
  done
done
ok "nothing is printed" sh -c "test -z \"\$('$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-cache='$work/none' \
  -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-hot=all -w -O2 -c c.c -o /dev/null 2>&1)\""
ok "no cache folder is made in mode=apply" test ! -e none
ok "-fsyntax-only" "$AIOPT_GCC" -fplugin="$plugin" -w -O2 -fsyntax-only c.c
ok "-pipe and -save-temps" "$AIOPT_GCC" -fplugin="$plugin" -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-hot=all \
  -w -O2 -pipe -save-temps -c c.c
echo 'int g (int); int main (void) { return g (0); }' > l1.c; echo '__attribute__((noinline)) int g (int a) { return a * a; }' > l2.c
ok "-flto" sh -c "'$AIOPT_GCC' -fplugin='$plugin' -fplugin-arg-aiopt-mode=apply -fplugin-arg-aiopt-hot=all -O2 -flto l1.c l2.c -o l && ./l"
ok "only two symbols are exported" sh -c "test \"\$(nm -D --defined-only '$plugin' | awk '{print \$3}' | sort | tr '\n' ' ')\" = \
  'plugin_init plugin_is_GPL_compatible '"
plan
