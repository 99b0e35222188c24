/** Fields that bodies share. Lists of inputs are checked by hand (`inputs/read-inputs.ts`); here stands what the document says of them. */
import { z } from "zod";

const text = { type: "string" };
const ids = { type: "array", items: { type: "integer", minimum: 0 }, minItems: 1 };

/** A text, token ids, or a list of texts and lists of token ids. */
export const inputs: z.ZodType<unknown> = z.unknown().meta({
  description: "A text, token ids as they go to the model, or a list of these.",
  anyOf: [text, ids, { type: "array", items: { anyOf: [text, ids] }, minItems: 1 }],
});

/** A text or a list of texts. */
export const texts: z.ZodType<unknown> = z.unknown().meta({
  description: "A text or a list of texts.",
  anyOf: [text, { type: "array", items: text, minItems: 1 }],
});

type Direction = "Right" | "Left" | "right" | "left";

export const truncation: {
  readonly truncate: z.ZodType<boolean | null | undefined>;
  readonly truncation_direction: z.ZodDefault<z.ZodType<Direction>>;
} = {
  truncate: z.boolean().nullish().meta({ description: "Cut what is too long; by default --auto-truncate decides." }),
  truncation_direction: z
    .enum(["Right", "Left", "right", "left"])
    .meta({ description: "The side that loses tokens." })
    .default("Right"),
};

export const promptName: z.ZodType<string | null | undefined> = z
  .string()
  .nullish()
  .meta({ description: "One of the prompts in config_sentence_transformers.json, put before each text." });

export const dimensions: z.ZodType<number | null | undefined> = z
  .int()
  .nullish()
  .meta({ description: "Keep the first so many numbers, before vectors are normalised." });

/** Only where a server has several models; one answers whatever is named. */
export const model: z.ZodType<string | null | undefined> = z
  .string()
  .nullish()
  .meta({ description: "Which of the server's models." });

/** `"Left"` of TEI as `"left"`. */
export function sideOf(direction: Direction): "left" | "right" {
  return direction.toLowerCase() as "left" | "right";
}

export const vector: z.ZodType<number[]> = z.array(z.number());
