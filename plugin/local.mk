# SPDX-License-Identifier: GPL-3.0-or-later
# The plugin: GCC's side in C++, the core in C.  Not with sanitizers: cc1 has none.
PLUGIN_TESTS = testsuite/plugin-noop.sh testsuite/plugin-options.sh testsuite/plugin-reasons.sh \
  testsuite/plugin-facts.sh testsuite/plugin-splice.sh testsuite/plugin-helper.sh
EXTRA_DIST += plugin/aiopt.map doc/plugin.md testsuite/plugin-tap.sh $(PLUGIN_TESTS)

if !SANITIZE
gccplugin_PROGRAMS += plugin/aiopt.so
TESTS += $(PLUGIN_TESTS)
endif

plugin_aiopt_so_SOURCES = \
  plugin/border.h plugin/core.h plugin/gcc-common.h plugin/shim.h \
  plugin/core.c plugin/helper.c plugin/options.c plugin/report.c \
  plugin/driver.cc plugin/facts.cc plugin/obstacles.cc plugin/passes.cc plugin/plugin.cc \
  plugin/profile.cc plugin/types.cc plugin/values.cc
plugin_aiopt_so_CXXFLAGS = -std=gnu++17 -fno-rtti -fno-exceptions -fPIC -fvisibility=hidden \
  -fvisibility-inlines-hidden -Wall -Wextra -isystem $(GCC_PLUGIN_DIR)/include
plugin_aiopt_so_LDFLAGS = -shared -Wl,--version-script=$(top_srcdir)/plugin/aiopt.map \
  -Wl,--exclude-libs,ALL -Wl,-z,lazy -Wl,--gc-sections -Wl,--as-needed -static-libstdc++ -static-libgcc
# SQLite and libsodium as archives (the -dev packages have them, position-independent): binding their symbols at load
# would double what the plugin costs a compile with nothing hot.
plugin_aiopt_so_LDADD = cache/libcache.a machine/libmachine.a -l:libsqlite3.a -l:libsodium.a \
  $(CJSON_LIBS) -lm
plugin_aiopt_so_DEPENDENCIES = cache/libcache.a machine/libmachine.a \
  $(top_srcdir)/plugin/aiopt.map

# Plays the tuner in the plugin's tests.
check_PROGRAMS += testsuite/plugin-store
testsuite_plugin_store_SOURCES = testsuite/plugin-store.c
testsuite_plugin_store_LDADD = cache/libcache.a machine/libmachine.a $(CACHE_LIBS) $(MACHINE_LIBS)
