"""What became of `make check-llm`'s run: lines "ok - …" and "not ok - …", and a summary.

Usage: report.py FOLDER AIOPT.  FOLDER holds tuned.jsonl (what the server was asked, serve.py), tune.json (what `aiopt tune` says) and
cache/llm (its recordings).  Each candidate that the model wrote is judged once more by `aiopt verify`, with a seed of its own.

SPDX-License-Identifier: GPL-3.0-or-later"""
import collections
import glob
import json
import os
import re
import subprocess
import sys

SEED = 20261127
SECONDS = 10  # of judging once more
# How `aiopt tune` begins what it tells a model of its candidates (policy/llm-tell.c, policy/llm.c), and what that means.
FATES = [
    ("refused before it ran", "refused"), ("can't be used", "refused"), ("nothing new", "nothing new"),
    ("is wrong:", "refuted"), ("isn't fast enough", "not faster"), ("gives the right results", "accepted"),
    ("couldn't be shown to be right", "unknown"), ("is not what was asked for", "no answer"), ("was cut off", "cut off"),
]


def ok(condition, name, *more):
    print("%s - %s" % ("ok" if condition else "not ok", name))
    for line in more:
        print("    %s" % line)


def proposals(text):
    """What an answer proposes, by the rules of the prompt; ValueError where it isn't what was asked for."""
    fence = re.fullmatch(r"\s*```(?:json)?\n(.*)\n```\s*", text, re.DOTALL)
    answer = json.loads(fence.group(1) if fence else text)
    if not isinstance(answer, dict) or not isinstance(answer.get("candidates"), list):
        raise ValueError("no object with a list of candidates")
    for candidate in answer["candidates"]:
        if candidate.get("form") not in ("c", "asm") or not isinstance(candidate.get("code"), str):
            raise ValueError("no form or code")
        flags = candidate.get("flags", [])
        if not isinstance(flags, list) or not all(isinstance(flag, str) and 0 < len(flag) <= 100 for flag in flags):
            raise ValueError("no list of flags")
    return answer["candidates"]


def fates(text):
    """What aiopt said of each candidate, or of an answer as a whole, in the message TEXT."""
    return [fate for piece in re.split(r"\n(?=Candidate \d+: )", text) for words, fate in FATES if words in piece.split("\n")[0]]


def verify(aiopt, folder, number, function, code, form, flags):
    """The verdict of `aiopt verify` on CODE in place of FUNCTION (of tune.json), and why."""
    path = os.path.join(folder, "judged", "%03d-%s.%s" % (number, function["function"], "c" if form == "c" else "s"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(code)
    run = subprocess.run([aiopt, "verify", function["file"], "--function", function["function"], path, "--json", "--seed", str(SEED),
                          "--budget", str(SECONDS), "--candidate-cflags", " ".join(flags)], capture_output=True, text=True)
    try:
        verdict = json.loads(run.stdout)
        return verdict["verdict"], verdict.get("reason") or ""
    except ValueError:
        return "unknown", (run.stderr or run.stdout).strip().split("\n")[0][:200]


def counted(counter):
    return ", ".join("%d %s" % (n, what) for what, n in counter.most_common()) or "none"


def look_requests(asked, answers, tune):
    """The requests as the server saw them, beside aiopt's own account."""
    questions = [line for line in asked if line["path"].endswith("/chat/completions")]
    forms = [line["form"] for line in questions]
    status = collections.Counter("%s: HTTP %d" % (line["form"], answers[line["request"]]["status"])
                                 for line in questions if line["request"] in answers)
    ok(questions and all(f["llm"]["requests"] > 0 for f in tune["functions"]), "the model is asked about every function")
    ok(len(asked) == tune["llm"]["requests"], "aiopt counts the requests that the server counts",
       "aiopt %d, server %d" % (tune["llm"]["requests"], len(asked)))
    ok(all(line["key"] for line in asked), "every request has the key")
    ok(all(line["seed"] is not None and line["max_tokens"] for line in questions), "every question has a seed and a limit")
    # It refuses json_schema; conversations that begin at once each find out.
    first = forms.index("schema") if "schema" in forms else len(forms)
    ok(first < len(forms) and set(forms[:first]) == {"json_schema"} and forms.count("json_schema") <= 3
       and all(answers[line["request"]]["status"] == 200 for line in questions
               if line["form"] == "schema" and line["request"] in answers),
       "structured output is asked for as json_schema, and, as that is refused, as json_object with a schema, which is taken",
       counted(status))
    return status


def look_replies(recordings, answers, tune):
    """Answers and what was told of them.  (function, candidate) of those that could be read, and counts."""
    read, candidates, told, tokens = collections.Counter(), [], collections.Counter(), 0
    seen = {(a["usage"]["prompt_tokens"], a["usage"]["completion_tokens"]) for a in answers.values() if a.get("usage")}
    for recording in recordings:
        try:
            proposed = proposals(recording["answer"]) if recording["finish"] == "stop" else None
        except (ValueError, AttributeError):
            read["not what was asked for"] += 1
        else:
            if proposed is None:
                read["cut off"] += 1
            else:
                read["parsed, with candidates" if proposed else "parsed, with none"] += 1
                candidates += [(recording["function"], candidate) for candidate in proposed]
        if recording["turn"] > 1:
            told.update(fates(recording["said"][-1]["content"]) or ["something else"])
    ok(recordings and all((r["prompt_tokens"], r["answer_tokens"]) in seen for r in recordings),
       "answers are recorded, with the tokens that the server says")
    ok(sum(read[name] for name in read if name.startswith("parsed")) > 0, "replies are parsed", counted(read))
    ok("something else" not in told and sum(told.values()) > 0, "the model is told a verdict on what it proposes", counted(told))
    return read, candidates, told


def look_candidates(aiopt, folder, candidates, tune):
    """Every candidate once more, with another seed."""
    functions = {function["function"]: function for function in tune["functions"]}
    verdicts, seen, accepted, wrong = collections.Counter(), {}, [], []
    for name, candidate in candidates:
        what = (name, candidate["form"], candidate["code"], tuple(candidate.get("flags", [])))
        if what not in seen:
            seen[what] = verify(aiopt, folder, len(seen), functions[name], *[candidate["code"], candidate["form"], what[3]])
            verdicts["%s (%s)" % seen[what] if seen[what][1] else seen[what][0]] += 1
    for function in tune["functions"]:
        if not function["rewritten"]:
            continue
        accepted.append("%s: %s, %.2f times as fast, %s" % (function["function"], function["verdict"], function["ratio"], function["provenance"]))
        # The code that was kept, which is what a build gets.
        shown = subprocess.run([aiopt, "explain", "--json", "--cache", os.path.join(folder, "cache"), function["key"]],
                               capture_output=True, text=True)
        code = function["function"] + ":\n" + json.loads(shown.stdout)[0]["new_code"]
        verdict, why = verify(aiopt, folder, len(seen) + len(accepted), function, code, "asm", [])
        accepted.append("    once more: %s %s" % (verdict, why))
        if verdict not in ("proved", "bounded", "tested"):
            wrong.append(function["function"])
    ok(not wrong, "what was accepted is accepted once more, with another seed", *(accepted or ["nothing was accepted"]))
    return verdicts, [line for line in accepted if not line.startswith(" ")]


def main():
    folder, aiopt = sys.argv[1:]
    lines = [json.loads(line) for line in open(os.path.join(folder, "tuned.jsonl"))]
    asked = [line for line in lines if "request" in line and line["agent"].startswith("aiopt/")]
    answers = {line["answer"]: line for line in lines if "answer" in line}
    tune = json.load(open(os.path.join(folder, "tune.json")))
    recordings = [json.load(open(path)) for path in sorted(glob.glob(os.path.join(folder, "cache", "llm", "*.json")))]
    status = look_requests(asked, answers, tune)
    read, candidates, told = look_replies(recordings, answers, tune)
    verdicts, accepted = look_candidates(aiopt, folder, candidates, tune)
    print()
    print("functions             %d, %.0f s" % (len(tune["functions"]), sum(f["seconds"] for f in tune["functions"])))
    for function in tune["functions"]:
        print("  %-20s%s" % (function["function"], "accepted" if function["rewritten"] else "%(reason)s: %(detail).120s" % function))
    print("requests              %d: %s" % (tune["llm"]["requests"], counted(status)))
    print("tokens                %(prompt_tokens)d read, %(answer_tokens)d written" % tune["llm"])
    print("replies               %d: %s" % (len(recordings), counted(read)))
    print("candidates            %d in all, %d reached the verifier" % (len(candidates), sum(f["tried"] for f in tune["functions"])))
    print("told to the model     %s" % counted(told))
    print("`aiopt verify` says   %s of those that differ" % counted(verdicts))
    print("accepted              %d" % len(accepted))
    for line in accepted:
        print("  " + line)
    print()


main()
