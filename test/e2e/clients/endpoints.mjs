// Where the client of each SDK would call, as its environment stands: one JSON
// object on stdout.
import { key, load } from "./report.mjs";

const { default: OpenAI } = await load("openai");
const { default: Anthropic } = await load("@anthropic-ai/sdk");
const { GoogleGenAI } = await load("@google/genai");
const { createOpenAI } = await load("@ai-sdk/openai");

const google = (vertexai) => new GoogleGenAI({ apiKey: key, vertexai }).apiClient.getBaseUrl();

console.log(
  JSON.stringify({
    "openai.node": new OpenAI({ apiKey: key }).baseURL,
    "@anthropic-ai/sdk": new Anthropic({ apiKey: key }).baseURL,
    "@google/genai": google(false),
    "@google/genai.vertex": google(true),
    "@ai-sdk/openai": createOpenAI({ apiKey: key }).chat("m").config.url({ path: "" }),
  }),
);
