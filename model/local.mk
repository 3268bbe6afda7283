# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += model/libmodel.a
model_libmodel_a_SOURCES = model/settings.h model/account.h model/http.h model/chat.h
