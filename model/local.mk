# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += model/libmodel.a
model_libmodel_a_SOURCES = model/settings.h model/account.h model/http.h model/chat.h \
  model/text.c model/text.h model/http.c model/http-internal.h model/http-target.c model/http-try.c model/http-outcome.c \
  model/chat.c model/chat-internal.h model/chat-body.c model/chat-answer.c \
  model/account.c model/account-state.c model/account-state.h \
  model/recording.c model/recording.h

MODEL_TEST_LIBS = model/libmodel.a machine/libmachine.a $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += testsuite/model-http testsuite/model-chat testsuite/model-account
testsuite_model_http_SOURCES = testsuite/model-http.c testsuite/model-server.h
testsuite_model_http_LDADD = $(MODEL_TEST_LIBS)
TESTS += testsuite/model-http testsuite/model-chat testsuite/model-account
EXTRA_DIST += doc/llm.md testsuite/model-server.py
testsuite_model_chat_SOURCES = testsuite/model-chat.c testsuite/model-server.h
testsuite_model_chat_LDADD = $(MODEL_TEST_LIBS)
testsuite_model_account_SOURCES = testsuite/model-account.c testsuite/model-server.h
testsuite_model_account_LDADD = $(MODEL_TEST_LIBS)

check_PROGRAMS += testsuite/model-recording
testsuite_model_recording_SOURCES = testsuite/model-recording.c
testsuite_model_recording_LDADD = $(MODEL_TEST_LIBS)
TESTS += testsuite/model-recording
