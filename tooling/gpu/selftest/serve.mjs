/** The server of apps/server on the CUDA backend, in a process of its own: `serve.js FOLDER`. Prints its address when the model is loaded. */
import { startServer } from "../../../apps/server/dist/index.js";

const server = await startServer({
  model: process.argv[2],
  backend: "cuda",
  dtype: "bf16",
  port: 0,
  logLevel: "error",
});
await server.ready;
console.log(server.url);
