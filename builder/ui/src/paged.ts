// Tabs and steps of a form. Everything stays in the page, so nothing that was typed is lost by turning;
// a step is left forwards only when what it shows is filled in as it must be.
import { fill } from "./pending";

export function setUpPaged(root: ParentNode): void {
  for (const box of root.querySelectorAll<HTMLElement>("[data-paged]")) if (!box.dataset.ready) start(box);
}

function start(box: HTMLElement): void {
  box.dataset.ready = "true";
  const bar = box.querySelector<HTMLElement>(":scope > .tabs, :scope > .stepper")!;
  bar.hidden = false;
  const foot = box.querySelector<HTMLElement>(":scope > .step-foot");
  if (foot) foot.hidden = false;
  const tabs = [...bar.querySelectorAll<HTMLButtonElement>("button")];
  const first = tabs.findIndex((tab) => tab.dataset.invalid !== undefined);
  turn(box, Math.max(first, 0), false);
  bar.addEventListener("click", (event) => {
    const tab = (event.target as Element).closest<HTMLButtonElement>("button");
    if (tab) go(box, tabs.indexOf(tab));
  });
  bar.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step || box.dataset.paged !== "tabs") return;
    event.preventDefault();
    const next = (at(box) + step + tabs.length) % tabs.length;
    turn(box, next, false);
    tabs[next]?.focus();
  });
  foot?.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-step]");
    if (button) go(box, at(box) + Number(button.dataset.step));
  });
  // Enter goes on to the next step; only the last one sends the form.
  box.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.key !== "Enter" || box.dataset.paged !== "steps" || event.defaultPrevented || !target.matches("input")) return;
    if (target.matches("[role=combobox]") || target.closest("[data-tags]") || at(box) >= panels(box).length - 1) return;
    event.preventDefault();
    go(box, at(box) + 1);
  });
}

function panels(box: HTMLElement): HTMLElement[] {
  return [...box.querySelectorAll<HTMLElement>(":scope > .paged-panel")];
}

function at(box: HTMLElement): number {
  return panels(box).findIndex((panel) => !panel.hidden);
}

function go(box: HTMLElement, wanted: number): void {
  const here = at(box);
  if (wanted < 0 || wanted >= panels(box).length || wanted === here) return;
  if (box.dataset.paged === "steps") {
    for (let step = here; step < wanted; step++) {
      const missing = firstMissing(panels(box)[step]!);
      if (!missing) continue;
      turn(box, step, false);
      complain(missing);
      return;
    }
  }
  turn(box, wanted, true);
}

/** The first field that must be filled in and is not; what else may be wrong the server says, and nothing is lost. */
function firstMissing(panel: HTMLElement): HTMLElement | null {
  for (const field of panel.querySelectorAll<HTMLElement>(".field")) {
    field.classList.remove("missing");
    if (field.closest("[hidden]") || !field.querySelector('[aria-required="true"]')) continue;
    if (!isFilled(field)) return field;
  }
  return panel.querySelector<HTMLElement>(".field :invalid:not(fieldset)")?.closest<HTMLElement>(".field") ?? null;
}

function isFilled(field: HTMLElement): boolean {
  const inputs = [...field.querySelectorAll<HTMLInputElement>("input, select, textarea")].filter((input) => !input.disabled && input.name && !input.closest("template"));
  return inputs.some((input) => (input.type === "radio" || input.type === "checkbox" ? input.checked : input.value.trim() !== ""));
}

function complain(field: HTMLElement): void {
  field.classList.add("missing");
  const input = field.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea, [contenteditable]");
  input?.focus();
  input?.setAttribute("aria-invalid", "true");
  input?.addEventListener("input", () => { input.removeAttribute("aria-invalid"); field.classList.remove("missing"); }, { once: true });
}

function turn(box: HTMLElement, place: number, focus: boolean): void {
  const all = panels(box);
  const tabs = [...box.querySelectorAll<HTMLButtonElement>(":scope > .tabs > button, :scope > .stepper > button")];
  all.forEach((panel, index) => (panel.hidden = index !== place));
  tabs.forEach((tab, index) => {
    if (box.dataset.paged === "tabs") {
      tab.setAttribute("aria-selected", String(index === place));
      tab.tabIndex = index === place ? 0 : -1;
    } else if (index === place) tab.setAttribute("aria-current", "step");
    else tab.removeAttribute("aria-current");
    tab.classList.toggle("passed", index < place);
  });
  const foot = box.querySelector<HTMLElement>(":scope > .step-foot");
  if (foot) {
    const text = foot.querySelector<HTMLElement>("[data-step-text]")!;
    text.textContent = fill(text.dataset.stepText ?? "", { n: place + 1, m: all.length });
    foot.querySelector<HTMLButtonElement>('[data-step="-1"]')!.disabled = place === 0;
    foot.querySelector<HTMLButtonElement>('[data-step="1"]')!.hidden = place === all.length - 1;
  }
  if (focus) (all[place]?.querySelector<HTMLElement>("input:not([type=hidden]):not([type=file]), select, textarea") ?? all[place])?.focus();
}
