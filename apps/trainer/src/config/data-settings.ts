/** Where the documents of a run come from, in the configuration: one folder, or several sources that are mixed. */
import { z } from "zod";

export interface SourceConfig {
  readonly name: string;
  readonly path: string;
  readonly weight?: number | undefined;
  readonly language?: string | undefined;
}

export interface DataConfig {
  readonly path?: string | undefined;
  readonly sources?: readonly SourceConfig[] | undefined;
  readonly temperature?: number | undefined;
  readonly prefetch?: number | undefined;
}

const source = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, { error: "expected letters, digits, dots and dashes" }),
  path: z.string().min(1),
  weight: z.number().gt(0).optional(),
  language: z.string().min(1).optional(),
});

interface DataFields {
  readonly prefetch: z.ZodType<number>;
  readonly path: z.ZodType<string | undefined>;
  readonly sources: z.ZodType<readonly SourceConfig[] | undefined>;
  readonly temperature: z.ZodType<number | undefined>;
}

export const dataFields: DataFields = {
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
  temperature: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Instead of weights (shares of the tokens): shares ∝ tokens^temperature; 1 when both are left out."),
};

/** The prepared folders that are named. */
export function foldersOf({ path, sources }: DataConfig): [string, ...string[]] {
  return (sources ?? [{ path: path! }]).map((each) => each.path) as [string, ...string[]];
}

/** What no single field can tell. */
export function checkData({ path, sources, temperature }: DataConfig, context: z.RefinementCtx): void {
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
