// Generated content by @google/genai: the Gemini API, and Vertex AI with a key.
import { key, load, main, question, schema } from "./report.mjs";

const { GoogleGenAI } = await load("@google/genai");

function take(event, answer) {
  const { sdkHttpResponse, ...piece } = answer; // its headers have the time of day
  const parts = answer.candidates?.[0]?.content?.parts ?? [];
  for (const { functionCall: call } of parts) event.tool(call?.name, call?.args);
  const text = parts.map((part) => part.text ?? "").join(""); // answer.text warns of other parts
  event(piece, text, answer.candidates?.[0]?.finishReason);
}

await main((task) => {
  // A client of its own accord asks once.
  const httpOptions = task.retries ? { retryOptions: { attempts: 3 } } : {};
  const client = new GoogleGenAI({ apiKey: key, vertexai: task.kind === "vertex", httpOptions });
  const asked = { model: task.scenario, contents: question };
  if (task.tools) {
    asked.config = { tools: [{ functionDeclarations: [{ name: "count_owls", parametersJsonSchema: schema }] }] };
  }
  return async (event) => {
    if (!task.stream) {
      take(event, await client.models.generateContent(asked));
      return;
    }
    for await (const answer of await client.models.generateContentStream(asked)) take(event, answer);
  };
});
