/** Labels of tokens to labels of words, and these to entities, as transformers' token-classification pipeline makes them. */

export type Aggregation = "none" | "simple" | "first" | "average" | "max";

export interface LabelledToken {
  /** Place in its sequence. */
  readonly index: number;
  readonly id: number;
  /** 0 for the text, 1 for its pair. */
  readonly part: number;
  readonly start: number;
  readonly end: number;
  readonly word: string;
  /** A probability per label. */
  readonly scores: Float64Array;
  /** Goes on with the word of the token before it. */
  readonly subword: boolean;
}

/** What a text is found to have; the names are those of transformers. */
export interface Entity {
  /** The label of a token or word as the model has it. */
  readonly entity?: string;
  /** The label of a group, without B- or I-. */
  readonly entity_group?: string;
  /** A probability; of a group the mean over its tokens or words. */
  readonly score: number;
  /** Place of the (first) token in its sequence, for tokens and words. */
  readonly index?: number;
  /** The token as the vocabulary writes it, or the text of a group's tokens. */
  readonly word: string;
  /** In UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
  /** Of a pair: 0 for the text, 1 for its pair. */
  readonly text_index?: number;
}

/** Tokens with a label. */
export interface Labelled {
  readonly label: string;
  /** The label is the model's own, not that of a group. */
  readonly entity: boolean;
  readonly score: number;
  readonly tokens: readonly LabelledToken[];
}

/** A label for each token, or by the other strategies for each word. */
export function wordLabels(
  tokens: readonly LabelledToken[],
  labels: readonly string[],
  strategy: Aggregation,
): Labelled[] {
  const words: LabelledToken[][] = [];
  for (const token of tokens) {
    const goesOn = token.subword && words.length > 0 && strategy !== "none" && strategy !== "simple";
    if (goesOn) words.at(-1)!.push(token);
    else words.push([token]);
  }
  return words.map((word) => {
    const scores = scoresOf(word, strategy);
    const best = indexOfLargest(scores);
    return { label: labels[best]!, entity: true, score: scores[best]!, tokens: word };
  });
}

function scoresOf(word: readonly LabelledToken[], strategy: Aggregation): Float64Array {
  const [first] = word;
  switch (strategy) {
    case "none":
    case "simple":
    case "first":
      return first!.scores;
    case "max":
      return word.reduce((best, token) => (Math.max(...token.scores) > Math.max(...best.scores) ? token : best)).scores;
    case "average":
      return first!.scores.map((_, at) => word.reduce((sum, { scores }) => sum + scores[at]!, 0) / word.length);
    default:
      throw new Error(`internal: unknown strategy ${String(strategy satisfies never)}`);
  }
}

function indexOfLargest(scores: Float64Array): number {
  return scores.reduce((best, score, at) => (score > scores[best]! ? at : best), 0);
}

/** Neighbours of one label as one, with the mean of their scores; a B- begins a new one. */
export function group(labelled: readonly Labelled[]): Labelled[] {
  const groups: Labelled[][] = [];
  for (const one of labelled) {
    const last = groups.at(-1)?.at(-1);
    if (last && tagOf(one.label) === tagOf(last.label) && !one.label.startsWith("B-")) groups.at(-1)!.push(one);
    else groups.push([one]);
  }
  return groups.map((members) => ({
    label: members[0]!.label.slice(members[0]!.label.indexOf("-") + 1),
    entity: false,
    score: members.reduce((sum, { score }) => sum + score, 0) / members.length,
    tokens: members.flatMap(({ tokens }) => tokens),
  }));
}

function tagOf(label: string): string {
  return /^[BI]-/.test(label) ? label.slice(2) : label;
}

/** Of entities of several windows that overlap the longest, the surer of two that are equally long; in the order of the text. */
export function withoutOverlap(entities: readonly Entity[]): Entity[] {
  const kept: Entity[] = [];
  for (const entity of entities.toSorted((a, b) => a.start - b.start)) {
    const last = kept.at(-1);
    if (!last || entity.start >= last.end || entity.start < last.start) {
      kept.push(entity);
      continue;
    }
    const longer = entity.end - entity.start - (last.end - last.start);
    if (longer > 0 || (longer === 0 && entity.score > last.score)) kept[kept.length - 1] = entity;
  }
  return kept;
}
