// The grid of a decision table: arrow keys between cells, help in FEEL for the cell one is in, rows that a trial matched.
import { act } from "./acting";

type Hint = [text: string, meaning: string];

export function mount(table: HTMLElement): void {
  table.addEventListener("keydown", (event) => onKey(table, event));
  table.addEventListener("focusin", (event) => help(table, event.target as Element));
  table.addEventListener("input", (event) => fit(event.target as HTMLElement));
  for (const cell of table.querySelectorAll<HTMLElement>(".cell-input")) fit(cell);
  // What is being tried is tried again with every change of the table.
  if (document.querySelector("#try-result [data-matched]")) document.querySelector(".try-form")?.dispatchEvent(new Event("again"));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (table.isConnected && (event as CustomEvent).detail.target?.id === "try-result") mark(table);
  });
}

// As high as its text, in browsers that do not do so by themselves.
function fit(cell: HTMLElement): void {
  if (CSS.supports("field-sizing", "content") || !cell.classList.contains("cell-input")) return;
  cell.style.height = "auto";
  cell.style.height = `${cell.scrollHeight}px`;
}

function onKey(table: HTMLElement, event: KeyboardEvent): void {
  const cell = event.target as HTMLTextAreaElement;
  if (!cell.classList?.contains("cell-input")) return;
  const row = cell.closest<HTMLElement>("tr")!;
  const vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
  if (event.altKey && vertical) {
    event.preventDefault();
    commit(cell);
    act(table, { action: event.key === "ArrowUp" ? "up" : "down", table: table.dataset.table ?? "", rule: row.dataset.row ?? "" });
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    commit(cell);
    act(table, { action: "below", table: table.dataset.table ?? "", rule: row.dataset.row ?? "" });
  } else if (event.key === "Enter" || (vertical && onEdge(cell, event.key))) {
    event.preventDefault();
    const next = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    const index = [...row.querySelectorAll(".cell-input")].indexOf(cell);
    const other = next?.querySelectorAll<HTMLTextAreaElement>(".cell-input")[index];
    if (other) (other.focus(), other.select());
    else commit(cell);
  } else if (event.key === "Escape") {
    cell.value = cell.defaultValue;
  }
}

function onEdge(cell: HTMLTextAreaElement, key: string): boolean {
  const before = cell.value.slice(0, cell.selectionStart);
  const after = cell.value.slice(cell.selectionEnd);
  return key === "ArrowUp" ? !before.includes("\n") : !after.includes("\n");
}

function commit(cell: HTMLTextAreaElement): void {
  if (cell.value !== cell.defaultValue) cell.dispatchEvent(new Event("change", { bubbles: true }));
  cell.defaultValue = cell.value;
}

function help(table: HTMLElement, target: Element): void {
  const box = document.querySelector<HTMLElement>(`[data-help-for="${table.dataset.table}"]`);
  const cell = target as HTMLTextAreaElement;
  if (!box || !cell.classList.contains("cell-input")) return;
  const index = [...cell.closest("tr")!.querySelectorAll(".cell-input")].indexOf(cell);
  const head = table.querySelectorAll<HTMLElement>(".column-pick")[index];
  const hints = JSON.parse(head?.dataset.hints ?? "[]") as Hint[];
  box.hidden = !hints.length;
  box.querySelector("[data-help-label]")!.textContent = cell.getAttribute("aria-label") ?? "";
  box.querySelector("[data-help-hints]")!.replaceChildren(...hints.map((hint) => chip(cell, hint)));
}

function chip(cell: HTMLTextAreaElement, [text, meaning]: Hint): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "hint";
  const code = document.createElement("code");
  code.textContent = text;
  button.append(code, ` ${meaning}`);
  // Before the cell loses the focus, so that it keeps it.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    cell.value = text;
    cell.focus();
    fit(cell);
    commit(cell);
  });
  return button;
}

function mark(table: HTMLElement): void {
  const matched = JSON.parse(document.querySelector<HTMLElement>("#try-result [data-matched]")?.dataset.matched ?? "{}") as Record<string, string[]>;
  const rows = new Set(matched[table.dataset.table ?? ""] ?? []);
  for (const row of table.querySelectorAll<HTMLElement>("tr[data-row]")) row.classList.toggle("hit", rows.has(row.dataset.row ?? ""));
}
