// Words and records of which a field holds several: chips with a button each to take them away.
import { changed } from "./pending";

export function setUpChips(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-chip-remove]");
    if (button) remove(button);
  });
  document.addEventListener("keydown", (event) => {
    const input = event.target as HTMLInputElement;
    const box = input.closest?.<HTMLElement>("[data-tags]");
    if (!box || !input.matches("input:not([type=hidden])")) return;
    if ((event.key === "Enter" || event.key === "," || event.key === "，") && input.value.trim() && !event.isComposing) {
      event.preventDefault();
      take(box, input);
    }
    if (event.key === "Backspace" && !input.value) box.querySelector<HTMLElement>("[data-chips] > :last-child [data-chip-remove]")?.click();
  });
  document.addEventListener("focusout", (event) => {
    const input = event.target as HTMLInputElement;
    const box = input.closest?.<HTMLElement>("[data-tags]");
    if (box && input.matches("input:not([type=hidden])") && input.value.trim()) take(box, input);
  });
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    const box = input.closest?.<HTMLElement>("[data-tags]");
    const proposed = box && [...(input.list?.options ?? [])].some((option) => option.value === input.value);
    if (box && proposed) take(box, input);
  });
}

function take(box: HTMLElement, input: HTMLInputElement): void {
  const words = input.value.split(/[,，\n]/).map((word) => word.trim()).filter(Boolean);
  input.value = "";
  for (const word of words) addChip(box, box.dataset.tags ?? "", word, word);
}

export function values(box: HTMLElement): string[] {
  return [...box.querySelectorAll<HTMLElement>("[data-chips] > [data-value]")].map((chip) => chip.dataset.value ?? "");
}

export function addChip(box: HTMLElement, name: string, value: string, label: string): void {
  if (!value || values(box).includes(value)) return;
  const template = box.querySelector<HTMLTemplateElement>("template[data-chip]")!;
  const chip = template.content.firstElementChild!.cloneNode(true) as HTMLElement;
  chip.dataset.value = value;
  const input = chip.querySelector("input")!;
  input.name = name;
  input.value = value;
  chip.querySelector("span")!.textContent = label;
  const button = chip.querySelector("button")!;
  button.setAttribute("aria-label", `${button.getAttribute("aria-label") ?? ""} ${label}`.trim());
  box.querySelector("[data-chips]")!.append(chip);
  changed(input);
}

function remove(button: HTMLElement): void {
  const chip = button.closest<HTMLElement>(".chip")!;
  const list = chip.parentElement!;
  const near = (chip.nextElementSibling ?? chip.previousElementSibling)?.querySelector<HTMLElement>("[data-chip-remove]");
  const box = chip.closest<HTMLElement>("[data-tags], .picker");
  chip.remove();
  changed(list);
  (near ?? box?.querySelector<HTMLElement>("input:not([type=hidden])"))?.focus();
}
