# Shared by the conformance scripts: where things are, and GCC's own test sources.
# SPDX-License-Identifier: GPL-3.0-or-later
: "${AIOPT_BUILD:?set AIOPT_BUILD to the build directory}"
AIOPT_GCC=${AIOPT_GCC:-gcc-12}
PLUGIN=$AIOPT_BUILD/plugin/aiopt.so
PARAMETER=-fplugin-arg-aiopt

# Prints the folder gcc/testsuite of Debian's gcc-12-source, unpacked once into a cache folder; fails
# where the package isn't installed.
torture_sources ()
{
  tarball=$(ls /usr/src/gcc-12/gcc-12*.tar.* 2>/dev/null | head -n 1)
  [ -n "$tarball" ] || return 1
  unpacked=${AIOPT_TORTURE:-$AIOPT_BUILD/torture}
  if [ ! -e "$unpacked/.complete" ]; then
    mkdir -p "$unpacked"
    (
      flock 9
      [ -e "$unpacked/.complete" ] \
        || { tar -xf "$tarball" -C "$unpacked" --strip-components=1 --wildcards \
               '*/gcc/testsuite/gcc.c-torture/*' '*/gcc/testsuite/lib/*' '*/gcc/testsuite/config/*' \
             && touch "$unpacked/.complete"; }
    ) 9>"$unpacked.lock"
  fi
  echo "$unpacked/gcc/testsuite"
}
