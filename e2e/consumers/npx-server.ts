/** The server by npx, with nothing installed before: it answers one request, and ends when it is told to. */
import type { Consumer } from "../support/consumer.ts";

const program = (model: string): string => `
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
const args = ["--yes", "-p", "@modernbert-ts/server", "modernbert-serve", "--model", ${JSON.stringify(model)}, "--port", "0"];
const server = spawn("npx", args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
const ended = new Promise((resolve) => server.on("exit", resolve));
let url;
for await (const line of createInterface(server.stdout)) {
  const { msg } = JSON.parse(line);
  url ??= /http:\\S+/.exec(msg)?.[0];
  if (msg.startsWith("the model is loaded")) break;
}
const headers = { "content-type": "application/json" };
const answer = await fetch(url + "/embed", { method: "POST", headers, body: JSON.stringify({ inputs: "a text" }) });
console.log(answer.status, (await answer.json())[0].length);
process.kill(-server.pid, "SIGTERM");
await ended;
`;

export const npxServer: Consumer = {
  name: "server, npx",
  slow: true,
  async run(place) {
    place.write("main.js", program(place.model));
    const out = (await place.command("node main.js", { npm_config_cache: `${place.folder}/cache` })).trim();
    if (!/^200 \d+$/.test(out)) throw new Error(`expected a vector, got ${out}`);
    return `a vector of ${out.slice(4)} numbers`;
  },
};
