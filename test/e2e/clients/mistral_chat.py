"""Chat by mistralai."""

from mistralai.client import Mistral

import report


def take(result, answer):
    text, finish = "", None
    for choice in answer.choices:
        part = getattr(choice, "delta", None) or choice.message
        text += part.content or ""
        finish = choice.finish_reason or finish
    result.event(report.dump(answer), text, finish)


def make_call(task):
    client = Mistral(api_key=report.KEY, timeout_ms=30000)

    def call(result):
        asked = {"model": task["scenario"], "messages": report.MESSAGES}
        if task["stream"]:
            for event in client.chat.stream(**asked):
                take(result, event.data)
        else:
            take(result, client.chat.complete(**asked))

    return call


report.main(make_call)
