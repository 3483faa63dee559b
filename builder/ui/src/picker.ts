// Reference and person pickers: a combobox (WAI-ARIA 1.2, list autocomplete) over a search address of the server.
import { addChip } from "./chips";
import { beside } from "./options";

type Choice = { id: string; label: string; detail?: string };

export function setUpPickers(): void {
  document.addEventListener("focusin", (event) => attach(event.target as HTMLElement));
  document.addEventListener("click", (event) => {
    const clear = (event.target as Element).closest<HTMLElement>("[data-picker-clear]");
    if (clear) choose(clear.closest<HTMLElement>(".picker")!, { id: "", label: "" });
  });
}

function attach(target: HTMLElement): void {
  const picker = target.closest<HTMLElement>(".picker");
  if (!picker || !target.matches("[role=combobox]") || picker.dataset.ready) return;
  picker.dataset.ready = "true";
  new Picker(picker, target as HTMLInputElement);
}

function choose(picker: HTMLElement, choice: Choice): void {
  if (picker.dataset.multi !== undefined) {
    if (choice.id) addChip(picker, picker.dataset.multi, choice.id, choice.label);
    picker.querySelector<HTMLInputElement>("[role=combobox]")!.value = "";
    return;
  }
  const hidden = picker.querySelector<HTMLInputElement>("input[type=hidden]")!;
  const input = picker.querySelector<HTMLInputElement>("[role=combobox]")!;
  hidden.value = choice.id;
  input.value = choice.label;
  input.dataset.label = choice.label;
  picker.querySelector<HTMLElement>("[data-picker-clear]")?.toggleAttribute("hidden", !choice.id);
  hidden.dispatchEvent(new Event("input", { bubbles: true }));
  hidden.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Chooses the record whose title is exactly `label`; where there is none, the text stays to be corrected. */
export async function pickByLabel(picker: HTMLElement, label: string): Promise<void> {
  if (!label) return choose(picker, { id: "", label: "" });
  const address = new URL(picker.dataset.src!, location.href);
  address.searchParams.set("q", label);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  const items = answer.ok ? ((await answer.json()) as { items: Choice[] }).items : [];
  const found = items.filter((item) => item.label === label);
  if (found.length === 1) choose(picker, found[0]!);
  else picker.querySelector<HTMLInputElement>("[role=combobox]")!.value = label;
}

class Picker {
  private choices: Choice[] = [];
  private at = -1;
  private timer = 0;
  private asked = 0;
  private readonly list: HTMLElement;

  constructor(private readonly root: HTMLElement, private readonly input: HTMLInputElement) {
    this.list = root.querySelector<HTMLElement>("[role=listbox]")!;
    input.dataset.label ??= input.value;
    input.addEventListener("input", () => this.later());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("click", () => this.list.hidden && void this.search());
    input.addEventListener("blur", () => setTimeout(() => this.leave(), 150));
    addEventListener("scroll", () => this.place(), { capture: true, passive: true });
    addEventListener("resize", () => this.place());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option) this.take(Number(option.dataset.index));
    });
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.search(), 160);
  }

  private async search(): Promise<void> {
    const mine = ++this.asked;
    const text = this.input.value === this.input.dataset.label ? "" : this.input.value;
    const address = new URL(this.root.dataset.src!, location.href);
    address.searchParams.set("q", text);
    const upper = beside(this.root)[0];
    if (upper) address.searchParams.set("beside", upper);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (mine !== this.asked || !answer.ok) return;
    this.choices = ((await answer.json()) as { items: Choice[] }).items;
    this.show();
  }

  private show(): void {
    this.at = this.choices.length ? 0 : -1;
    this.list.replaceChildren(...this.choices.map((choice, index) => this.option(choice, index)));
    if (!this.choices.length) {
      const none = document.createElement("div");
      none.className = "picker-empty";
      none.textContent = this.root.dataset.none ?? "";
      this.list.append(none);
    }
    this.list.hidden = false;
    this.place();
    this.input.setAttribute("aria-expanded", "true");
    this.mark();
  }

  /** Beside the input on the screen, so that no table or box around it cuts the list off. */
  private place(): void {
    if (this.list.hidden) return;
    const box = this.input.getBoundingClientRect();
    const below = innerHeight - box.bottom - 12;
    const up = below < Math.min(this.list.scrollHeight, 200) && box.top > below;
    const style = this.list.style;
    style.left = `${box.left}px`;
    style.width = `${Math.max(box.width, Math.min(260, innerWidth - box.left - 12))}px`;
    style.maxHeight = `${Math.min(300, up ? box.top - 12 : below)}px`;
    style.top = up ? "auto" : `${box.bottom + 4}px`;
    style.bottom = up ? `${innerHeight - box.top + 4}px` : "auto";
  }

  private option(choice: Choice, index: number): HTMLElement {
    const option = document.createElement("div");
    option.className = "picker-option";
    option.id = `${this.list.id}-${index}`;
    option.dataset.index = String(index);
    option.setAttribute("role", "option");
    option.textContent = choice.label;
    if (choice.detail) {
      const detail = document.createElement("small");
      detail.textContent = choice.detail;
      option.append(detail);
    }
    return option;
  }

  private mark(): void {
    for (const [index, option] of [...this.list.querySelectorAll("[role=option]")].entries()) {
      option.setAttribute("aria-selected", String(index === this.at));
      if (index === this.at) option.scrollIntoView({ block: "nearest" });
    }
    if (this.at >= 0) this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) return void this.search();
      const count = this.choices.length;
      if (count) this.at = (this.at + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      this.mark();
    } else if (event.key === "Enter" && !this.list.hidden && this.at >= 0) {
      event.preventDefault();
      this.take(this.at);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      this.input.value = this.input.dataset.label ?? "";
      this.close();
    }
  }

  private take(index: number): void {
    const choice = this.choices[index];
    if (choice) choose(this.root, choice);
    this.close();
  }

  private leave(): void {
    if (document.activeElement === this.input) return;
    if (!this.input.value) choose(this.root, { id: "", label: "" });
    else this.input.value = this.input.dataset.label ?? "";
    this.close();
  }

  private close(): void {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
