# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += bench/libbench.a
bench_libbench_a_SOURCES =
