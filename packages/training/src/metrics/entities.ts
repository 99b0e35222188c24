/**
 * Entities of tag sequences and their F1, by the rules of conlleval and seqeval: B- begins one, I- and E- go on with it, E- and S- end one; an
 * I- or E- that follows nothing of its type begins one too.
 */

interface Entity {
  readonly type: string;
  readonly first: number;
  readonly last: number;
}

/** Whether tags are O or have the prefixes of entities. */
export function areEntityTags(labels: readonly string[]): boolean {
  return labels.some((label) => label !== "O") && labels.every((label) => label === "O" || /^[BIES]-./.test(label));
}

export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let open: { readonly type: string; readonly first: number } | undefined;
  const close = (last: number): void => {
    if (open) entities.push({ ...open, last });
    open = undefined;
  };
  for (const [at, tag] of tags.entries()) {
    const [prefix, type] = tag === "O" ? ["O", ""] : [tag[0]!, tag.slice(2)];
    if (prefix === "O" || prefix === "B" || prefix === "S" || type !== open?.type) close(at - 1);
    if (prefix === "O") continue;
    open ??= { type, first: at };
    if (prefix === "E" || prefix === "S") close(at);
  }
  close(tags.length - 1);
  return entities;
}

export interface EntityScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** Of all entities together; one counts as found where type and borders are right. */
export function entityScores(
  sequences: readonly (readonly [wanted: readonly string[], predicted: readonly string[]])[],
): EntityScores {
  let [hits, wanted, predicted] = [0, 0, 0];
  for (const [tags, guesses] of sequences) {
    const [right, found] = [tags, guesses].map(
      (side) => new Set(entitiesOf(side).map(({ type, first, last }) => `${first} ${last} ${type}`)),
    ) as [Set<string>, Set<string>];
    wanted += right.size;
    predicted += found.size;
    for (const entity of found) if (right.has(entity)) hits++;
  }
  const share = (of: number): number => (of === 0 ? 0 : hits / of);
  return {
    precision: share(predicted),
    recall: share(wanted),
    f1: wanted + predicted === 0 ? 0 : (2 * hits) / (wanted + predicted),
  };
}
