# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += model/libmodel.a
model_libmodel_a_SOURCES = model/settings.h model/account.h model/http.h model/chat.h \
  model/text.c model/text.h model/http.c model/http-internal.h model/http-target.c model/http-try.c model/http-outcome.c \
  model/chat.c model/chat-internal.h model/chat-body.c model/chat-answer.c \
  model/account.c model/account-state.c model/account-state.h

MODEL_TEST_LIBS = model/libmodel.a machine/libmachine.a $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += testsuite/model-http
testsuite_model_http_SOURCES = testsuite/model-http.c testsuite/model-server.h
testsuite_model_http_LDADD = $(MODEL_TEST_LIBS)
TESTS += testsuite/model-http
EXTRA_DIST += doc/llm.md testsuite/model-server.py
