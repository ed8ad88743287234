"""What a user of the hub runs in his server: one chat completion for each
argument, plain or stream, to the Azure deployment that refuses streams. Prints
one JSON object a call. CALL_RETRIES is how often the SDK may try again."""

import json
import os
import sys

import openai


def ask(client, stream):
    messages = [{"role": "user", "content": "Tell me about owls."}]
    got = client.chat.completions.create(model="stream-500-apim", messages=messages, stream=stream)
    if not stream:
        return got.choices[0].message.content
    return "".join(c.delta.content or "" for chunk in got for c in chunk.choices)


def main(modes):
    client = openai.AzureOpenAI(
        azure_endpoint="https://contoso.openai.azure.com",
        azure_deployment="stream-500-apim",
        api_version="2024-10-21",
        api_key="e2e-key-of-nobody",
        max_retries=int(os.environ.get("CALL_RETRIES", "0")),
        timeout=30.0,
    )
    for mode in modes:
        out = {"mode": mode, "text": "", "error": ""}
        try:
            out["text"] = ask(client, mode == "stream")
        except Exception as e:  # every class is a result
            causes, cause = [], e
            while cause is not None and len(causes) < 6:
                causes.append(f"{type(cause).__name__}: {cause}")
                cause = cause.__cause__ or cause.__context__
            out["error"] = " <- ".join(causes)
        print(json.dumps(out), flush=True)


main(sys.argv[1:])
