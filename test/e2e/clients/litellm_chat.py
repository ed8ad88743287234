"""Chat by LiteLLM, which speaks each provider's dialect itself."""

import faulthandler
import gc
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches its prices at import

import litellm  # noqa: E402

import report  # noqa: E402

# LiteLLM leaves HTTP clients to the collector, whose finalizers take locks: one
# that runs in the midst of a call may wait for that call for ever. So they run
# between calls; and if it waits all the same, it says where.
gc.disable()
faulthandler.dump_traceback_later(200, exit=True)

litellm.suppress_debug_info = True  # else it prints beside the results

# What a kind needs beside the model's name.
ARGUMENTS = {
    "ollama": {"api_base": "https://ollama.com"},
    "azure": {"api_base": report.HOSTS["azure"], "api_version": report.API_VERSION},
    "bedrock": {
        "aws_region_name": "us-east-1",
        "aws_access_key_id": "AKIAE2E0123456789ABC",
        "aws_secret_access_key": "e2e/0123456789abcdef0123456789abcdef0123",
    },
}
PREFIX = {"ollama": "ollama_chat", "bedrock": "bedrock/converse"}


def take(result, answer):
    text, finish = "", None
    for choice in answer.choices:
        part = getattr(choice, "delta", None) or choice.message
        text += part.content or ""
        finish = choice.finish_reason or finish
    dump = answer.model_dump()
    for own in ("id", "created"):  # LiteLLM makes them up where the dialect has none
        dump.pop(own, None)
    result.event(report.dump(dump), text, finish)


def make_call(task):
    kind = task["kind"]
    asked = {
        "model": PREFIX.get(kind, kind) + "/" + task["scenario"],
        "messages": report.MESSAGES,
        "max_retries": task.get("retries", 0),
        **ARGUMENTS.get(kind, {}),
    }
    if kind != "bedrock":
        asked["api_key"] = report.KEY

    def call(result):
        gc.collect()
        if task["stream"]:
            for chunk in litellm.completion(stream=True, **asked):
                take(result, chunk)
        else:
            take(result, litellm.completion(**asked))

    return call


report.main(make_call)
