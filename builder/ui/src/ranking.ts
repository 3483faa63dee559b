// A ranking: items are dragged, or moved with buttons; every move is told to screen readers.
import Sortable from "sortablejs";
import { changed, fill } from "./pending";

export function mount(box: HTMLElement): void {
  const ranked = box.querySelector<HTMLElement>("[data-ranked]")!;
  const rest = box.querySelector<HTMLElement>("[data-rest]")!;
  const group = { name: `rank-${box.dataset.name ?? ""}` };
  const options = { group, animation: 140, handle: ".grip", ghostClass: "drag-ghost", onEnd: (event: Sortable.SortableEvent) => settle(box, event.item) };
  Sortable.create(ranked, { ...options, group: { ...group, put: () => ranked.children.length < most(box) } });
  Sortable.create(rest, options);
  box.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-rank]");
    if (!button) return;
    const item = button.closest<HTMLElement>(".rank")!;
    const way = button.dataset.rank;
    if (way === "up") item.previousElementSibling?.before(item);
    if (way === "down") item.nextElementSibling?.after(item);
    if (way === "out") rest.append(item);
    if (way === "in" && ranked.children.length < most(box)) ranked.append(item);
    settle(box, item);
    const next = way === "in" || way === "out" ? item.querySelector<HTMLElement>(way === "in" ? '[data-rank="up"]' : '[data-rank="in"]') : button;
    next?.focus();
  });
  settle(box, null);
}

function most(box: HTMLElement): number {
  return Number(box.dataset.most ?? "1");
}

function settle(box: HTMLElement, moved: HTMLElement | null): void {
  const ranked = box.querySelector<HTMLElement>("[data-ranked]")!;
  for (const item of box.querySelectorAll<HTMLElement>(".rank")) item.querySelector("input")!.disabled = item.parentElement !== ranked;
  for (const button of box.querySelectorAll<HTMLButtonElement>('[data-rank="in"]')) button.disabled = ranked.children.length >= most(box);
  if (!moved) return;
  changed(ranked);
  const place = [...ranked.children].indexOf(moved) + 1;
  const words = fill(box.dataset.textMoved ?? "", { item: moved.dataset.label ?? "", n: place || "–", m: ranked.children.length });
  box.querySelector("[data-told]")!.textContent = words;
}
