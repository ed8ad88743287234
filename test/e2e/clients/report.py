"""What all Python clients share: tasks from stdin, one JSON object a call on stdout.

A task is {"name", "kind", "scenario", "stream", "async", "tools", "extra", "retries", "repeat", "query"}.
"""

import asyncio
import hashlib
import inspect
import json
import sys

MESSAGES = [{"role": "user", "content": "Tell me about owls."}]
HOSTS = {
    "openai": "https://api.openai.com/v1",
    "custom": "https://llm.test/v1",
    "foreign": "https://other.test/v1",
    "azure": "https://contoso.openai.azure.com",
}
KEY = "sk-e2e-0123456789abcdef0123456789abcdef"
API_VERSION = "2024-10-21"
# The function that a task with tools offers.
SCHEMA = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "night": {"type": "integer"}},
    "required": ["field", "night"],
}
FUNCTION = {"name": "count_owls", "description": "Counts the owls of a field.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]


def dump(piece):
    """An event as text, whatever the SDK made it of."""
    if hasattr(piece, "model_dump"):
        piece = piece.model_dump(warnings=False)
    elif hasattr(piece, "dict"):
        piece = piece.dict()
    return json.dumps(piece, sort_keys=True, default=str)


def class_name(e):
    t = type(e)
    return t.__module__ + "." + t.__qualname__


def explain(e):
    """The exception as a program that catches it sees it."""
    causes, c = [], e.__cause__ or e.__context__
    while c is not None and len(causes) < 8:
        causes.append([class_name(c), str(c)])
        c = c.__cause__ or c.__context__
    return {
        "class": class_name(e),
        "mro": [t.__name__ for t in type(e).__mro__],
        "text": str(e),
        "causes": causes,
    }


def hand_over(answer, stream, take):
    """Takes an answer or, of a stream, each event; those of an asynchronous client in a loop."""
    if inspect.isawaitable(answer) or hasattr(answer, "__aiter__"):
        asyncio.run(await_over(answer, stream, take))
        return
    for event in answer if stream else [answer]:
        take(event)


async def await_over(answer, stream, take):
    if inspect.isawaitable(answer):
        answer = await answer
    if not stream:
        take(answer)
        return
    async for event in answer:
        take(event)


class Result:
    """What one call gave: every event dumped into one digest, and the text for people."""

    def __init__(self, name):
        self.out = {"name": name, "ok": False, "n_events": 0, "text": "", "tools": "", "finish": []}
        self.sum = hashlib.sha256()

    def event(self, dump, text, finish):
        self.out["n_events"] += 1
        self.sum.update(dump.encode() + b"\n")
        self.out["text"] += text or ""
        if finish:
            self.out["finish"].append(finish)

    def tool(self, name, arguments):
        """A call of a tool, or a piece of one: its name, and its arguments as text or whole."""
        if arguments and not isinstance(arguments, str):
            arguments = json.dumps(arguments, separators=(",", ":"))
        self.out["tools"] += (name or "") + (arguments or "")

    def run(self, call):
        try:
            call(self)
            self.out["ok"] = True
        except Exception as e:  # every class is a result
            self.out["error"] = explain(e)
            self.out["status"] = getattr(e, "status_code", None)
        self.out["digest"] = self.sum.hexdigest()[:16]
        print(json.dumps(self.out, separators=(",", ":")), flush=True)


def main(make_call):
    for task in json.load(sys.stdin):
        calls = make_call(task)
        for _ in range(task.get("repeat", 1)):
            Result(task["name"]).run(calls)
