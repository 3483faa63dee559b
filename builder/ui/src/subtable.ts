// Rows of a sub-table: add, remove, paste from a spreadsheet; names carry the row number, so that the server reads them in order.
import { pickByLabel } from "./picker";

export function setUpSubtables(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const add = target.closest<HTMLElement>("[data-row-add]");
    const remove = target.closest<HTMLElement>("[data-row-remove]");
    if (add) addRow(add.closest<HTMLElement>("[data-subtable]")!);
    if (remove) removeRow(remove);
  });
  document.addEventListener("paste", (event) => {
    const input = event.target as HTMLElement;
    const row = input.closest?.<HTMLTableRowElement>("[data-subtable] tr[data-row]");
    const text = (event as ClipboardEvent).clipboardData?.getData("text/plain") ?? "";
    if (!row || !/[\t\n]/.test(text.replace(/\r?\n$/, "")) || input.matches("textarea, [contenteditable]")) return;
    event.preventDefault();
    void pasteCells(row, input.closest<HTMLTableCellElement>("td.cell")!, cellsOf(text));
  });
}

/** Cells of a spreadsheet's text: tabs between, one line a row, quotes around what holds either. */
export function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = "";
  let quoted = false;
  const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let at = 0; at < source.length; at++) {
    const sign = source[at]!;
    if (quoted && sign === '"' && source[at + 1] === '"') (cell += '"'), at++;
    else if (sign === '"' && (quoted || !cell)) quoted = !quoted;
    else if (!quoted && (sign === "\t" || sign === "\n")) {
      rows[rows.length - 1]!.push(cell);
      cell = "";
      if (sign === "\n") rows.push([]);
    } else cell += sign;
  }
  rows[rows.length - 1]!.push(cell);
  return rows;
}

/** Fills cells from where the pointer is, to the right and down; rows that are missing are added. */
async function pasteCells(from: HTMLTableRowElement, first: HTMLTableCellElement, cells: string[][]): Promise<void> {
  const table = from.closest<HTMLElement>("[data-subtable]")!;
  const body = from.parentElement as HTMLTableSectionElement;
  const start = [...body.rows].indexOf(from);
  const left = [...from.querySelectorAll("td.cell")].indexOf(first);
  const most = Number(table.dataset.most ?? "1000");
  const searches: Promise<void>[] = [];
  for (const [number, line] of cells.slice(0, Math.max(0, most - start)).entries()) {
    const row = body.rows[start + number] ?? newRow(table, body);
    const targets = [...row.querySelectorAll<HTMLElement>("td.cell")].slice(left);
    line.forEach((text, place) => targets[place] && searches.push(fillCell(targets[place]!, text.trim())));
  }
  renumber(body);
  await Promise.all(searches);
  table.dispatchEvent(new Event("input", { bubbles: true }));
  table.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Puts a text into a cell as its input takes it: an option by its label, a record by its title, yes and no. */
async function fillCell(cell: HTMLElement, text: string): Promise<void> {
  const picker = cell.querySelector<HTMLElement>(".picker:not(.multi)");
  if (picker) return void (await pickByLabel(picker, text));
  const select = cell.querySelector<HTMLSelectElement>("select");
  if (select) {
    const found = [...select.options].find((option) => option.value === text || option.text.trim() === text);
    if (found) select.value = found.value;
    return;
  }
  const check = cell.querySelector<HTMLInputElement>("input[type=checkbox]");
  if (check) return void (check.checked = /^(1|true|yes|y|x|是|√|✓)$/i.test(text));
  const input = cell.querySelector<HTMLInputElement>("input:not([type=hidden]):not([type=file]):not([type=radio]), textarea");
  if (input) input.value = input.type === "date" ? dayOf(text) : text;
}

/** 2026/3/5 and 2026年3月5日 as a date input takes them. */
function dayOf(text: string): string {
  const found = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text);
  return found ? `${found[1]}-${found[2]!.padStart(2, "0")}-${found[3]!.padStart(2, "0")}` : text;
}

function addRow(table: HTMLElement): void {
  const body = table.querySelector("tbody")!;
  const row = newRow(table, body);
  renumber(body);
  row.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus();
  table.dispatchEvent(new Event("input", { bubbles: true }));
}

function newRow(table: HTMLElement, body: HTMLTableSectionElement): HTMLTableRowElement {
  const template = table.querySelector<HTMLTemplateElement>(":scope > template")!;
  const next = Number(table.dataset.next ?? body.rows.length);
  table.dataset.next = String(next + 1);
  const holder = document.createElement("tbody");
  holder.innerHTML = template.innerHTML.replaceAll("__row__", String(next));
  const row = holder.firstElementChild as HTMLTableRowElement;
  body.append(row);
  row.dispatchEvent(new Event("row-added", { bubbles: true }));
  return row;
}

function removeRow(button: HTMLElement): void {
  const table = button.closest<HTMLElement>("[data-subtable]")!;
  const row = button.closest("tr")!;
  const near = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector<HTMLElement>("[data-row-remove]");
  row.remove();
  renumber(table.querySelector("tbody")!);
  (near ?? table.querySelector<HTMLElement>("[data-row-add]"))?.focus();
  table.dispatchEvent(new Event("input", { bubbles: true }));
}

function renumber(body: HTMLTableSectionElement): void {
  [...body.rows].forEach((row, index) => {
    const cell = row.querySelector(".row-no");
    if (cell) cell.textContent = String(index + 1);
  });
}
