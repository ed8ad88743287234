// What the Node clients share: tasks from stdin, one JSON object a call on
// stdout; the form is that of report.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// load imports a package; they lie in a cache, not beside this file.
const resolve = createRequire(process.env.E2E_NODE_HOME + "/").resolve;
export const load = (name) => import(pathToFileURL(resolve(name)));

export const key = "sk-e2e-0123456789abcdef0123456789abcdef";
export const question = "Tell me about owls.";
export const messages = [{ role: "user", content: question }];
// The function that a task with tools offers.
export const schema = {
  type: "object",
  properties: { field: { type: "string" }, night: { type: "integer" } },
  required: ["field", "night"],
};
export const tools = [
  { type: "function", function: { name: "count_owls", description: "Counts the owls of a field.", parameters: schema } },
];

function classes(e) {
  const out = [];
  for (let p = Object.getPrototypeOf(e); p && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    out.push(p.constructor.name);
  }
  return out;
}

function explain(e) {
  const causes = [];
  for (let c = e.cause; c && causes.length < 8; c = c.cause) {
    causes.push([c.constructor.name, String(c.message ?? c), String(c.code ?? "")]);
  }
  return { class: e.constructor.name, mro: classes(e), text: String(e.message ?? e), causes };
}

// run makes one call: event(piece, text, finish) is what the SDK gave, and
// event.tool(name, args) a call of a tool or a piece of one.
async function run(task, call) {
  const out = { name: task.name, ok: false, n_events: 0, text: "", tools: "", finish: [] };
  const sum = createHash("sha256");
  const event = (piece, text, finish) => {
    out.n_events++;
    sum.update(JSON.stringify(piece) + "\n");
    out.text += text ?? "";
    if (finish) out.finish.push(finish);
  };
  event.tool = (name, args) => {
    out.tools += (name ?? "") + (typeof args === "object" ? JSON.stringify(args) : (args ?? ""));
  };
  try {
    await call(event);
    out.ok = true;
  } catch (e) {
    out.error = explain(e);
    out.status = e.status ?? e.statusCode ?? null;
  }
  out.digest = sum.digest("hex").slice(0, 16);
  console.log(JSON.stringify(out));
}

// main plays the tasks; callOf gives the function that makes a task's call.
export async function main(callOf) {
  for (const task of JSON.parse(readFileSync(0, "utf8"))) {
    const call = callOf(task);
    for (let i = 0; i < (task.repeat ?? 1); i++) await run(task, call);
  }
}
