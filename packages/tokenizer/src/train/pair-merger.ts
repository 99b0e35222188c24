/**
 * Learns merges of neighbours from counted words (Sennrich et al. 2016): again and again the most frequent pair of neighbours
 * becomes a token, the pair with the lower ids among equals. Pair counts are kept up to date word by word, and the
 * queue may hold old counts, which are corrected when they come up. Gives the merges of the reference library's
 * BpeTrainer, which its rules (what is counted again, what is not) are taken from.
 */

/** Distinct words as ids of tokens, with how often each was seen. */
export interface SymbolWords {
  /** Word i is symbols[starts[i], starts[i + 1]); merging overwrites them. */
  readonly symbols: Int32Array;
  readonly starts: Int32Array;
  readonly counts: Float64Array;
  readonly size: number;
}

interface MergeRules {
  /** Tokens to stop at, those given in `tokens` included. */
  readonly vocabSize: number;
  /** A pair seen less often is not merged. */
  readonly minFrequency: number;
  readonly onMerge?: ((tokens: number) => void) | undefined;
}

/** A pair of ids with the words it may be found in; `count` may be out of date. */
interface Candidate {
  count: number;
  readonly left: number;
  readonly right: number;
  readonly words: readonly number[];
}

/** Ids are small enough for both to share a double. */
const SPAN = 2 ** 24;

export class PairMerger {
  /** Left and right id of each merge learnt. */
  readonly merges: [left: number, right: number, made: number][] = [];
  /** Texts of all tokens by id; grows by what is learnt. */
  readonly tokens: string[];
  readonly #ids: Map<string, number>;
  readonly #words: SymbolWords;
  readonly #join: (left: string, right: string) => string;
  /** Of what is left of each word's symbols. */
  readonly #lengths: Int32Array;
  readonly #pairCounts: Map<number, number> = new Map();
  readonly #queue: Candidate[] = [];
  /** Words of the pairs that the current step has formed. */
  #formed: Map<number, number[]> = new Map();

  /** `tokens` are the tokens there are from the start; `join` gives the text of two that stand side by side. */
  constructor(words: SymbolWords, tokens: readonly string[], join: (left: string, right: string) => string) {
    this.#words = words;
    this.#join = join;
    this.tokens = [...tokens];
    this.#ids = new Map(tokens.map((token, id) => [token, id]));
    this.#lengths = new Int32Array(words.size);
    for (let word = 0; word < words.size; word++) this.#lengths[word] = words.starts[word + 1]! - words.starts[word]!;
  }

  train({ vocabSize, minFrequency, onMerge }: MergeRules): void {
    this.#countPairs();
    while (this.tokens.length < vocabSize) {
      const top = this.#pop();
      if (top === undefined) break;
      const count = this.#pairCounts.get(top.left * SPAN + top.right)!;
      if (count !== top.count) {
        top.count = count;
        this.#push(top);
        continue;
      }
      if (count < 1 || count < minFrequency) break;
      const made = this.#tokenFor(this.#join(this.tokens[top.left]!, this.tokens[top.right]!));
      this.merges.push([top.left, top.right, made]);
      for (const word of top.words) this.#mergeIn(word, top.left, top.right, made);
      this.#queueFormed();
      onMerge?.(this.tokens.length);
    }
  }

  #countPairs(): void {
    const { symbols, starts, size } = this.#words;
    for (let word = 0; word < size; word++)
      for (let i = starts[word]! + 1; i < starts[word + 1]!; i++) this.#count(symbols[i - 1]!, symbols[i]!, 1, word);
    this.#queueFormed();
  }

  /** Id of a token; two pairs may spell the same one. */
  #tokenFor(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.tokens.push(text) - 1;
    this.#ids.set(text, id);
    return id;
  }

  /** A pair was formed (+1) or broken (-1) in a word. The pair being merged itself keeps its count. */
  #count(left: number, right: number, change: 1 | -1, word: number): void {
    const key = left * SPAN + right;
    this.#pairCounts.set(key, (this.#pairCounts.get(key) ?? 0) + change * this.#words.counts[word]!);
    if (change < 0) return;
    const list = this.#formed.get(key);
    if (list === undefined) this.#formed.set(key, [word]);
    else if (list.at(-1) !== word) list.push(word);
  }

  #mergeIn(word: number, left: number, right: number, made: number): void {
    const { symbols, starts } = this.#words;
    const start = starts[word]!;
    const end = start + this.#lengths[word]!;
    let out = start; // symbols before this are done
    for (let i = start; i < end; i++, out++) {
      if (symbols[i] !== left || i + 1 >= end || symbols[i + 1] !== right) {
        symbols[out] = symbols[i]!;
        continue;
      }
      if (out > start) {
        this.#count(symbols[out - 1]!, left, -1, word);
        this.#count(symbols[out - 1]!, made, 1, word);
      }
      i++;
      if (i + 1 < end) {
        this.#count(right, symbols[i + 1]!, -1, word);
        this.#count(made, symbols[i + 1]!, 1, word);
      }
      symbols[out] = made;
    }
    this.#lengths[word] = out - start;
  }

  #queueFormed(): void {
    for (const [key, words] of this.#formed) {
      const count = this.#pairCounts.get(key)!;
      const left = Math.floor(key / SPAN);
      if (count > 0) this.#push({ count, left, right: key - left * SPAN, words });
    }
    this.#formed = new Map();
  }

  #push(item: Candidate): void {
    const queue = this.#queue;
    let at = queue.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, queue[parent]!)) break;
      queue[at] = queue[parent]!;
      at = parent;
    }
    queue[at] = item;
  }

  #pop(): Candidate | undefined {
    const queue = this.#queue;
    const top = queue[0];
    const item = queue.pop();
    if (item === undefined || queue.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && before(queue[child + 1]!, queue[child]!)) child++;
      if (!before(queue[child]!, item)) break;
      queue[at] = queue[child]!;
      at = child;
    }
    queue[at] = item;
    return top;
  }
}

function before(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}
