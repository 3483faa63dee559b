// A calendar: entries move to another day by pointer, by Alt and an arrow, or by naming the day.
import Sortable from "sortablejs";
import { place, redraw } from "./placing";

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

export function mount(calendar: HTMLElement): void {
  if (calendar.dataset.movable === undefined) return;
  for (const list of calendar.querySelectorAll<HTMLElement>("[data-entries]")) {
    Sortable.create(list, {
      group: "calendar",
      sort: false,
      draggable: ".cal-entry",
      filter: "button",
      preventOnFilter: false,
      delay: 160,
      delayOnTouchOnly: true,
      animation: 120,
      ghostClass: "drag-ghost",
      onEnd: (event) => {
        const days = between(dayOf(event.from), dayOf(event.to));
        if (days) void move(calendar, event.item, days);
      },
    });
  }
  calendar.addEventListener("keydown", (event) => {
    const entry = (event.target as Element).closest<HTMLElement>(".cal-entry");
    const days = STEPS[event.key];
    if (!entry || !days || !event.altKey) return;
    event.preventDefault();
    void move(calendar, entry, days);
  });
  calendar.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-move]");
    const entry = button?.closest<HTMLElement>(".cal-entry");
    if (button && entry) askDay(calendar, entry, button);
  });
}

function dayOf(list: HTMLElement): string {
  return list.closest<HTMLElement>("[data-day]")?.dataset.day ?? "";
}

function between(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) || 0;
}

async function move(calendar: HTMLElement, entry: HTMLElement, days: number): Promise<void> {
  await place(calendar, entry, { days });
  // Drawn anew also where it was refused: then it stands again where it was.
  await redraw(entry.dataset.card ?? "");
}

function askDay(calendar: HTMLElement, entry: HTMLElement, button: HTMLElement): void {
  const box = document.createElement("dialog");
  box.className = "dialog small";
  const form = document.createElement("form");
  form.method = "dialog";
  const { textDay, textSave, textCancel } = calendar.dataset;
  const field = Object.assign(document.createElement("div"), { className: "dialog-body field" });
  const label = Object.assign(document.createElement("label"), { textContent: textDay ?? "", htmlFor: "move-day" });
  const input = Object.assign(document.createElement("input"), { type: "date", id: "move-day", className: "input", required: true, value: entry.dataset.start ?? "" });
  field.append(label, input);
  const foot = Object.assign(document.createElement("div"), { className: "dialog-foot" });
  const cancel = Object.assign(document.createElement("button"), { type: "submit", value: "", className: "btn", textContent: textCancel ?? "", formNoValidate: true });
  const save = Object.assign(document.createElement("button"), { type: "submit", value: "yes", className: "btn primary", textContent: textSave ?? "" });
  foot.append(cancel, save);
  form.append(field, foot);
  box.append(form);
  box.setAttribute("aria-label", entry.querySelector("a")?.textContent ?? "");
  box.addEventListener("close", () => {
    const days = box.returnValue === "yes" ? between(entry.dataset.start ?? "", input.value) : 0;
    box.remove();
    if (days) void move(calendar, entry, days);
    else button.focus();
  });
  document.body.append(box);
  box.showModal();
}
