// Rows of a sub-table: add and remove; names carry the row number, so that the server reads them in order.
export function setUpSubtables(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const add = target.closest<HTMLElement>("[data-row-add]");
    const remove = target.closest<HTMLElement>("[data-row-remove]");
    if (add) addRow(add.closest<HTMLElement>("[data-subtable]")!);
    if (remove) removeRow(remove);
  });
}

function addRow(table: HTMLElement): void {
  const template = table.querySelector<HTMLTemplateElement>("template")!;
  const body = table.querySelector("tbody")!;
  const next = Number(table.dataset.next ?? body.rows.length);
  table.dataset.next = String(next + 1);
  const holder = document.createElement("tbody");
  holder.innerHTML = template.innerHTML.replaceAll("__row__", String(next));
  const row = holder.firstElementChild as HTMLElement;
  body.append(row);
  renumber(body);
  row.dispatchEvent(new Event("row-added", { bubbles: true }));
  row.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus();
  table.dispatchEvent(new Event("input", { bubbles: true }));
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
