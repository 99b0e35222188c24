/** The post-processors of a tokenizer.json, all brought into one form: a template, and whether offsets lose blanks. */
import type { JsonField } from "../json-field.ts";
import { type Template, type TemplatePiece, plainTemplate, templateLimits } from "./template.ts";

export interface PostProcessor {
  readonly template: Template;
  /** Offsets leave out the blanks that a token begins or ends with; `keepsPrefix`: but not one put before the text. */
  readonly trim: { readonly keepsPrefix: boolean } | undefined;
}

const plainPostProcessor: PostProcessor = { template: plainTemplate, trim: undefined };

/** `vocabSize` is one more than the highest id that a template may add. */
export function readPostProcessor(field: JsonField, vocabSize: number): PostProcessor {
  if (field.value === undefined || field.value === null) return plainPostProcessor;
  let result = plainPostProcessor;
  for (const item of field.parts("processors")) {
    const next = readPart(item, vocabSize - 1);
    if (next.template !== plainTemplate && result.template !== plainTemplate)
      item.refuse("the only template of the sequence");
    result = {
      template: next.template === plainTemplate ? result.template : next.template,
      trim: next.trim ?? result.trim,
    };
  }
  return result;
}

function readPart(field: JsonField, maxId: number): PostProcessor {
  const type = field.get("type");
  switch (type.value) {
    case "TemplateProcessing":
      return { template: readTemplate(field, maxId), trim: undefined };
    case "BertProcessing":
      return { template: bertTemplate(field, 1, maxId), trim: undefined };
    case "RobertaProcessing":
      return { template: robertaTemplate(field, maxId), trim: readTrim(field) };
    case "ByteLevel":
      return { template: plainTemplate, trim: readTrim(field) };
    default:
      return type.refuse('"TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel" or "Sequence"');
  }
}

function readTrim(field: JsonField): PostProcessor["trim"] {
  return field.get("trim_offsets").boolean(true)
    ? { keepsPrefix: field.get("add_prefix_space").boolean(true) }
    : undefined;
}

function readTemplate(field: JsonField, maxId: number): Template {
  const specials = field.get("special_tokens");
  const [single, pair] = ["single", "pair"].map((name) => readPieces(field.get(name), specials, maxId)) as [
    TemplatePiece[],
    TemplatePiece[],
  ];
  if (single.some((piece) => "sequence" in piece && piece.sequence === 1))
    field.get("single").refuse("a template of sequence A alone");
  return { single, pair };
}

function readPieces(field: JsonField, specials: JsonField, maxId: number): TemplatePiece[] {
  let added = 0;
  return field.items(templateLimits.pieces).map((piece) => {
    const special = piece.get("SpecialToken");
    if (special.value === undefined) {
      const sequence = piece.get("Sequence");
      return { sequence: sequence.get("id").oneOf("A", "B") === "A" ? 0 : 1, typeId: readTypeId(sequence) };
    }
    const name = special.get("id").string();
    const token = specials.get(name);
    const ids = token.get("ids").items(templateLimits.added);
    const tokens = token.get("tokens").items(templateLimits.added);
    added += ids.length;
    if (added > templateLimits.added) field.refuse(`a template that adds at most ${templateLimits.added} tokens`);
    return {
      special: name,
      ids: ids.map((id) => id.count(maxId)),
      tokens: tokens.map((text) => text.string()),
      typeId: readTypeId(special),
    };
  });
}

/** An encoding holds type ids as bytes. */
function readTypeId(piece: JsonField): number {
  return piece.get("type_id").count(255);
}

function specialPiece(field: JsonField, maxId: number): TemplatePiece {
  const [token, id] = field.items(2);
  if (token === undefined || id === undefined) return field.refuse("a token and its id");
  return { special: token.string(), ids: [id.count(maxId)], tokens: [token.string()], typeId: 0 };
}

function bertTemplate(field: JsonField, second: number, maxId: number): Template {
  const [cls, sep] = [specialPiece(field.get("cls"), maxId), specialPiece(field.get("sep"), maxId)];
  const single: TemplatePiece[] = [cls, { sequence: 0, typeId: 0 }, sep];
  return { single, pair: [...single, { sequence: 1, typeId: second }, { ...sep, typeId: second }] };
}

function robertaTemplate(field: JsonField, maxId: number): Template {
  const [cls, sep] = [specialPiece(field.get("cls"), maxId), specialPiece(field.get("sep"), maxId)];
  const single: TemplatePiece[] = [cls, { sequence: 0, typeId: 0 }, sep];
  return { single, pair: [...single, sep, { sequence: 1, typeId: 0 }, sep] };
}
