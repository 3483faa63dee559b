// A board: cards move between columns by pointer, by the menu of a card, or by Alt and an arrow.
import Sortable from "sortablejs";
import { showNotice } from "../notices";
import { openMenu } from "./menu";
import { place, type Figures } from "./placing";

export function mount(board: HTMLElement): void {
  if (board.dataset.movable === undefined) return;
  for (const list of board.querySelectorAll<HTMLElement>("[data-cards]")) {
    Sortable.create(list, {
      group: "board",
      sort: false,
      draggable: ".view-card",
      filter: "button",
      preventOnFilter: false,
      delay: 160,
      delayOnTouchOnly: true,
      animation: 140,
      ghostClass: "drag-ghost",
      onMove: (event) => columnOf(event.to)?.dataset.closed === undefined,
      onEnd: (event) => {
        if (event.from === event.to) return;
        const next = event.from.children[event.oldIndex ?? 0] ?? null;
        void send(board, event.item, event.to, () => event.from.insertBefore(event.item, next));
      },
    });
  }
  board.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-move]");
    if (button) chooseColumn(board, button);
  });
  board.addEventListener("keydown", (event) => {
    const card = (event.target as Element).closest<HTMLElement>(".view-card");
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!card || !step || !event.altKey) return;
    event.preventDefault();
    const columns = open(board, card);
    const all = [...board.querySelectorAll<HTMLElement>("[data-column]")];
    const here = all.indexOf(columnOf(card)!);
    const to = columns.filter((column) => (all.indexOf(column) - here) * step > 0);
    const target = step > 0 ? to[0] : to[to.length - 1];
    if (target) moveTo(board, card, target);
  });
}

function columnOf(element: Element): HTMLElement | null {
  return element.closest<HTMLElement>("[data-column]");
}

// The columns that a card may go to.
function open(board: HTMLElement, card: HTMLElement): HTMLElement[] {
  const all = [...board.querySelectorAll<HTMLElement>("[data-column]")];
  return all.filter((column) => column !== columnOf(card) && column.dataset.closed === undefined);
}

function chooseColumn(board: HTMLElement, button: HTMLElement): void {
  const card = button.closest<HTMLElement>(".view-card");
  if (!card) return;
  const items = open(board, card).map((column) => ({ label: column.dataset.label ?? "", run: () => moveTo(board, card, column) }));
  openMenu(button, board.dataset.textMove ?? "", items);
}

function moveTo(board: HTMLElement, card: HTMLElement, column: HTMLElement): void {
  const from = card.parentElement!;
  const next = card.nextElementSibling;
  const list = column.querySelector<HTMLElement>("[data-cards]")!;
  list.prepend(card);
  card.querySelector<HTMLElement>("a")?.focus();
  void send(board, card, list, () => from.insertBefore(card, next));
}

async function send(board: HTMLElement, card: HTMLElement, list: HTMLElement, back: () => void): Promise<void> {
  const column = columnOf(list)!;
  card.setAttribute("aria-busy", "true");
  const placed = await place(board, card, { into: column.dataset.column ?? "" });
  card.removeAttribute("aria-busy");
  if (!placed) {
    back();
    card.querySelector<HTMLElement>("a")?.focus();
    return;
  }
  card.dataset.version = String(placed.version);
  tell(board, placed.columns);
  const name = card.querySelector(".view-card-title")?.textContent ?? "";
  showNotice((board.dataset.textMoved ?? "").replace("{card}", name).replace("{column}", column.dataset.label ?? ""));
}

function tell(board: HTMLElement, figures: Figures): void {
  for (const column of board.querySelectorAll<HTMLElement>("[data-column]")) {
    const figure = figures[column.dataset.column ?? ""];
    column.querySelector("[data-count]")!.textContent = figure?.count ?? "0";
    const sums = (figure?.sums ?? []).map((text) => Object.assign(document.createElement("span"), { textContent: text }));
    column.querySelector("[data-sums]")!.replaceChildren(...sums);
  }
}
