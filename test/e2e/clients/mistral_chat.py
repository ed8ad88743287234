"""Chat by mistralai."""

from mistralai.client import Mistral
from mistralai.client.utils import BackoffStrategy, RetryConfig

import report


# A client of its own accord asks once.
RETRY = RetryConfig("backoff", BackoffStrategy(100, 200, 1.5, 10000), True)


def take(result, answer):
    answer = getattr(answer, "data", answer)
    text, finish = "", None
    for choice in answer.choices:
        part = getattr(choice, "delta", None) or choice.message
        text += part.content or ""
        for tool in part.tool_calls or []:
            result.tool(tool.function.name, tool.function.arguments)
        finish = choice.finish_reason or finish
    result.event(report.dump(answer), text, finish)


def make_call(task):
    client = Mistral(api_key=report.KEY, timeout_ms=30000)

    def call(result):
        asked = {"model": task["scenario"], "messages": report.MESSAGES}
        if task.get("tools"):
            asked["tools"] = report.TOOLS
        if task.get("retries"):
            asked["retries"] = RETRY
        name = ("stream" if task["stream"] else "complete") + ("_async" if task.get("async") else "")
        report.hand_over(getattr(client.chat, name)(**asked), task["stream"], lambda piece: take(result, piece))

    return call


report.main(make_call)
