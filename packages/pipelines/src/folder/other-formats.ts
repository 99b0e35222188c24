/** Files of models in forms that are not read, and what to do with each. */

const forms: readonly (readonly [pattern: RegExp, what: string, advice: string])[] = [
  [
    /(^|\/)gliner_config\.json$/,
    "a GLiNER model (gliner_config.json)",
    "its span head is not implemented, choose a model for token classification",
  ],
  [
    /(^|\/)pytorch_model.*\.bin$/,
    "pytorch_model.bin",
    "save it again with transformers (from_pretrained, then save_pretrained), or look for a revision with model.safetensors",
  ],
  [/\.gguf$/, "a GGUF file", "use the repository that it was converted from"],
  [/\.onnx$/, "an ONNX file", "use the repository that it was converted from"],
];

/** "" where no file is of such a form; to be put behind what is missing. */
export function adviceOn(files: Iterable<string>): string {
  const names = [...files];
  const found = forms.find(([pattern]) => names.some((name) => pattern.test(name)));
  return found ? `; it has ${found[1]}, which is not read: ${found[2]}` : "";
}
