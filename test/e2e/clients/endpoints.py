"""Where the client of each SDK would call, as its environment stands: one JSON object on stdout.

What is not installed is left out.
"""

import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches its prices at import

import report  # noqa: E402


def openai_client():
    import openai

    return openai.OpenAI(api_key=report.KEY).base_url


def azure_client():
    import openai

    return openai.AzureOpenAI(api_key=report.KEY, api_version=report.API_VERSION).base_url


def langchain():
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(api_key=report.KEY, model="m").root_client.base_url


def langchain_azure():
    from langchain_openai import AzureChatOpenAI

    model = AzureChatOpenAI(api_key=report.KEY, azure_deployment="m", api_version=report.API_VERSION)
    return model.root_client.base_url


def anthropic_client():
    import anthropic

    return anthropic.Anthropic(api_key=report.KEY).base_url


def anthropic_bedrock():
    import anthropic

    return anthropic.AnthropicBedrock(aws_region="us-east-1", aws_access_key="a", aws_secret_key="b").base_url


def anthropic_vertex():
    import anthropic

    return anthropic.AnthropicVertex(region="us-east5", project_id="p", access_token="t").base_url


def anthropic_foundry():
    import anthropic

    return anthropic.AnthropicFoundry(api_key=report.KEY).base_url


def google(vertexai):
    from google import genai

    return genai.Client(api_key=report.KEY, vertexai=vertexai)._api_client._http_options.base_url


def cohere_client():
    import cohere

    return cohere.ClientV2(api_key=report.KEY)._client_wrapper.get_base_url()


def mistral():
    from mistralai.client import Mistral

    return Mistral(api_key=report.KEY).sdk_configuration.get_server_details()[0]


def ollama_client():
    import ollama

    return ollama.Client()._client.base_url


def bedrock():
    import boto3

    client = boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    return client.meta.endpoint_url


def litellm_of(provider):
    import litellm

    return litellm.get_llm_provider(provider + "/m", api_key=report.KEY)[3]


CLIENTS = {
    "openai": openai_client,
    "openai.azure": azure_client,
    "langchain-openai": langchain,
    "langchain-openai.azure": langchain_azure,
    "anthropic": anthropic_client,
    "anthropic.bedrock": anthropic_bedrock,
    "anthropic.vertex": anthropic_vertex,
    "anthropic.foundry": anthropic_foundry,
    "google-genai": lambda: google(False),
    "google-genai.vertex": lambda: google(True),
    "cohere": cohere_client,
    "mistralai": mistral,
    "ollama": ollama_client,
    "boto3": bedrock,
    "litellm.groq": lambda: litellm_of("groq"),
    "litellm.deepseek": lambda: litellm_of("deepseek"),
    "litellm.mistral": lambda: litellm_of("mistral"),
    "litellm.together": lambda: litellm_of("together_ai"),
}


def addresses():
    out = {}
    for name, ask in CLIENTS.items():
        try:
            out[name] = str(ask() or "")
        except ImportError:
            continue
        except Exception as e:  # a client that cannot do without an address
            out[name] = ""
            report.sys.stderr.write(f"{name}: {e}\n")
    return out


print(json.dumps(addresses()))
