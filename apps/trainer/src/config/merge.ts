/** Fields in the place of others, sections one within the other; lists are replaced whole. */

export type Fields = Readonly<Record<string, unknown>>;

export function merge(common: Fields, changes: Fields): Fields {
  const entries = Object.entries(changes).map(([key, value]) => {
    const before = common[key];
    return [key, isFields(before) && isFields(value) ? merge(before, value) : value];
  });
  return { ...common, ...(Object.fromEntries(entries) as Fields) };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
