// The rows of a list: chosen by their boxes, and entered cell by cell where they stand.
import { showNotice } from "../notices";

export function mount(bar: HTMLElement): void {
  const body = document.getElementById("list-body");
  if (!body) return;
  choosing(bar, body);
  for (const table of body.querySelectorAll<HTMLElement>("table[data-cells]")) entering(table);
}

function choosing(bar: HTMLElement, body: HTMLElement): void {
  const told = bar.querySelector<HTMLElement>("[data-chosen]")!;
  const tell = () => {
    const count = body.querySelectorAll(".row-check:checked").length;
    told.textContent = count ? (told.dataset.text ?? "").replace("{n}", String(count)) : "";
    bar.classList.toggle("some", count > 0);
  };
  body.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement;
    if (box.dataset.checkAll !== undefined) {
      for (const one of box.closest("table")!.querySelectorAll<HTMLInputElement>(".row-check")) one.checked = box.checked;
    }
    tell();
  });
  tell();
}

function entering(table: HTMLElement): void {
  const first = table.querySelector<HTMLElement>("td[data-field]");
  if (first) first.tabIndex = 0;
  table.addEventListener("dblclick", (event) => {
    const cell = (event.target as Element).closest<HTMLElement>("td[data-field]");
    if (cell && !cell.querySelector("form")) void enter(table, cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = (event.target as Element).closest<HTMLElement>("td[data-field]");
    if (!cell) return;
    const form = cell.querySelector("form");
    if (form) return inForm(event, table, cell);
    if (event.target !== cell) return;
    if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault();
      void enter(table, cell);
    } else if (event.key.startsWith("Arrow")) {
      const next = beside(table, cell, event.key);
      if (next) event.preventDefault();
      go(cell, next);
    }
  });
  table.addEventListener("submit", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>("[data-cell-form]");
    const cell = form?.closest<HTMLElement>("td");
    if (!form || !cell) return;
    event.preventDefault();
    void save(table, cell, form, "");
  });
  table.addEventListener("click", (event) => {
    const cell = (event.target as Element).closest("[data-cell-cancel]")?.closest<HTMLElement>("td");
    if (cell) leave(cell);
  });
}

const before = new WeakMap<HTMLElement, Node[]>();

async function enter(table: HTMLElement, cell: HTMLElement): Promise<void> {
  const id = cell.closest<HTMLElement>("tr")?.dataset.row;
  const answer = await fetch(`${table.dataset.cells}${id}/cell/${cell.dataset.field}${table.dataset.query ?? ""}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return showNotice(document.body.dataset.textFailed ?? "", "error");
  before.set(cell, [...cell.childNodes]);
  fill(cell, await answer.text());
}

function fill(cell: HTMLElement, html: string): void {
  cell.innerHTML = html;
  // Pickers and other inputs are set up as in any part that comes later.
  cell.dispatchEvent(new CustomEvent("row-added", { bubbles: true }));
  const input = cell.querySelector<HTMLElement>("[aria-invalid], input:not([type=hidden]), select, textarea, button");
  input?.focus();
  if (input instanceof HTMLInputElement && /text|search|number/.test(input.type)) input.select();
}

function leave(cell: HTMLElement): void {
  cell.replaceChildren(...(before.get(cell) ?? []));
  cell.focus();
}

function inForm(event: KeyboardEvent, table: HTMLElement, cell: HTMLElement): void {
  const form = cell.querySelector<HTMLFormElement>("form")!;
  if (event.key === "Escape" && !cell.querySelector('[aria-expanded="true"]')) {
    event.preventDefault();
    event.stopPropagation();
    leave(cell);
  } else if (event.key === "Tab" && !(event.target as Element).matches("button")) {
    event.preventDefault();
    void save(table, cell, form, event.shiftKey ? "ArrowLeft" : "ArrowRight");
  }
}

async function save(table: HTMLElement, cell: HTMLElement, form: HTMLFormElement, then: string): Promise<void> {
  const row = cell.closest("tr")!;
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  const body = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
  const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRF-Token": token } }).catch(() => null);
  if (!answer) return showNotice(document.body.dataset.textOffline ?? "", "error");
  if (answer.status === 409 || answer.status === 422) return fill(cell, await answer.text());
  if (!answer.ok) return showNotice(document.body.dataset.textFailed ?? "", "error");
  const place = [...row.children].indexOf(cell);
  const holder = document.createElement("tbody");
  holder.innerHTML = await answer.text();
  const fresh = holder.querySelector("tr")!;
  const chosen = row.querySelector<HTMLInputElement>(".row-check")?.checked ?? false;
  const box = fresh.querySelector<HTMLInputElement>(".row-check");
  if (box) box.checked = chosen;
  row.replaceWith(fresh);
  const here = fresh.children[place] as HTMLElement;
  here.tabIndex = 0;
  const next = then ? beside(table, here, then) : null;
  if (next) {
    go(here, next);
    void enter(table, next);
  } else here.focus();
}

function go(from: HTMLElement, to: HTMLElement | null): void {
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

// The next cell that can be entered in a direction.
function beside(table: HTMLElement, cell: HTMLElement, key: string): HTMLElement | null {
  const row = cell.closest("tr")!;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const cells = [...row.querySelectorAll<HTMLElement>("td[data-field]")];
    return cells[cells.indexOf(cell) + (key === "ArrowLeft" ? -1 : 1)] ?? null;
  }
  const rows = [...table.querySelectorAll<HTMLElement>("tbody tr[data-row]")];
  const next = rows[rows.indexOf(row) + (key === "ArrowUp" ? -1 : 1)];
  return next?.querySelector<HTMLElement>(`td[data-field="${cell.dataset.field}"]`) ?? null;
}
