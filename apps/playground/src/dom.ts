/** The few lines of DOM that every view needs. */

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

/** Shows a message in an element, or hides the element. */
export function setMessage(target: HTMLElement, message: string | undefined): void {
  target.textContent = message ?? "";
  target.hidden = message === undefined;
}

/** One line without the `[operation]` that the library puts before it. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/^\[[^\]]+\] /, "");
  return line.charAt(0).toUpperCase() + line.slice(1);
}
