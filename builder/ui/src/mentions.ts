// @ in a comment proposes people; whoever is chosen is told. The list is reached with the arrows, as in other pickers.
type Person = { id: string; label: string };

export function setUpMentions(): void {
  document.addEventListener("input", (event) => {
    const area = event.target as HTMLTextAreaElement;
    const form = area.closest?.<HTMLFormElement>("form[data-mentions]");
    if (form && area.matches("textarea")) void propose(form, area);
  });
  document.addEventListener("keydown", (event) => {
    const area = event.target as HTMLTextAreaElement;
    const list = area.closest?.("form[data-mentions]")?.querySelector<HTMLElement>("[role=listbox]");
    if (list && !list.hidden) key(event, area, list);
  });
  document.addEventListener("mousedown", (event) => {
    const option = (event.target as Element).closest<HTMLElement>("form[data-mentions] [role=option]");
    if (!option) return;
    event.preventDefault();
    take(option.closest("form")!.querySelector("textarea")!, option);
  });
}

let asked = 0;

async function propose(form: HTMLFormElement, area: HTMLTextAreaElement): Promise<void> {
  const list = form.querySelector<HTMLElement>("[role=listbox]")!;
  const typed = /(?:^|\s)@([^\s@]{0,30})$/.exec(area.value.slice(0, area.selectionStart));
  const mine = ++asked;
  if (!typed) return void close(area, list);
  const address = new URL(form.dataset.mentions!, location.href);
  address.searchParams.set("q", typed[1] ?? "");
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (mine !== asked || !answer.ok) return;
  const people = ((await answer.json()) as { items: Person[] }).items.slice(0, 8);
  list.replaceChildren(...people.map((person, index) => option(list, person, index)));
  list.hidden = !people.length;
  mark(area, list, 0);
}

function option(list: HTMLElement, person: Person, index: number): HTMLElement {
  const found = document.createElement("div");
  found.className = "picker-option";
  found.id = `${list.id}-${index}`;
  found.dataset.id = person.id;
  found.setAttribute("role", "option");
  found.textContent = person.label;
  return found;
}

function mark(area: HTMLTextAreaElement, list: HTMLElement, at: number): void {
  [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
  if (list.children[at]) area.setAttribute("aria-activedescendant", list.children[at]!.id);
}

function key(event: KeyboardEvent, area: HTMLTextAreaElement, list: HTMLElement): void {
  const items = [...list.children] as HTMLElement[];
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(area, list, (at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length);
  } else if ((event.key === "Enter" || event.key === "Tab") && items[at]) {
    event.preventDefault();
    take(area, items[at]!);
  } else if (event.key === "Escape") {
    event.stopPropagation();
    close(area, list);
  }
}

function take(area: HTMLTextAreaElement, chosen: HTMLElement): void {
  const form = area.closest("form")!;
  const before = area.value.slice(0, area.selectionStart).replace(/@[^\s@]*$/, `@${chosen.textContent ?? ""} `);
  area.setRangeText(before, 0, area.selectionStart, "end");
  const mention = Object.assign(document.createElement("input"), { type: "hidden", name: "mention", value: chosen.dataset.id ?? "" });
  form.append(mention);
  close(area, form.querySelector<HTMLElement>("[role=listbox]")!);
  area.focus();
}

function close(area: HTMLTextAreaElement, list: HTMLElement): void {
  list.hidden = true;
  area.removeAttribute("aria-activedescendant");
}
