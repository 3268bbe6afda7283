# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += config/libconfig.a
config_libconfig_a_SOURCES = config/config.h config/internal.h config/config.def config/config.c config/config-file.c config/name.c \
  config/path.c config/value.c
EXTRA_DIST += doc/config.md

check_PROGRAMS += testsuite/config-read
testsuite_config_read_SOURCES = testsuite/config-read.c
# Its own free looks for keys in what is freed.
testsuite_config_read_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free
testsuite_config_read_LDADD = config/libconfig.a machine/libmachine.a $(CONFIG_LIBS) $(MODEL_LIBS) $(MACHINE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/config-read testsuite/cli-config.sh
EXTRA_DIST += testsuite/cli-config.sh
