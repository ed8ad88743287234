"""Chat and completed prompts by ollama-python."""

import ollama

import report


def take_chat(result, part):
    for tool in part.message.tool_calls or []:
        result.tool(tool.function.name, dict(tool.function.arguments))
    result.event(report.dump(part), part.message.content, part.done_reason)


def take_generated(result, part):
    result.event(report.dump(part), part.response, part.done_reason)


def make_call(task):
    vendor = ollama.AsyncClient if task.get("async") else ollama.Client
    client = vendor(host="https://ollama.com", timeout=30)

    def call(result):
        asked = {"model": task["scenario"]}
        if task["stream"]:
            asked["stream"] = True
        if task.get("tools"):
            asked["tools"] = report.TOOLS
        if task["kind"] == "generate":
            answer, take = client.generate(prompt=report.MESSAGES[0]["content"], **asked), take_generated
        else:
            answer, take = client.chat(messages=report.MESSAGES, **asked), take_chat
        report.hand_over(answer, task["stream"], lambda part: take(result, part))

    return call


report.main(make_call)
