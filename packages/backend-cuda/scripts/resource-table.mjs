/** What kernels take of a GPU: as ptxas prints it, as the table keeps it, and whether it grew. */

/** In the order of a cell. */
const quantities = ["registers", "stack", "spilled", "shared"];

/** `ptxas -v`: for each kernel its mangled name and what it takes. */
export function parsePtxas(text) {
  return text
    .split("Compiling entry function '")
    .slice(1)
    .map((part) => {
      const number = (pattern) => Number(part.match(pattern)?.[1] ?? 0);
      return {
        name: part.slice(0, part.indexOf("'")),
        use: {
          registers: number(/Used (\d+) registers/),
          stack: number(/(\d+) bytes stack frame/),
          spilled: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
          shared: number(/(\d+) bytes smem/),
        },
      };
    });
}

/** A line per kernel, a column per target, a cell `registers stack spilled shared`. */
export function writeTable(measured, targets) {
  const cell = (use) => (use ? quantities.map((quantity) => use[quantity]).join(" ") : "");
  const rows = [...measured].map(([kernel, uses]) => [kernel, ...targets.map((target) => cell(uses[target]))]);
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  const head = [`kernel (${quantities.join(", ")})`, ...targets];
  return [head, ...rows].map((row) => `${row.join("\t")}\n`).join("");
}

export function readTable(text) {
  const [head, ...rows] = text
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  const targets = head.slice(1);
  return new Map(
    rows.map(([kernel, ...cells]) => {
      const entries = targets.flatMap((target, at) => (cells[at] ? [[target, useOf(cells[at])]] : []));
      return [kernel, Object.fromEntries(entries)];
    }),
  );
}

function useOf(cell) {
  const numbers = cell.split(" ").map(Number);
  return Object.fromEntries(quantities.map((quantity, at) => [quantity, numbers[at]]));
}

/** @returns faults: what grew, spills or is in one of both only; notes: what takes less. */
export function compare(measured, known, targets) {
  const [faults, notes] = [[], []];
  const renew = "node scripts/resources.mjs --write";
  for (const [kernel, uses] of measured) {
    for (const target of targets) {
      const [use, before] = [uses[target], known.get(kernel)?.[target]];
      if (!use) continue;
      if (use.spilled > 0) faults.push(`${kernel} on ${target} spills ${use.spilled} bytes`);
      if (!before) faults.push(`${kernel} on ${target} is not in resources.tsv: ${renew}`);
      for (const quantity of before ? quantities : []) {
        const change = `${kernel} on ${target}: ${quantity} ${before[quantity]} → ${use[quantity]}`;
        if (use[quantity] > before[quantity]) faults.push(change);
        if (use[quantity] < before[quantity]) notes.push(`${change} (${renew} keeps it)`);
      }
    }
  }
  for (const [kernel, before] of known) {
    const gone = targets.find((target) => before[target] && !measured.get(kernel)?.[target]);
    if (gone) faults.push(`${kernel} stands in resources.tsv, but there is no such kernel on ${gone}: ${renew}`);
  }
  return { faults, notes };
}
