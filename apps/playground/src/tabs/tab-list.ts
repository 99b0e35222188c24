/** The tabs as WAI-ARIA describes them: one stop of the Tab key, arrows, Home and End move between them. */
import type { WorkerModel } from "@modernbert-ts/pipelines/worker";
import { element } from "../dom.ts";
import type { Tab } from "./tab.ts";

export interface TabList {
  /** Shows the first tab that has a use for the model, or the one that was shown where it has. */
  showModel(model: WorkerModel): void;
}

export function createTabList(list: HTMLElement, panels: HTMLElement, tabs: readonly Tab[]): TabList {
  let model: WorkerModel | undefined;
  let selected: Tab | undefined;
  const fresh = new Set<Tab>();
  const parts = new Map(tabs.map((tab) => [tab, makeParts(tab)] as const));

  function select(tab: Tab): void {
    if (selected !== tab) selected?.close();
    selected = tab;
    for (const [each, { button, panel }] of parts) {
      button.setAttribute("aria-selected", String(each === tab));
      button.tabIndex = each === tab ? 0 : -1;
      panel.hidden = each !== tab;
    }
    if (!model || !fresh.has(tab) || tab.unable(model.report) !== undefined) return;
    fresh.delete(tab);
    tab.open(model);
  }

  function makeParts(tab: Tab) {
    const button = element("button", {
      type: "button",
      id: `tab-${tab.id}`,
      textContent: tab.title,
      onclick: () => select(tab),
    });
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", tab.id);
    const why = element("p", { className: "unable" });
    const panel = element("section", { id: tab.id, hidden: true }, why, tab.panel);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
    return { button, panel, why };
  }

  list.append(...[...parts.values()].map(({ button }) => button));
  panels.append(...[...parts.values()].map(({ panel }) => panel));
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(selected!);
    const steps: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs.at(to % tabs.length)!;
    select(next);
    parts.get(next)!.button.focus();
  });

  return {
    showModel(next) {
      selected?.close();
      model = next;
      const { report } = next;
      for (const [tab, { button, why }] of parts) {
        fresh.add(tab);
        const reason = tab.unable(report);
        button.classList.toggle("off", reason !== undefined);
        why.textContent = reason ?? "";
        why.hidden = reason === undefined;
        tab.panel.hidden = reason !== undefined;
      }
      const able = tabs.filter((tab) => tab.unable(report) === undefined);
      select(selected && able.includes(selected) ? selected : (able[0] ?? tabs[0]!));
    },
  };
}
