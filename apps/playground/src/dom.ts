/** The few lines of DOM that every part of the page needs. */

/** The element with an id. @throws when index.html has none of that kind, which is a mistake in this app. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`[playground] expected a ${kind.name} with id ${id} in index.html, got none`);
}

/** A new element with properties and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A control under its label. */
export function labelled(control: HTMLElement, label: string | Node): HTMLDivElement {
  return element("div", { className: "field" }, element("label", { htmlFor: control.id }, label), control);
}

/** Shows a message in an element, or hides the element. */
export function setMessage(target: HTMLElement, message: string | undefined): void {
  target.textContent = message ?? "";
  target.hidden = message === undefined;
}

/** One line without the `[operation]` that the library puts before it, and without what only a program can do. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/^\[[^\]]+\] /, "").replace(/: shorten it or truncate$/, ": shorten it");
  return line.charAt(0).toUpperCase() + line.slice(1);
}

/** The lines of a text that are not blank. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
