/**
 * Routes that answer by what the model is for: `POST /` and `/invocations` (Hugging Face's clients and SageMaker post to the bare
 * address), and `/vertex`, which takes many such bodies.
 */
import { z } from "zod";
import { ServeError } from "../../errors.ts";
import type { Service } from "../../service.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { embedMulti } from "../tasks/embed-multi.ts";
import { fillMask } from "../tasks/fill-mask.ts";
import { questionAnswering } from "../tasks/question-answering.ts";
import { tokenClassification } from "../tasks/token-classification.ts";
import { zeroShot } from "../tasks/zero-shot.ts";
import { embedSparse } from "./embed-sparse.ts";
import { embed } from "./embed.ts";
import { predict } from "./predict.ts";
import { isRerank, rerank } from "./rerank.ts";
import { similarity } from "./similarity.ts";

const anyBody = z.looseObject({ inputs: z.unknown().optional() });

export const bare: Route = route({
  paths: ["/", "/invocations"],
  summary: "What the model is for (/embed, /predict, /rerank, …), by the model and the shape of the body.",
  dialect: "tei",
  body: anyBody,
  answer: z.unknown(),
  example: { inputs: "What is Deep Learning?" },
  async handle(body, asked) {
    const chosen = byShape(body) ?? byModel(asked.service);
    if (chosen === embed) refuseMasks(asked.service, body.inputs);
    return chosen.reply(body, asked);
  },
});

export const vertex: Route = route({
  paths: ["/vertex"],
  summary: "Many bodies of the routes that `POST /` answers with.",
  dialect: "tei",
  body: z.object({ instances: z.array(anyBody) }),
  answer: z.strictObject({ predictions: z.array(z.unknown()) }),
  example: { instances: [{ inputs: "What is Deep Learning?" }, { inputs: ["A cat.", "A dog."] }] },
  async handle({ instances }, asked) {
    const chosen = instances.map((body) => byShape(body) ?? byModel(asked.service));
    const answers = await sideBySide(chosen, sideBySideMost(asked.service), (each, at) =>
      each.reply(instances[at]!, asked),
    );
    return { json: `{"predictions":[${answers.map(({ json }) => json).join(",")}]}` };
  },
});

/** So many bodies that all their inputs take at most half of the server's places: as of other bulks, any number of them is let in. */
function sideBySideMost({ options: { maxConcurrentRequests, maxClientBatchSize } }: Service): number {
  return Math.max(1, Math.floor(maxConcurrentRequests / 2 / maxClientBatchSize));
}

/** `work` on all items, on at most so many at once. The first that fails ends it. */
async function sideBySide<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const made: R[] = [];
  const left = items.entries();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const [at, item] of left) {
      if (failed) return;
      made[at] = await work(item, at);
    }
  };
  const lanes = Array.from({ length: most }, lane);
  await Promise.all(lanes).catch((error: unknown) => {
    failed = true;
    throw error;
  });
  return made;
}

/** For bodies that no other route could make sense of. */
const shapes: readonly Route[] = [similarity, questionAnswering, zeroShot];

function byShape(body: object): Route | undefined {
  return isRerank(body) ? rerank : shapes.find((each) => each.body.safeParse(body).success);
}

function byModel({ options, files }: Service): Route {
  if (files.info.head === "sequence-classification") return predict;
  if (files.info.head === "token-classification") return tokenClassification;
  if (files.info.head === "question-answering") return questionAnswering;
  if (options.task === "fill-mask") return fillMask;
  if (options.task === "sentence-similarity") return similarity;
  if (files.vectors.name === "sparse") return embedSparse;
  return files.vectors.name === "multi" ? embedMulti : embed;
}

/** Clients for fill-mask post to the bare address too: a vector would be no answer to them. */
function refuseMasks({ files: { info, tokenizer } }: Service, inputs: unknown): void {
  const { mask } = tokenizer.specialTokens;
  if (info.head !== "masked-lm" || mask === undefined) return;
  const name = tokenizer.idToToken(mask)!;
  if (![inputs].flat().some((input) => typeof input === "string" && input.includes(name))) return;
  throw new ServeError(
    "Validation",
    `\`inputs\` has a ${name}, and the bare address answers embeddings: post to /fill-mask or /embed, or start the server with --task fill-mask`,
  );
}
