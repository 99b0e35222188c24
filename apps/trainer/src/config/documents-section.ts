/** Where the documents of a run come from, in the configuration (section `data`): one folder, or several sources that are mixed. */
import { z } from "zod";

export interface SourceConfig {
  readonly name: string;
  readonly path: string;
  readonly weight?: number | undefined;
  readonly language?: string | undefined;
}

export interface DocumentsConfig {
  readonly path?: string | undefined;
  readonly sources?: readonly SourceConfig[] | undefined;
  readonly temperature?: number | undefined;
  readonly prefetch: number;
  readonly max_length: number;
  readonly verify: boolean;
  readonly long_documents: "split" | "truncate";
}

const source = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, { error: "expected letters, digits, dots and dashes" }),
  path: z.string().min(1),
  weight: z.number().gt(0).optional(),
  language: z.string().min(1).optional(),
});

const fields = {
  path: z.string().min(1).optional().describe("Folder made by `modernbert-train prepare`."),
  sources: z
    .array(source)
    .min(1)
    .optional()
    .describe("Or several folders that are mixed: [{ name: web, path: data/web, weight: 3, language: en }, …]."),
  prefetch: z
    .int()
    .min(0)
    .max(64)
    .default(2)
    .describe("Batches that a thread of their own makes ahead; 0: they are made between steps."),
  max_length: z.int().min(3).default(1024).describe("Longest sequence in tokens, [CLS] and [SEP] included."),
  long_documents: z
    .enum(["split", "truncate"])
    .default("split")
    .describe("What becomes of longer documents: several sequences, or only their beginning."),
  verify: z
    .boolean()
    .default(true)
    .describe("Compare the files with their hashes at the start: some seconds for a gigabyte."),
  temperature: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Instead of weights (shares of the tokens): shares ∝ tokens^temperature; 1 when both are left out."),
};

export const documentsSection: z.ZodType<DocumentsConfig, unknown> = z
  .strictObject(fields)
  .superRefine(checkData)
  .describe("What to train on.");

/** The prepared folders that are named. */
export function foldersOf({ path, sources }: DocumentsConfig): [string, ...string[]] {
  return (sources ?? [{ path: path! }]).map((each) => each.path) as [string, ...string[]];
}

/** What no single field can tell. */
function checkData({ path, sources, temperature }: DocumentsConfig, context: z.RefinementCtx): void {
  const complain = (field: string | undefined, message: string): void =>
    context.addIssue({ code: "custom", message, path: field === undefined ? [] : [field] });
  if (sources === undefined) {
    if (path === undefined) complain("path", "expected the folder that `prepare` made, or sources, got neither");
    if (temperature !== undefined) complain("temperature", "expected it with sources only: there is nothing to mix");
    return;
  }
  if (path !== undefined) complain("path", "expected path or sources, got both");
  const names = sources.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) complain("sources", `expected a name of its own for each, got ${twice} twice`);
  const weighted = sources.filter(({ weight }) => weight !== undefined).length;
  if (weighted > 0 && temperature !== undefined) complain("temperature", "expected weights or temperature, got both");
  else if (weighted > 0 && weighted < sources.length)
    complain("sources", `expected a weight for each source or for none, got ${weighted} for ${sources.length}`);
}
