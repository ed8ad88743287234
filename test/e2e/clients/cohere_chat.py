"""Chat by cohere, version 2 of its API."""

import cohere

import report


def take_event(result, event):
    delta = getattr(event, "delta", None)
    content = getattr(getattr(delta, "message", None), "content", None)
    result.event(report.dump(event), getattr(content, "text", None), getattr(delta, "finish_reason", None))


def make_call(task):
    client = cohere.ClientV2(api_key=report.KEY, timeout=30)

    def call(result):
        asked = {
            "model": task["scenario"],
            "messages": report.MESSAGES,
            "request_options": {"max_retries": task.get("retries", 0)},
        }
        if task["stream"]:
            for event in client.chat_stream(**asked):
                take_event(result, event)
        else:
            answer = client.chat(**asked)
            text = "".join(block.text for block in answer.message.content or [])
            result.event(report.dump(answer), text, answer.finish_reason)

    return call


report.main(make_call)
