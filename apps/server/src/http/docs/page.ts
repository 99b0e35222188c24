/** The document as one page that loads nothing else: every route with its fields, and its example to be tried. */

/** @param document what `openApi` made */
export function page(document: object): string {
  const json = JSON.stringify(document).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>modernbert-serve</title>
<style>${style}</style>
</head>
<body>
<header><h1>modernbert-serve</h1><form><a href="api-doc/openapi.json">OpenAPI 3.1</a>
<label>API key <input id="key" type="password" autocomplete="off"></label></form></header>
<main id="main"></main>
<script type="application/json" id="document">${json}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent); }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { margin: 0; font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
header form { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; margin: .5rem 0 }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .4rem 0; padding: 0 .8rem }
summary { cursor: pointer; padding: .5rem 0 } summary span { opacity: .75; margin-left: .5rem }
code, pre, textarea { font: .85rem/1.45 ui-monospace, monospace }
summary > code { font-weight: 600; overflow-wrap: anywhere }
summary .method { display: inline-block; min-width: 3.2rem; margin-left: .2rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0; vertical-align: top; overflow-wrap: anywhere }
td:first-child { white-space: nowrap; width: 1% }
@media (max-width: 34rem) { tr, td { display: block } tr { border-top: 1px solid var(--line); padding: .3rem 0 } td { border: 0; padding: 0 } }
textarea { display: block; width: 100%; resize: vertical; padding: .5rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--soft); color: inherit }
pre { background: var(--soft); border-radius: .3rem; padding: .6rem; overflow: auto; max-height: 20rem; white-space: pre-wrap; overflow-wrap: anywhere }
button, input { font: inherit; padding: .25rem .7rem } button { cursor: pointer } input { max-width: 12rem }
.row { margin: .5rem 0 .8rem }
`;

const script = `
const { paths } = JSON.parse(document.getElementById("document").textContent);
const make = (name, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...children);
  return node;
};
const typeOf = (schema) => {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map(typeOf).join(" | ");
  if (schema.type === "array") return "[" + typeOf(schema.items ?? {}) + ", …]";
  if (schema.type === "object" && schema.properties)
    return "{ " + Object.entries(schema.properties).map(([name, field]) => name + ": " + typeOf(field)).join(", ") + " }";
  return [schema.type ?? "any"].flat().join(" | ");
};
// Of long objects each field on a line of its own.
const shape = (schema, indent = "") => {
  const line = typeOf(schema);
  const inner = indent + "  ";
  if (line.length + indent.length <= 70) return line;
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map((each) => shape(each, indent)).join(" | ");
  if (schema.type === "array") return "[" + shape(schema.items ?? {}, indent) + ", …]";
  if (schema.type !== "object" || !schema.properties) return line;
  const lines = Object.entries(schema.properties).map(([name, field]) => inner + name + ": " + shape(field, inner));
  return "{\\n" + lines.join(",\\n") + "\\n" + indent + "}";
};
// Words between backticks are code.
const words = (text) => text.split("\`").map((part, at) => at % 2 === 0 ? part : make("code", { textContent: part }));
const field = ([name, schema], required) => make("tr", {},
  make("td", {}, make("code", { textContent: name + (required?.includes(name) ? "" : "?") })),
  make("td", {}, make("code", { textContent: typeOf(schema) }),
    make("div", {}, ...words([schema.description, schema.default === undefined ? "" : "Default: " + JSON.stringify(schema.default) + "."].filter(Boolean).join(" ")))));
const send = async (method, path, body, output) => {
  const key = document.getElementById("key").value;
  output.textContent = "…";
  try {
    const response = await fetch(path.slice(1) || ".", {
      method, body,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...(key && { authorization: "Bearer " + key }) },
    });
    const text = await response.text();
    output.textContent = response.status + " " + (text.length > 20000 ? text.slice(0, 20000) + "…" : text);
  } catch (error) {
    output.textContent = String(error);
  }
};
const view = (path, method, operation) => {
  const sent = operation.requestBody?.content["application/json"];
  const answer = operation.responses[200].content?.["application/json"]?.schema;
  const example = sent && JSON.stringify(sent.example, null, 2);
  const body = sent && make("textarea", { value: example, rows: Math.min(16, example.split("\\n").length), ariaLabel: "Body of " + path, spellcheck: false });
  const output = make("pre", { hidden: true });
  output.setAttribute("aria-live", "polite");
  const button = make("button", { type: "button", textContent: "Send", onclick() {
    output.hidden = false;
    void send(method.toUpperCase(), path, body?.value, output);
  } });
  return make("details", { id: method + path },
    make("summary", {}, make("span", { className: "method", textContent: method.toUpperCase() }), make("code", { textContent: path }), make("span", {}, ...words(operation.summary))),
    ...(sent?.schema.properties ? [make("table", {}, ...Object.entries(sent.schema.properties).map((each) => field(each, sent.schema.required)))] : []),
    ...(answer ? [make("div", {}, "Answers"), make("pre", { textContent: shape(answer) })] : []),
    ...(body ? [body] : []), make("div", { className: "row" }, button), output);
};
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
const groups = new Map();
for (const [path, operations] of Object.entries(paths))
  for (const [method, operation] of Object.entries(operations))
    groups.set(operation.tags[0], [...(groups.get(operation.tags[0]) ?? []), view(path, method, operation)]);
const last = ([name]) => name === "The server";
for (const [name, views] of [...groups].sort((a, b) => last(a) - last(b))) document.getElementById("main").append(make("h2", { textContent: name }), ...views);
`;
