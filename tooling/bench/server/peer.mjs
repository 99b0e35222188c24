/** The peer of the server's benchmark: a fastify route over a transformers.js pipeline, as its users write it. `node peer.mjs FOLDER PORT` */
import { dirname, basename } from "node:path";
import { pathToFileURL } from "node:url";

const [peers, folder, port] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${peers}node_modules/${name}`).href);
const { default: fastify } = await load("fastify/fastify.js");
const { pipeline, env } = await load("@huggingface/transformers/dist/transformers.node.mjs");

env.localModelPath = `${dirname(folder)}/`;
env.allowRemoteModels = false;
const extract = await pipeline("feature-extraction", basename(folder), { dtype: "fp32", device: "cpu" });
const app = fastify();
app.post("/embed", async ({ body: { inputs } }) => {
  const vectors = await extract(inputs, { pooling: "mean", normalize: true });
  return vectors.tolist();
});
await app.listen({ host: "127.0.0.1", port: Number(port) });
console.log("ready");
