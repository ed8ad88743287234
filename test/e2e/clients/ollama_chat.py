"""Chat by ollama-python."""

import ollama

import report


def take(result, part):
    result.event(report.dump(part), part.message.content, part.done_reason)


def make_call(task):
    client = ollama.Client(host="https://ollama.com", timeout=30)

    def call(result):
        asked = {"model": task["scenario"], "messages": report.MESSAGES}
        if task["stream"]:
            for part in client.chat(stream=True, **asked):
                take(result, part)
        else:
            take(result, client.chat(**asked))

    return call


report.main(make_call)
