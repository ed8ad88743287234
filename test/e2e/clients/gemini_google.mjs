// Generated content by @google/genai: the Gemini API, and Vertex AI with a key.
import { key, load, main, question } from "./report.mjs";

const { GoogleGenAI } = await load("@google/genai");

function take(event, answer) {
  const { sdkHttpResponse, ...piece } = answer; // its headers have the time of day
  event(piece, answer.text, answer.candidates?.[0]?.finishReason);
}

await main((task) => {
  const client = new GoogleGenAI({ apiKey: key, vertexai: task.kind === "vertex" });
  const asked = { model: task.scenario, contents: question };
  return async (event) => {
    if (!task.stream) {
      take(event, await client.models.generateContent(asked));
      return;
    }
    for await (const answer of await client.models.generateContentStream(asked)) take(event, answer);
  };
});
