/**
 * Translates the regular expressions of a tokenizer.json (Oniguruma) into JavaScript's. Only what the patterns of
 * byte-level tokenizers use is accepted: classes, alternatives, flat groups, lookaround, simple quantifiers. Nested
 * quantifiers, back references and the like are refused, so that no file can bring a pattern of exponential time.
 */
import type { JsonField } from "../json-field.ts";

const CLASSES: Record<string, string> = {
  s: "\\p{White_Space}",
  d: "\\p{Nd}",
  w: "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}²³¹¼½¾",
};
const SYNTAX = /[\\^$.*+?()[\]{}|/]/;

/** Compiles a pattern for matching all over a text; refuses, naming the field, what it cannot. */
export function translateRegex(field: JsonField): RegExp {
  const source = new Translator(field).alternatives(0, false);
  try {
    return new RegExp(source, "gu");
  } catch (error) {
    return field.refuse(`a regular expression that can be read (${(error as Error).message.split(": ").at(-1)})`);
  }
}

export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

class Translator {
  readonly #field: JsonField;
  readonly #source: string;
  #at = 0;
  #quantifiers = 0;

  constructor(field: JsonField) {
    this.#field = field;
    this.#source = field.string();
  }

  /** Alternatives up to the closing parenthesis of the group at `depth`, or the end. */
  alternatives(depth: number, folding: boolean): string {
    let out = "";
    while (this.#at < this.#source.length) {
      const c = this.#source[this.#at]!;
      if (c === ")" && depth > 0) return out;
      if (c === "|") {
        this.#at++;
        out += "|";
        continue;
      }
      out += this.#item(depth, folding);
    }
    if (depth > 0) this.#refuse("a closing parenthesis");
    return out;
  }

  #item(depth: number, folding: boolean): string {
    const before = this.#at;
    const c = this.#source[this.#at++]!;
    if (c === "(") {
      const outside = this.#quantifiers;
      const group = this.#group(depth, folding);
      const inside = this.#quantifiers > outside;
      const repeat = this.#quantifier();
      if (inside && /^[*+{]/.test(repeat)) this.#refuse("no quantifier inside a repeated group");
      return group + repeat;
    }
    if (c === "[") return this.#set() + this.#quantifier();
    if (c === "\\") return this.#escape(false) + this.#quantifier();
    if (c === "^" || c === "$") return c;
    if (c === ".") return "." + this.#quantifier();
    if (SYNTAX.test(c) && c !== "/") this.#refuse(`a character that can stand alone at ${before}`);
    const low = this.#source.charCodeAt(this.#at);
    const whole = low >= 0xdc00 && low < 0xe000 ? c + this.#source[this.#at++]! : c;
    return (folding ? foldCase(whole) : escapeRegex(whole)) + this.#quantifier();
  }

  #group(depth: number, folding: boolean): string {
    const opening = /^\?(?::|i:|=|!|<=|<!)/.exec(this.#source.slice(this.#at))?.[0];
    if (opening === undefined && this.#source[this.#at] === "?")
      this.#refuse("groups of the kinds (…), (?:…), (?i:…), (?=…), (?!…), (?<=…), (?<!…)");
    this.#at += opening?.length ?? 0;
    const inner = this.alternatives(depth + 1, folding || opening === "?i:");
    this.#at++; // the closing parenthesis
    return `(${opening === undefined || opening === "?i:" ? "?:" : opening}${inner})`;
  }

  #set(): string {
    let out = "[";
    if (this.#source[this.#at] === "^") {
      out += "^";
      this.#at++;
    }
    for (let first = true; ; first = false) {
      const c = this.#source[this.#at++];
      if (c === undefined) this.#refuse("a closing bracket");
      if (c === "]" && !first) return `${out}]`;
      if (c === "[") {
        if (/^[:^]/.test(this.#source.slice(this.#at))) this.#refuse("no POSIX or negated class inside a class");
        out += this.#set().slice(1, -1); // a class inside a class adds its characters
        continue;
      }
      if (c === "&" && this.#source[this.#at] === "&") this.#refuse("no intersection of classes");
      if (c === "\\") out += this.#escape(true);
      else out += c !== "-" && SYNTAX.test(c!) ? `\\${c}` : c;
    }
  }

  #escape(inSet: boolean): string {
    const c = this.#source[this.#at++] ?? this.#refuse("a character after the backslash");
    const known = CLASSES[c];
    if (known !== undefined) return inSet ? known : `[${known}]`;
    const opposite = CLASSES[c.toLowerCase()];
    if (opposite !== undefined)
      return inSet ? (c === "S" ? "\\P{White_Space}" : this.#refuse(`no \\${c} in a class`)) : `[^${opposite}]`;
    if (c === "p" || c === "P") {
      const name = /^\{\^?\w+\}/.exec(this.#source.slice(this.#at))?.[0] ?? this.#refuse("a property name in braces");
      this.#at += name.length;
      const negated = name[1] === "^";
      return `\\${(c === "P") !== negated ? "P" : "p"}{${name.slice(negated ? 2 : 1, -1)}}`;
    }
    if ("rntfv".includes(c)) return `\\${c}`;
    if (/\w/.test(c)) {
      const code = /^(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/.exec(this.#source.slice(this.#at - 1))?.[0];
      if (code === undefined) this.#refuse(`no \\${c}`);
      this.#at += code!.length - 1;
      return `\\u${code!.slice(1).padStart(4, "0")}`;
    }
    return SYNTAX.test(c) ? `\\${c}` : c === "-" && inSet ? "\\-" : c;
  }

  #quantifier(): string {
    const found = /^(?:[*+?]|\{\d*,?\d*\})\??/.exec(this.#source.slice(this.#at))?.[0] ?? "";
    this.#at += found.length;
    if (found !== "") this.#quantifiers++;
    if (/^[*+?{]/.test(this.#source.slice(this.#at))) this.#refuse("no possessive or double quantifier");
    return found.startsWith("{,") ? `{0${found.slice(1)}` : found;
  }

  #refuse(expected: string): never {
    return this.#field.refuse(`a regular expression with ${expected}`);
  }
}

/** A literal that matches in both cases; the long s and the Kelvin sign fold to s and k. */
function foldCase(c: string): string {
  const forms = new Set([c.toLowerCase(), c.toUpperCase()].filter((form) => [...form].length === 1));
  if (c.toLowerCase() === "s") forms.add("ſ");
  if (c.toLowerCase() === "k") forms.add("\u212a");
  return forms.size > 1 ? `[${[...forms].join("")}]` : escapeRegex(c);
}
