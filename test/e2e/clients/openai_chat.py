"""Chat completions by openai-python, any version from 1.6 on."""

import json

import openai

import report


def client_for(task):
    prefix = "Async" if task.get("async") else ""
    common = {
        "api_key": report.KEY,
        "max_retries": task.get("retries", 0),
        "default_query": task.get("query") or {},
        "timeout": 30.0,
    }
    if task["kind"] == "azure":
        return getattr(openai, prefix + "AzureOpenAI")(
            azure_endpoint=report.HOSTS["azure"], api_version=report.API_VERSION, **common
        )
    return getattr(openai, prefix + "OpenAI")(base_url=report.HOSTS[task["kind"]], **common)


def take(result, piece):
    if isinstance(piece, str):  # what the SDK makes of an answer that is no JSON
        result.event(piece, piece, None)
        return
    text, finish = "", None
    for choice in piece.choices or []:
        part = getattr(choice, "delta", None) or getattr(choice, "message", None)
        text += getattr(part, "content", None) or ""
        for tool in getattr(part, "tool_calls", None) or []:
            result.tool(tool.function.name, tool.function.arguments)
        finish = choice.finish_reason or finish
    result.event(json.dumps(piece.model_dump(warnings=False), sort_keys=True, default=str), text, finish)


def make_call(task):
    client = client_for(task)

    def call(result):
        arguments = {"model": task["scenario"], "messages": report.MESSAGES}
        if task.get("extra"):
            arguments["extra_body"] = task["extra"]
        if task.get("tools"):
            arguments["tools"] = report.TOOLS
        if task["stream"]:
            arguments["stream"] = True
        report.hand_over(client.chat.completions.create(**arguments), task["stream"], lambda piece: take(result, piece))

    return call


report.main(make_call)
