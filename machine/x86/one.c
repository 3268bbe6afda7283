/* One instruction of a running program.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"

#include <string.h>

int
insn__decode (const uint8_t *bytes, size_t size, struct decoded_insn *insn, struct why *why)
{
  ZydisDecoder decoder;
  struct zydis_insn x = { .bytes = bytes };
  memset (insn, 0, sizeof *insn);
  if (!ZYAN_SUCCESS (ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))
      || !ZYAN_SUCCESS (ZydisDecoderDecodeFull (&decoder, bytes, size, &x.zi, x.op)))
    return why__set (why, REASON_DECODE, "Zydis doesn't know the bytes");
  insn->length = x.zi.length;
  insn->mnemonic = ZydisMnemonicGetString (x.zi.mnemonic);
  insn->zydis = (uint16_t)x.zi.mnemonic;
  insn->callee = -1;
  return x86__classify (&x, insn, why) || x86__effects (&x, insn, why) ? -1 : 0;
}
