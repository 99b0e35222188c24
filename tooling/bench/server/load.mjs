/** Clients over keep-alive connections, each with one request at a time. */
import { Agent, request } from "node:http";

/** @param {() => string} nextBody gives the next body to send @returns milliseconds of each answer, and of all together */
export async function load({ url, connections, bodies }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times = [];
  let next = 0;
  const began = performance.now();
  const client = async () => {
    while (next < bodies.length) times.push(await post(url, bodies[next++], agent));
  };
  await Promise.all(Array.from({ length: connections }, client));
  const milliseconds = performance.now() - began;
  agent.destroy();
  return { times, milliseconds };
}

/** One request. @returns milliseconds until its answer was there; rejects on any status but 200 */
function post(url, body, agent) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method: "POST", agent, headers }, (answer) => {
      answer.on("data", () => {});
      answer.on("error", reject);
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`[bench] expected status 200 of ${url}, got ${answer.statusCode}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The value below which a share of the sorted values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
