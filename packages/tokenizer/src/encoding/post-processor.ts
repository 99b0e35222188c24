/** The post-processors of a tokenizer.json, all brought into one form: a template, and whether offsets lose blanks. */
import type { JsonField } from "../json-field.ts";
import { type Template, type TemplatePiece, plainTemplate } from "./template.ts";

export interface PostProcessor {
  readonly template: Template;
  /** Offsets leave out the blanks that a token begins or ends with; `keepsPrefix`: but not one put before the text. */
  readonly trim: { readonly keepsPrefix: boolean } | undefined;
}

const plainPostProcessor: PostProcessor = { template: plainTemplate, trim: undefined };

export function readPostProcessor(field: JsonField): PostProcessor {
  if (field.value === undefined || field.value === null) return plainPostProcessor;
  const type = field.get("type");
  switch (type.value) {
    case "TemplateProcessing":
      return { template: readTemplate(field), trim: undefined };
    case "BertProcessing":
      return { template: bertTemplate(field, 1), trim: undefined };
    case "RobertaProcessing":
      return { template: robertaTemplate(field), trim: readTrim(field) };
    case "ByteLevel":
      return { template: plainTemplate, trim: readTrim(field) };
    case "Sequence":
      return readSequence(field.get("processors"));
    default:
      return type.refuse('"TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel" or "Sequence"');
  }
}

function readSequence(field: JsonField): PostProcessor {
  let result = plainPostProcessor;
  for (const item of field.items()) {
    const next = readPostProcessor(item);
    if (next.template !== plainTemplate && result.template !== plainTemplate)
      item.refuse("the only template of the sequence");
    result = {
      template: next.template === plainTemplate ? result.template : next.template,
      trim: next.trim ?? result.trim,
    };
  }
  return result;
}

function readTrim(field: JsonField): PostProcessor["trim"] {
  return field.get("trim_offsets").boolean(true)
    ? { keepsPrefix: field.get("add_prefix_space").boolean(true) }
    : undefined;
}

function readTemplate(field: JsonField): Template {
  const specials = field.get("special_tokens");
  const read = (pieces: JsonField): TemplatePiece[] =>
    pieces.items().map((piece) => {
      const special = piece.get("SpecialToken");
      if (special.value === undefined) {
        const sequence = piece.get("Sequence");
        return {
          sequence: sequence.get("id").oneOf("A", "B") === "A" ? 0 : 1,
          typeId: sequence.get("type_id").count(),
        };
      }
      const name = special.get("id").string();
      const token = specials.get(name);
      return {
        special: name,
        ids: token
          .get("ids")
          .items()
          .map((id) => id.count()),
        tokens: token
          .get("tokens")
          .items()
          .map((text) => text.string()),
        typeId: special.get("type_id").count(),
      };
    });
  const template = { single: read(field.get("single")), pair: read(field.get("pair")) };
  if (template.single.some((piece) => "sequence" in piece && piece.sequence === 1)) {
    field.get("single").refuse("a template of sequence A alone");
  }
  return template;
}

function specialPiece(field: JsonField): TemplatePiece {
  const [token, id] = field.items();
  if (token === undefined || id === undefined) return field.refuse("a token and its id");
  return { special: token.string(), ids: [id.count()], tokens: [token.string()], typeId: 0 };
}

function bertTemplate(field: JsonField, second: number): Template {
  const [cls, sep] = [specialPiece(field.get("cls")), specialPiece(field.get("sep"))];
  const single: TemplatePiece[] = [cls, { sequence: 0, typeId: 0 }, sep];
  return { single, pair: [...single, { sequence: 1, typeId: second }, { ...sep, typeId: second }] };
}

function robertaTemplate(field: JsonField): Template {
  const [cls, sep] = [specialPiece(field.get("cls")), specialPiece(field.get("sep"))];
  const single: TemplatePiece[] = [cls, { sequence: 0, typeId: 0 }, sep];
  return { single, pair: [...single, sep, { sequence: 1, typeId: 0 }, sep] };
}
