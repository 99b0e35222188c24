/** The normalisers of a tokenizer.json. */
import type { JsonField } from "../json-field.ts";
import { cleanText, filtering, inOrder, lowercase, spaceOutChinese, stripping } from "./mapping-normalizers.ts";
import type { Normalizer } from "./normalizer.ts";
import { COMBINING, NONSPACING } from "../text/unicode-data.ts";
import { codePointSet } from "../text/unicode.ts";
import { UnicodeNormalizer } from "./unicode-form.ts";

const isNonspacing = codePointSet(NONSPACING);
const isCombining = codePointSet(COMBINING);

export function readNormalizer(field: JsonField): Normalizer | undefined {
  if (field.value === undefined || field.value === null) return undefined;
  const parts = field.parts("normalizers").map(readPart);
  return parts.length === 1 ? parts[0] : inOrder(parts);
}

function readPart(field: JsonField): Normalizer {
  const type = field.get("type");
  switch (type.value) {
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return new UnicodeNormalizer(type.value);
    case "Lowercase":
      return lowercase;
    case "StripAccents":
      return filtering((c) => !isCombining(c));
    case "Strip":
      return stripping(field.get("strip_left").boolean(true), field.get("strip_right").boolean(true));
    case "BertNormalizer":
      return bertNormalizer(field);
    default:
      return type.refuse(
        '"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "BertNormalizer" or a "Sequence" of them',
      );
  }
}

function bertNormalizer(field: JsonField): Normalizer {
  const lower = field.get("lowercase").boolean(true);
  const parts: Normalizer[] = [];
  if (field.get("clean_text").boolean(true)) parts.push(cleanText);
  if (field.get("handle_chinese_chars").boolean(true)) parts.push(spaceOutChinese);
  if (field.get("strip_accents").boolean(lower)) {
    parts.push(
      new UnicodeNormalizer("NFD"),
      filtering((c) => !isNonspacing(c)),
    );
  }
  if (lower) parts.push(lowercase);
  return inOrder(parts);
}
