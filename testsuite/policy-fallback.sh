#!/bin/sh
# Guard plus fallback: a candidate that takes a fast path under a condition and jumps to aiopt_original otherwise is one function to the
# verifier: right guards are accepted, wrong ones refuted, calls refused with what to write instead; a build applies such a candidate.
# SPDX-License-Identifier: GPL-3.0-or-later
source=${AIOPT_SOURCE:-${srcdir:-.}}
. "$source/testsuite/tap.sh"
needs_plugin
aiopt=$AIOPT_BUILD/cli/aiopt
gcc=${AIOPT_GCC:-gcc}
dir=$(mktemp -d "${TMPDIR:-/tmp}/aiopt fallback.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/tmp"
TMPDIR=$dir/tmp; export TMPDIR
cd "$dir" || exit 99

cat >original.c <<'END'
#include <stddef.h>
void scale (int *to, const int *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = from[i] * 3 + 1;
}
float total (const float *a, size_t n)
{
  float s = 0;
  for (size_t i = 0; i < n; i++)
    s += a[i];
  return s;
}
unsigned down (unsigned n)
{
  if (n < 3)
    return n;
  return down (n / 2) + down (n / 3) * 5;
}
int weigh (unsigned c, int x)
{
  switch (c)
    {
    case 0: return x + 1;
    case 1: return x * 3;
    case 2: return x ^ 0x55;
    case 3: return x - 77;
    case 4: return x << 3;
    case 5: return ~x;
    case 6: return x >> 2;
    case 7: return x | 0x1000;
    default: return 0;
    }
}
double blend (double a, double b, int c)
{
  if (c == 3)
    return a * 1.5 + 0.25;
  return a * 2.75 - b * 0.125;
}
unsigned fold (const unsigned char *p, size_t n)
{
  unsigned a = 1;
  for (size_t i = 0; i < n; i++)
    a += p[i];
  return a % 65521;
}
void touch (int *p, int n) { if (n > 0) p[0] = p[1] * n; }
END
cp original.c original.cc
cat >main.c <<'END'
#include <stddef.h>
#include <stdio.h>
void scale (int *to, const int *from, size_t n);
int main (void)
{
  static int a[1003], b[1003];
  unsigned sum = 0;
  for (int i = 0; i < 1003; i++)
    b[i] = i * i;
  for (size_t n = 0; n < 1000; n += 37)
    scale (a, b, n);
  for (size_t d = 0; d < 4; d++)
    scale (b + d, b, 999);
  for (int i = 0; i < 1003; i++)
    sum = sum * 31 + (unsigned) (a[i] ^ b[i]);
  printf ("%u\n", sum);
  return 0;
}
END
# scale's loop, vectors of four, for objects that overlap by three elements or less or not at all; GUARD bytes are needed between them.
scale () # GUARD
{
  cat <<END
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
void scale (int *to, const int *from, size_t n);
extern __typeof__ (scale) aiopt_original;
void scale (int *to, const int *from, size_t n)
{
  if (n < 8 || (uintptr_t) to - (uintptr_t) from < $1)
    {
      aiopt_original (to, from, n);
      return;
    }
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    {
      __m128i x = _mm_loadu_si128 ((const __m128i *) (from + i));
      x = _mm_add_epi32 (_mm_add_epi32 (_mm_slli_epi32 (x, 1), x), _mm_set1_epi32 (1));
      _mm_storeu_si128 ((__m128i *) (to + i), x);
    }
  for (; i < n; i++)
    to[i] = from[i] * 3 + 1;
}
END
}
scale 16 >behind.c
scale 12 >wrong.c
# Not 4 * n bytes: that goes round where n is huge.
sed 's/(uintptr_t) to - (uintptr_t) from < 12/((uintptr_t) to - (uintptr_t) from) \/ 4 < n/' wrong.c >disjoint.c
cat >total.c <<'END'
#include <stddef.h>
extern float aiopt_original (const float *a, size_t n);
float total (const float *a, size_t n) { if (n == 0) return 0; return aiopt_original (a, n); }
END
sed 's/return 0;/return -0.0f;/' total.c >minus.c
cat >down.c <<'END'
extern unsigned aiopt_original (unsigned n);
unsigned down (unsigned n) { if (n == 7) return 16; return aiopt_original (n); }
END
cat >weigh.c <<'END'
extern int aiopt_original (unsigned c, int x);
int weigh (unsigned c, int x) { if (c == 1) return x + 2 * x; return aiopt_original (c, x); }
END
cat >blend.c <<'END'
extern double aiopt_original (double a, double b, int c);
double blend (double a, double b, int c) { if (c == 3) return a * 1.5 + 0.25; return aiopt_original (a, b, c); }
END
sed 's/return aiopt_original (a, b, c)/& + 1/' blend.c >call.c
sed 's/^extern //' blend.c >blend.cc
sed 1d blend.c >undeclared.c
printf 'touch:\n\ttestl %%esi, %%esi\n\tjne aiopt_original\n\tret\n' >touch.s
printf 'touch:\n\ttestl %%esi, %%esi\n\tjs .L1\n\tret\n.L1:\tjmp aiopt_original\n' >signs.s
# Below 48 bytes the original's remainder never does anything.
cat >fold.c <<'END'
#include <stddef.h>
extern unsigned aiopt_original (const unsigned char *p, size_t n);
unsigned fold (const unsigned char *p, size_t n)
{
  if (n < 48)
    return aiopt_original (p, n);
  unsigned a = 1, b = 0;
  size_t i = 0;
  for (; i + 2 <= n; i += 2)
    {
      a += p[i];
      b += p[i + 1];
    }
  if (i < n)
    a += p[i];
  return (a + b) % 65521;
}
END
printf 'touch:\n\tcmpl $12345, %%esi\n\tjne aiopt_original\n\tmovl $12344, %%esi\n\tjmp aiopt_original\n' >hands.s
printf 'touch:\n\tpushq %%rbx\n\tjmp aiopt_original\n' >pushes.s
printf 'touch:\n\tcall aiopt_original\n\tret\n' >call.s
printf 'touch:\n\tleaq aiopt_original(%%rip), %%rax\n\tjmp *%%rax\n' >address.s
printf 'touch:\n\tjmp aiopt_original+4\n' >inside.s

# verdict STATUS PATTERN FUNCTION CANDIDATE [OPTION…]: the exit status, and a line of what is printed.
verdict ()
{
  want=$1; pattern=$2; function=$3; candidate=$4; shift 4
  case $candidate in *.cc) original=original.cc ;; *) original=original.c ;; esac
  "$aiopt" verify "$original" --function "$function" "$candidate" --budget 8 --candidate-cflags -fno-tree-vectorize "$@" >out 2>&1
  status=$?
  cat out
  case $status in $want) ;; *) false ;; esac || { echo "exit status $status instead of $want"; return 1; }
  grep -Eq -e "$pattern" out || { echo "no line like $pattern"; return 1; }
}

builds () # MODE OUTPUT
{
  "$gcc" -O2 -fplugin="$AIOPT_BUILD/plugin/aiopt.so" -fplugin-arg-aiopt-mode="$1" -fplugin-arg-aiopt-hot=scale \
    -fplugin-arg-aiopt-cache=cache -S -o "$2" original.c
}
applied ()
{
  "$gcc" -O2 -S -o plain.s original.c && builds collect collect.s || return 1
  text=$(sed 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g' behind.c | sed ':a;N;$!ba;s/\n/\\n/g')
  {
    echo 'read -r region'
    echo "cat <<'LINE'"
    printf '{"type":"candidate","form":"c","text":"%s\\n","cflags":["-fno-tree-vectorize"]}\n' "$text"
    echo LINE
    echo 'read -r verdict'
    echo "echo '{\"type\":\"done\"}'"
  } >policy
  "$aiopt" tune --cache cache --budget 20 --json --policy "exec:sh ./policy" >out; cat out
  grep -q '"rewritten":1' out || return 1
  builds apply new.s && ! cmp -s plain.s new.s || return 1
  ! grep aiopt_original new.s && grep -q 'pslld' new.s || return 1
  for unit in plain new; do
    "$gcc" -O2 -o "$unit" "$unit.s" main.c && "./$unit" >"$unit.out" || return 1
  done
  cat new.out
  [ -s new.out ] && cmp plain.out new.out
}

good='^(tested|bounded|proved)$'
plan 24
check "vectors for objects that don't overlap, the original else" verdict 0 "$good" scale disjoint.c
check "the same where the original has a vector version of its own" verdict 0 "$good" scale behind.c -- -O3
check "a guard that lets one overlap too many through is refuted" verdict 1 'counterexample' scale wrong.c
check "a reduction of floats, guarded by n == 0" verdict 0 "$good" total total.c
check "with the wrong zero" verdict 1 'expected 0.0, found -0.0' total minus.c
check "an original that calls itself" verdict 0 "$good" down down.c
check "an original with a jump table" verdict 0 "$good" weigh weigh.c
check "constants of the same names on both sides" verdict 0 "$good" blend blend.c
check "the same in C++, where the original's name is mangled" verdict 0 "$good" _Z5blendddi blend.cc
check "position-independent code jumps by way of the PLT" verdict 0 "$good" blend blend.c -- -O2 -fPIC
check "or of the offset table" verdict 0 "$good" blend blend.c -- -O2 -fPIC -fno-plt
check "where the user's own code makes no tail calls" verdict 0 "$good" blend blend.c -- -O2 -fno-optimize-sibling-calls
check "with endbr64" verdict 0 "$good" weigh weigh.c -- -O2 -fcf-protection
check "a conditional jump in assembler" verdict 0 "$good" touch touch.s
check "a wrong condition in assembler is refuted" verdict 1 'counterexample' touch signs.s
check "what its guard makes idle in the original needs no test" verdict 0 "$good" fold fold.c
check "a fallback that is handed something else in one case is refuted" verdict 1 'counterexample' touch hands.s
check "a stack that isn't as at entry is not accepted" verdict '[12]' '[(]cfi: ' touch pushes.s
check "a call is refused, with what to write" verdict 2 'calls: aiopt_original is called; it may only be jumped to: write' blend call.c
check "a call in assembler too" verdict 2 'calls: aiopt_original is called' touch call.s
check "its address is refused" verdict 2 'new-symbol: lea.* aiopt_original; it may only be jumped to' touch address.s
check "a jump into it is refused" verdict 2 'new-symbol: jmp with aiopt_original' touch inside.s
check "an original that nobody declared is the compiler's error" verdict 2 'implicit declaration of function .aiopt_original' blend undeclared.c
check "a build applies such a candidate, and the program says the same" applied
