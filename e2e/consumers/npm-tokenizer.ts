import type { Consumer } from "../support/consumer.ts";

export const npmTokenizer: Consumer = {
  name: "tokenizer, npm",
  async run(place) {
    place.write(
      "main.js",
      `import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
       console.log((await loadModernBertTokenizer()).encode("Hello World!").ids.join());`,
    );
    await place.command("npm install @modernbert-ts/tokenizer");
    const out = await place.command("node main.js");
    if (out.trim() !== "50281,12092,3645,2,50282") throw new Error(`expected the ids of Hello World!, got ${out}`);
    return "1 package";
  },
};
