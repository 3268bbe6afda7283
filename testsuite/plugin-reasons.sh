#!/bin/sh
# Each thing that aiopt can't keep true makes it leave the function alone, for its own reason.
# SPDX-License-Identifier: GPL-3.0-or-later
. "$(dirname "$0")/plugin-tap.sh"
# reason SLUG FLAGS SOURCE: function f of SOURCE is left alone for SLUG.
reason () {
  printf '%s\n' "$3" > t.cc
  case $3 in *C++*) language=c++ ;; *) language=c ;; esac
  rm -f r.json
  aiopt mode=apply hot=f,f.0,_Z1fi,_Z1fv cache=$work/none report=r.json -- -w -x $language $2 -S t.cc -o t.s || return 1
  tr -d '\n\t ' < r.json | tr '{' '\n' | grep '"function":"\(f\|f.0\|_Z1f[iv]\)"' | grep -q "\"decision\":\"left-alone\",\"reason\":\"$1\"" ||
    { cat r.json; return 1; }
}
try () { ok "$1: $2 $4" reason "$1" "$2" "$3"; }
plain='int f (int a) { return a * 3; }'
try volatile -O2 'int f (volatile int *p) { return *p; }' 'load'
try volatile -O2 'volatile int g; void f (void) { g = 3; }' 'store'
try volatile -O2 'long f (void) { return __builtin_ia32_rdtsc (); }' 'rdtsc'
try volatile -O2 'int f (void) { return __builtin_ia32_stmxcsr (); }' 'control register'
try atomic -O2 'void f (int *p) { __atomic_fetch_add (p, 1, 5); }' 'add'
try atomic -O2 'int f (int *p) { return __atomic_load_n (p, __ATOMIC_RELAXED); }' 'relaxed load'
try atomic -O2 'void f (int *p) { __atomic_store_n (p, 1, __ATOMIC_RELEASE); }' 'store'
try atomic -O2 'void f (int *p) { *p = 1; __atomic_thread_fence (5); }' 'fence'
try atomic -O2 'void f (int *p) { *p = 1; __atomic_signal_fence (5); p[1] = 2; }' 'compiler fence'
try atomic -O2 'void f (int *p) { while (*p) __builtin_ia32_pause (); }' 'pause'
try inline-asm -O2 'void f (int *p) { *p = 1; __asm__ ("nop"); }' 'basic'
try inline-asm -O2 'int f (int p) { __asm__ ("inc %0" : "+r" (p)); return p; }' 'operands'
try inline-asm -O2 'int f (int *p) { int a = *p; __asm__ volatile ("" ::: "memory"); return a + *p; }' 'empty'
try exceptions -O2 '/* C++ */ void g (); int f () { try { g (); } catch (int i) { return i; } return 0; }' 'catch'
try exceptions -O2 '/* C++ */ void g (); struct S { ~S (); }; int f () { S s; g (); return 0; }' 'destructor'
try setjmp -O2 '#include <setjmp.h>
jmp_buf b; int g (void); int f (void) { if (setjmp (b)) return 1; return g (); }' setjmp
try setjmp -O2 'void *f (int n) { static void *t[] = { &&a, &&b }; goto *t[n]; a: return t; b: return 0; }' 'computed goto'
try alloca -O2 'void g (char *); void f (int n) { char a[n]; g (a); }' 'vla'
try varargs -O2 'int f (int n, ...) { __builtin_va_list l; __builtin_va_start (l, n); n = __builtin_va_arg (l, int); __builtin_va_end (l); return n; }' ''
try stack-protector "-O2 -fstack-protector-all" "$plain" ''
try stack-protector "-O2 -fstack-protector-strong" 'void g (char *); void f (void) { char a[64]; g (a); }' ''
try tls -O2 '__thread int t; int f (void) { return t++; }' 'local exec'
try tls "-O2 -fPIC" 'extern __thread int t; int f (void) { return t; }' 'global dynamic'
try nested -O2 'int g (int n) { __attribute__((noinline)) int f (int a) { return a + n; } n = 2 + f (n); return f (n); }' ''
try nested -O2 'void h (int (*)(int)); void f (int n) { int g (int a) { return a + n; } h (g); }' 'makes a trampoline'
try call-convention -O2 '__attribute__((ms_abi)) int f (int a) { return a; }' ms_abi
try call-convention -O2 '__attribute__((ms_abi)) int g (int a); int f (int a) { return g (a) + 1; }' 'calls ms_abi'
try call-convention -O2 'void *f (void) { return __builtin_frame_address (1); }' 'callers frame'
try call-convention -O2 '__attribute__((force_align_arg_pointer)) int f (int a) { return a; }' 'realigns'
try call-convention -O2 'void exit (int); __attribute__((noreturn)) void f (int a) { exit (a); }' 'noreturn'
try off -O2 '__attribute__((aiopt ("off"))) int f (int a) { return a; }' ''
try not-target "-O2 -masm=intel" "$plain" ''
try not-target "-O2 -m32" "$plain" ''
try too-large -O1 "$(awk 'BEGIN { print "int f (int *a) {"; for (i = 0; i < 3000; i++) print "a[" i "] = a[" i + 1 "] * " i ";"; print "return 0; }" }')" '' 
for option in -pg "-pg -mfentry" -finstrument-functions -fpatchable-function-entry=2 -fsanitize=undefined -fsanitize=address \
  -fsanitize-coverage=trace-pc -fprofile-generate -fprofile-arcs --coverage -fstack-clash-protection -fstack-check \
  -mindirect-branch=thunk -mfunction-return=thunk -mharden-sls=all -fzero-call-used-regs=used -fsplit-stack \
  -fcallgraph-info -fstack-usage -fno-dwarf2-cfi-asm -dA -dp -fnon-call-exceptions -fsignaling-nans -mno-red-zone -mcmodel=large \
  -mgeneral-regs-only -ffixed-r12 -fcall-used-r12 -fcall-saved-r10 -mstackrealign -mpreferred-stack-boundary=5 -msse2avx \
  -fharden-compares -fgnu-tm -minstrument-return=call\ -pg; do
  try option "-O2 $option" "$plain"
done
try option -O0 "$plain"
try option -Og "$plain"
try option -O2 'register int v __asm__ ("r12"); int f (int a) { return a + v; }' 'global register'
# These are harmless and must not be reasons.
fine () {
  printf '%s\n' "$2" > t.c
  aiopt mode=apply hot=f cache=$work/none report=r.json -- -w $1 -S t.c -o t.s || return 1
  tr -d '\n\t ' < r.json | tr '{' '\n' | grep '"function":"f"' | grep -q '"decision":"kept"' || { cat r.json; return 1; }
}
ok "a frame is no reason" fine -O2 'void g (char *); int f (void) { char a[64]; g (a); return a[3]; }'
ok "a trap is no reason" fine -O2 'int f (int a) { if (a) __builtin_trap (); return 1; }'
ok "endbr64 is none" fine "-O2 -fcf-protection" "$plain"
ok "vzeroupper is none" fine "-O3 -mavx2" 'void g (void); void f (float *a) { for (int i = 0; i < 64; i++) a[i] *= 2; g (); }'
ok "a jump table is none" fine -O2 'int g (int); int f (int x) { switch (x) { case 0: return g (5); case 1: return g (77); case 2: return 3; case 3: return g(x)+ 9; case 4: return 6; case 5: return g (2)*3; case 7: return 12; } return 1; }'
ok "a goto is none" fine "-O2 -g" 'int g (int); int f (int a) { again: if (g (a)) goto again; return a; }'
ok "-fPIC, -fno-plt are none" fine "-O2 -fPIC -fno-plt" 'extern int e; int g (int); int f (int a) { return g (a) + e; }'
plan
