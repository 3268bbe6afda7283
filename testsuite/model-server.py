#!/usr/bin/env python3
"""A server for tests of what asks models: it answers chat requests from a folder, or misbehaves as the URL says.

usage: model-server.py [--answers FOLDER] [--log FOLDER] [--tls FOLDER]

It listens on loopback ports that the kernel picks and prints them, a line each, the last being "ready":
  port N    plain HTTP
  other N   another listener, which nobody has a reason to talk to; what it hears is counted (see /stats)
  hole N    a port that neither accepts nor refuses connections
  tls N     HTTPS (with --tls: FOLDER/cert.pem is a certificate for localhost that it has signed itself)
It runs until it is killed, or its standard input, where that is a pipe, ends, or its parent ends.

--log FOLDER: each request is kept as FOLDER/NNNN.json: {"method", "path", "headers" (names in lower case), "body" (JSON where it is
JSON, else text)}; "other-NNNN" are those of the other listener.

The base URL's first folder says how it behaves: http://127.0.0.1:PORT/MODE.TAG.  What is counted, is counted for MODE.TAG, so that
tests beside each other use different tags.  `v1` answers from --answers FOLDER:
  - the folder that is looked at is FOLDER/WORD where one of the request's messages but the system's has WORD, the name of a folder
    there, in it, else FOLDER itself;
  - of a folder the N-th question gets the N-th file in the order of names, then the last one again and again; NAME.txt is the
    content of an answer, NAME.json the whole body, NAME.STATUS.json the same with another status than 200;
  - N is counted by the model's turns in the request ("assistant" messages) where the folder has a file "by-turn", else by the
    requests that came for it;
  - no file: 404.
GET …/models lists the model "test-model" in all modes that answer at all.  GET /stats: {"other": connections, "requests": {…}}.

Modes: see class Modes; each method is one, with "_" for "-", and what comes behind the mode's name in the URL, separated by "-", are
its arguments: "/fail-2.a" fails two times.
Python's standard library alone.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import email.utils
import gzip
import json
import os
import re
import socket
import ssl
import stat
import struct
import subprocess
import sys
import threading
import time

LONGEST = 60  # seconds that a handler may dawdle

lock = threading.Lock()
arrived = threading.Condition(lock)
stats = {"other": 0, "requests": {}}
held = {}
options = None


class Closed(Exception):
    """The connection is to end, or has ended."""


class Request:
    def __init__(self, connection, reader):
        line = reader.readline(65536)
        if not line.strip():
            raise Closed
        self.connection = connection
        words = line.decode("latin-1").split()
        if len(words) != 3:
            self.head(400, [("Connection", "close")])
            raise Closed
        self.method, self.path = words[:2]
        # As a proxy is asked.
        self.path = re.sub("^http://[^/]*", "", self.path)
        self.headers = {}
        while True:
            line = reader.readline(65536)
            if not line or line in (b"\r\n", b"\n"):
                break
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.strip().lower()] = value.strip()
        if self.path.startswith("/slam"):
            # An end, and then a reset, while the body is being sent.
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.02)
            raise Closed
        self.body = reader.read(int(self.headers.get("content-length", "0")))
        self.json = None
        try:
            self.json = json.loads(self.body)
        except ValueError:
            pass

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            raise Closed

    def head(self, status, headers, version="1.1"):
        lines = ["HTTP/%s %d Whatever" % (version, status)] + ["%s: %s" % h for h in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def answer(self, body, status=200, headers=(), type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.head(status, [("Content-Type", type), ("Content-Length", str(len(data)))] + list(headers))
        self.send(data)

    def chat(self, content="hello", **more):
        self.answer(chat_body(content, **more))

    def dawdle(self, seconds=LONGEST):
        """Waits until the client goes away, for SECONDS at most."""
        self.connection.settimeout(seconds)
        try:
            self.connection.recv(1)
        except OSError:
            pass
        raise Closed


def chat_body(content="hello", finish="stop", usage=True, message=None):
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "test-model",
        "choices": [{"index": 0, "finish_reason": finish, "message": message or {"role": "assistant", "content": content}}],
    }
    if usage is True:
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    if usage:
        body["usage"] = usage
    return body


def error_body(message, type="invalid_request_error", code=None):
    return {"error": {"message": message, "type": type, "code": code}}


def form_of(body):
    """How the request's body asks for the answer's form."""
    form = body.get("response_format") or {}
    if "guided_json" in body:
        return "guided"
    if form.get("type") == "json_schema":
        return "json_schema"
    if form.get("type") == "json_object":
        return "schema" if "schema" in form else "json_object"
    return "none"


class Modes:
    # What is as it should be.
    def ok(self, r, n):
        r.chat()

    def echo(self, r, n):
        r.chat(r.body.decode())

    def json_suffix(self, r, n):
        r.answer(chat_body(), type="Application/Vnd.Test+JSON; charset=utf-8")

    def http10(self, r, n):
        r.head(200, [("Content-Type", "application/json")], version="1.0")
        r.send(json.dumps(chat_body()).encode())
        raise Closed

    def chunked(self, r, n):
        r.head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
        data = json.dumps(chat_body()).encode()
        for i in range(0, len(data), 7):
            piece = data[i:i + 7]
            r.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        r.send(b"0\r\n\r\n")

    def hold(self, r, n, count):
        """Answers when COUNT requests are there at once."""
        name = r.path
        with lock:
            held[name] = held.get(name, 0) + 1
            arrived.notify_all()
            enough = arrived.wait_for(lambda: held[name] >= int(count), timeout=15)
        if enough:
            r.chat()
        else:
            r.answer(error_body("only %d came" % held[name]), status=400)

    def later(self, r, n, seconds):
        time.sleep(float(seconds) / 10)
        r.chat()

    def once(self, r, n):
        """Answers, then closes the connection without having said so."""
        r.chat()
        raise Closed

    def slam(self, r, n):
        """Closes the connection when the headers have come, whatever is still to come (see Request)."""

    def first(self, r, n):
        """Answers a connection's first request, and closes it at the second."""
        if r.number > 1:
            raise Closed
        r.chat()

    def reset(self, r, n):
        """Answers, then breaks the connection off without an end."""
        r.chat()
        time.sleep(0.02)
        r.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(r.connection.detach())
        raise Closed

    # Slow.
    def slow_headers(self, r, n):
        r.send(b"HTTP/1.1 200 OK\r\nContent-")
        r.dawdle()

    def silent(self, r, n):
        r.dawdle()

    def slow_body(self, r, n):
        """A byte now and then, for ever."""
        r.head(200, [("Content-Type", "application/json"), ("Content-Length", "100000")])
        for i in range(LONGEST * 20):
            r.send(b" ")
            time.sleep(0.05)

    def stall_body(self, r, n):
        r.head(200, [("Content-Type", "application/json"), ("Content-Length", "100000")])
        r.send(b'{"choices":')
        r.dawdle()

    # Too much.
    def huge(self, r, n):
        r.head(200, [("Content-Type", "application/json"), ("Content-Length", str(50 << 20))])
        for i in range(50):
            r.send(b" " * (1 << 20))

    def huge_undeclared(self, r, n):
        r.head(200, [("Content-Type", "application/json")], version="1.0")
        for i in range(50):
            r.send(b" " * (1 << 20))
        raise Closed

    def huge_refusal(self, r, n):
        r.head(400, [("Content-Type", "application/json")], version="1.0")
        for i in range(50):
            r.send(b"\"" * (1 << 20))
        raise Closed

    def endless(self, r, n):
        r.head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
        while True:
            r.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    def many_headers(self, r, n):
        r.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        for i in range(2048):
            r.send(b"X-%d: " % i + b"x" * 1016 + b"\r\n")
        r.send(b"Content-Length: 2\r\n\r\n{}")

    def long_header(self, r, n):
        r.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (2 << 20) + b"\r\n\r\n")
        raise Closed

    def endless_continue(self, r, n):
        while True:
            r.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    def gzip(self, r, n):
        bomb = gzip.compress(b" " * (64 << 20), 9)
        r.answer(bomb, headers=[("Content-Encoding", "gzip")])

    def transfer_gzip(self, r, n):
        bomb = gzip.compress(b" " * (64 << 20), 9)
        r.head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "gzip, chunked")])
        r.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb))

    # Broken.
    def error_200(self, r, n):
        r.answer(error_body("the model fell over", "server_error", 500))

    def error_200_quota(self, r, n):
        r.answer(error_body("Insufficient credits", "", 402))

    def truncated(self, r, n):
        r.answer(json.dumps(chat_body()).encode()[:-20])

    def empty(self, r, n):
        r.answer(b"")

    def no_content(self, r, n):
        r.head(204, [])

    def html(self, r, n):
        r.answer(b"<html>{}</html>", type="text/html")

    def event_stream(self, r, n):
        r.answer(b"data: {}\n\n", type="text/event-stream")

    def close(self, r, n, times="1000000"):
        if n <= int(times):
            raise Closed
        r.chat()

    def close_amid(self, r, n, times="1000000"):
        if n > int(times):
            return r.chat()
        r.head(200, [("Content-Type", "application/json"), ("Content-Length", "1000")])
        r.send(b'{"choices":')
        raise Closed

    def close_chunk(self, r, n):
        r.head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
        r.send(b"1000\r\n{")
        raise Closed

    def nonsense(self, r, n):
        r.send(b"hello there\r\n\r\n" * 10)
        raise Closed

    def redirect(self, r, n, status="307"):
        r.answer({}, status=int(status), headers=[("Location", "http://127.0.0.1:%d/v1/chat/completions" % options.other_port)])

    # Refusals.
    def status(self, r, n, status, code="", *message):
        r.answer(error_body(" ".join(message) or "no", "t", code.replace("+", "_")), status=int(status))

    def plain_status(self, r, n, status):
        r.answer(b"<h1>no</h1>", status=int(status), type="text/html")

    def fail(self, r, n, times, status="500"):
        if n > int(times):
            return r.chat()
        r.answer(error_body("failed for the time of %d" % n, "server_error"), status=int(status))

    def rate(self, r, n, times, after=None):
        """429 TIMES times, with Retry-After AFTER: seconds, "date" (in a second, by a clock of its own), "never", "junk"."""
        if n > int(times):
            return r.chat()
        headers = []
        if after == "date":
            clock = time.time() - 5000
            headers = [("Date", email.utils.formatdate(clock, usegmt=True)),
                       ("Retry-After", email.utils.formatdate(clock + 1, usegmt=True))]
        elif after == "never":
            headers = [("Retry-After", email.utils.formatdate(time.time() + 1e6, usegmt=True))]
        elif after:
            headers = [("Retry-After", "soon" if after == "junk" else after)]
        r.answer(error_body("Rate limit reached", "requests", "rate_limit_exceeded"), status=429, headers=headers)

    def quota(self, r, n):
        r.answer(error_body("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota",
                            "insufficient_quota"), status=429)

    def quota_words(self, r, n, after=None):
        r.answer(error_body("You exceeded your current quota, please check your plan and billing details.", "x", 429), status=429,
                 headers=[("Retry-After", after)] if after else [])

    def echo_key(self, r, n, status="400"):
        key = r.headers.get("authorization", "").replace("Bearer ", "")
        r.answer(error_body("bad key: %s; it begins %s\nand ends %s\x1b[31m" % (key, key[:12], key[-9:]), key, key), status=int(status))

    def echo_location(self, r, n):
        key = r.headers.get("authorization", "").replace("Bearer ", "")
        r.answer({}, status=302, headers=[("Location", "http://127.0.0.1:%d/?%s" % (options.other_port, key))])

    def form(self, r, n, takes, vague="", status="400"):
        """Takes one FORM of asking for the answer's form; says why, unless VAGUE is so."""
        form = form_of(r.json or {})
        if form == takes.replace("+", "_"):
            return r.chat(form)
        message = "Bad request" if vague == "vague" else "response_format: this kind isn't supported"
        r.answer(error_body(message), status=int(status))

    def newer(self, r, n):
        """A server that wants max_completion_tokens, and takes no temperature and no seed."""
        for name, message in (("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
                              ("temperature", "Unsupported value: 'temperature'."), ("seed", "Unsupported parameter: 'seed'.")):
            if name in r.json:
                return r.answer(error_body(message), status=400)
        r.chat(r.body.decode())

    # Answers with status 200 that are none, or of another kind.
    def finish(self, r, n, reason):
        r.chat("half", finish=reason.replace("+", "_") if reason != "null" else None)

    def refusal(self, r, n):
        r.chat(message={"role": "assistant", "content": None, "refusal": "I'm sorry,\nno"})

    def body(self, r, n, which):
        text = json.dumps(chat_body("CONTENT"))
        r.answer({
            "utf8": text.encode().replace(b"CONTENT", b"\xc3\x28"),
            "surrogate": text.encode().replace(b"CONTENT", b"\xed\xa0\x80"),
            "zero": text.encode().replace(b"CONTENT", b"a\\u0000b"),
            "rawzero": text.encode().replace(b"CONTENT", b"a\0b"),
            "deep": b'{"choices":' + b"[" * 100000,
            "array": b"[]",
            "nochoice": b'{"choices":[]}',
            "nomessage": b'{"choices":[{}]}',
            "parts": text.encode().replace(b'"CONTENT"', b'[{"type":"text","text":"x"}]'),
            "null": text.encode().replace(b'"CONTENT"', b"null"),
            "number": text.encode().replace(b'"CONTENT"', b"7"),
            "twice": text.encode() * 2,
            "escaped": text.encode().replace(b"CONTENT", b"a\\\\u0000b"),
        }[which])

    def usage(self, r, n, which):
        r.chat("x" * 400, usage={
            "none": None, "negative": {"prompt_tokens": -5, "completion_tokens": -1},
            "absurd": {"prompt_tokens": 1e18, "completion_tokens": 1e300},
            "words": {"prompt_tokens": "11", "completion_tokens": [7]},
            "fraction": {"prompt_tokens": 11.5, "completion_tokens": 0.5}, "number": 7,
        }[which])

    def v1(self, r, n):
        """From --answers."""
        folder = options.answers or "/nonexistent"
        messages = (r.json or {}).get("messages", [])
        said = "\n".join(str(m.get("content")) for m in messages if m.get("role") != "system")
        entries = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        for name in entries:
            if os.path.isdir(os.path.join(folder, name)) and re.search(r"\b%s\b" % re.escape(name), said):
                folder = os.path.join(folder, name)
                entries = sorted(os.listdir(folder))
                break
        files = [name for name in entries if name.endswith((".txt", ".json"))]
        if not files:
            return r.answer(error_body("no answer for this"), status=404)
        n = count("answers " + folder)
        if "by-turn" in entries:
            n = 1 + sum(m.get("role") == "assistant" for m in messages)
        name = files[min(n, len(files)) - 1]
        with open(os.path.join(folder, name), "rb") as stream:
            data = stream.read()
        if name.endswith(".txt"):
            return r.chat(data.decode())
        status = name.split(".")[-2]
        r.answer(data, status=int(status) if re.fullmatch("[1-5][0-9][0-9]", status) and name.count(".") > 1 else 200)


def count(what):
    """One more of WHAT: how many that makes."""
    with lock:
        stats["requests"][what] = stats["requests"].get(what, 0) + 1
        return stats["requests"][what]


def log(request, prefix=""):
    if not options.log:
        return
    with lock:
        options.logged += 1
        number = options.logged
    body = request.json if request.json is not None else request.body.decode("utf-8", "replace")
    path = os.path.join(options.log, "%s%04d.json" % (prefix, number))
    with open(path + ".new", "w") as stream:
        json.dump({"method": request.method, "path": request.path, "headers": request.headers, "body": body}, stream, indent=1)
    os.rename(path + ".new", path)


def serve(request):
    if request.path == "/stats":
        with lock:
            body = json.dumps(stats).encode()
        return request.answer(body)
    place = (request.path.split("/") + [""])[1]
    n = count(place)
    mode, *arguments = place.split(".")[0].split("-")
    modes = Modes()
    # The mode's name may have "-" in it: the longest that there is.
    while arguments and hasattr(modes, mode + "_" + arguments[0]):
        mode += "_" + arguments.pop(0)
    behave = getattr(modes, mode, None)
    if behave is None or mode.startswith("_"):
        return request.answer(error_body("no mode '%s'" % mode), status=404)
    if request.path.endswith("/models") and mode not in ("status", "silent", "close", "quota", "empty"):
        return request.answer({"object": "list", "data": [{"id": "test-model"}, {"id": "other-model"}]})
    behave(request, n, *arguments)


def talk(connection, context, is_other):
    try:
        if is_other:
            with lock:
                stats["other"] += 1
        if context:
            connection.settimeout(10)
            connection = context.wrap_socket(connection, server_side=True)
        connection.settimeout(LONGEST)
        reader = connection.makefile("rb")
        number = 0
        while True:
            request = Request(connection, reader)
            number += 1
            request.number = number
            log(request, "other-" if is_other else "")
            serve(request)
    except (Closed, OSError, ValueError):
        pass
    finally:
        try:
            # What hasn't been read yet would turn the end into a reset.
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        connection.close()


def listen(context=None, is_other=False):
    """Serves on a port, which is returned."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)

    def accept():
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=talk, args=(connection, context, is_other), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def hole():
    """A port whose queue is full: further connections are neither made nor refused.  Returns it, and what has to be kept."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    kept = [listener]
    for _ in range(8):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        kept.append(client)
    return listener.getsockname()[1], kept


def certificate(folder):
    """A certificate in FOLDER that signs itself."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def main():
    global options
    parser = argparse.ArgumentParser(description="see the head of the file")
    parser.add_argument("--answers")
    parser.add_argument("--log")
    parser.add_argument("--tls")
    options = parser.parse_args()
    options.logged = 0
    options.other_port = listen(is_other=True)
    lines = ["port %d" % listen(), "other %d" % options.other_port]
    hole_port, kept = hole()
    lines.append("hole %d" % hole_port)
    if options.tls:
        lines.append("tls %d" % listen(certificate(options.tls)))
    print("\n".join(lines + ["ready"]), flush=True)
    parent = os.getppid()
    try:
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            while os.read(0, 4096):
                pass
        else:
            while os.getppid() == parent:
                time.sleep(0.2)
    except (KeyboardInterrupt, OSError):
        pass
    del kept
    os._exit(0)


main()
