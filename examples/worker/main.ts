/** A page whose model runs in a worker: the field stays alive while it loads and computes. npx vite worker */
import { modelAddress, startModelWorker } from "@modernbert-ts/pipelines/worker";

const form = document.querySelector("form")!;
const output = document.querySelector("output")!;
const worker = startModelWorker({ device: "auto", onNotice: console.warn });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  try {
    const address = modelAddress(String(fields.get("model")), document.baseURI);
    const model = await worker.open(address, { onProgress: ({ stage }) => (output.value = `${stage} …`) });
    const { answers } = await model.run("fill-mask", [String(fields.get("text"))], { topK: 3 });
    output.value = answers[0]!
      .flat()
      .map(({ token_str: token, score }) => `${token.trim()} ${score.toFixed(3)}`)
      .join(", ");
    await model.close();
  } catch (error) {
    output.value = (error as Error).message;
  }
});
