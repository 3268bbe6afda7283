/* Every GCC header that the plugin's C++ side needs, in an order that works, with shims keyed on the GCC
   that the plugin is built for (GCCPLUGIN_VERSION; 11 and 12 are known), and the border to the core.
   The border's types live in namespace aiopt: GCC has a `loop` and a `type` of its own.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_GCC_COMMON_H
#define AIOPT_GCC_COMMON_H

/* Before GCC's headers, which poison parts of libc; the border's includes then are no-ops.  */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <algorithm>
#include <string>
#include <vector>

#include "gcc-plugin.h"
#include "plugin-version.h"

#include "backend.h"
#include "rtl.h"
#include "tree.h"
#include "gimple.h"
#include "cfghooks.h"
#include "tree-pass.h"
#include "memmodel.h" /* goes before emit-rtl.h and tm_p.h */
#include "tm_p.h"
#include "ssa.h"
#include "insn-config.h"
#include "regs.h"
#include "emit-rtl.h"
#include "diagnostic-core.h"
#include "alias.h"
#include "attribs.h"
#include "calls.h"
#include "cfgloop.h"
#include "cfgrtl.h"
#include "cgraph.h"
#include "context.h"
#include "debug.h"
#include "dumpfile.h"
#include "except.h"
#include "explow.h"
#include "flags.h"
#include "fold-const.h"
#include "gimple-iterator.h"
#include "function-abi.h"
#include "langhooks.h"
#include "opts.h"
#include "options.h"
#include "output.h"
#include "predict.h"
#include "profile.h"
#include "rtl-iter.h"
#include "stor-layout.h"
#include "stringpool.h"
#include "target.h"
#include "toplev.h"
#include "tree-eh.h"
#include "tree-pretty-print.h"
#include "varasm.h"
#include "insn-attr.h"

#if GCCPLUGIN_VERSION_MAJOR < 11 || GCCPLUGIN_VERSION_MAJOR > 12
# error "aiopt's plugin knows GCC 11 and 12; for others, look at each #if in gcc-common.h first"
#endif

#if GCCPLUGIN_VERSION_MAJOR >= 12
# define AIOPT_HARDEN_SLS (ix86_harden_sls != 0)
/* vzeroupper is a call in GCC 12's RTL.  */
# define AIOPT_UNSPEC_CALLEE_ABI UNSPEC_CALLEE_ABI
#else
# define AIOPT_HARDEN_SLS false
# define AIOPT_UNSPEC_CALLEE_ABI -1
#endif

namespace aiopt {
extern "C" {
#include "plugin/border.h"
}
}

#endif
