// Options that are offered only under a choice of another field: the lists follow while somebody chooses.
import { changed } from "./pending";

export function setUpOptions(): void {
  document.addEventListener("change", (event) => {
    const form = (event.target as Element).closest("form");
    if (form) follow(form, event.target as Element);
  });
  followAll(document);
}

export function followAll(root: ParentNode): void {
  const around = root instanceof Element ? root.closest("form") : null;
  if (around) follow(around, null);
  for (const form of root.querySelectorAll("form")) if (form.querySelector("[data-beside]")) follow(form, null);
}

/** What the field beside `box` holds now: in the same row of a sub-table, else in the record. */
export function beside(box: HTMLElement): string[] {
  const form = box.closest("form");
  const name = box.dataset.beside;
  if (!form || !name) return [];
  const row = box.closest<HTMLElement>("tr[data-row]");
  const table = row?.closest<HTMLElement>("[data-subtable]")?.dataset.subtable;
  const inRow = row && table ? named(form, `${table}.${row.dataset.row ?? ""}.${name}`) : [];
  return read(inRow.length ? inRow : named(form, name));
}

function named(form: HTMLFormElement, name: string): HTMLInputElement[] {
  return [...form.querySelectorAll<HTMLInputElement>(`[name="${CSS.escape(name)}"]`)];
}

function read(inputs: HTMLInputElement[]): string[] {
  const chosen = inputs.filter((input) => (input.type === "radio" || input.type === "checkbox" ? input.checked : true));
  return chosen.map((input) => input.value).filter(Boolean);
}

function follow(form: HTMLFormElement, cause: Element | null): void {
  for (const box of form.querySelectorAll<HTMLElement>("[data-beside]")) {
    if (cause && box.contains(cause)) continue;
    const upper = beside(box);
    for (const item of box.querySelectorAll<HTMLElement>("[data-when]")) {
      const offered = (item.dataset.when ?? "").split(" ").some((name) => upper.includes(name));
      show(item, offered);
    }
  }
}

function show(item: HTMLElement, offered: boolean): void {
  item.hidden = !offered;
  if (item instanceof HTMLOptionElement) {
    item.disabled = !offered;
    if (!offered && item.selected) {
      const list = item.closest("select")!;
      list.value = "";
      changed(list);
    }
    return;
  }
  const input = item.querySelector("input");
  if (!input) return;
  input.disabled = !offered;
  if (!offered && input.checked) {
    input.checked = false;
    changed(input);
  }
}
