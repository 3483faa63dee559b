// The filter builder: conditions within each other, put together in a dialog and handed to the list in its address.
type Choice = { value: string; label: string };
type Field = { name: string; label: string; kind: string; operators: { name: string; label: string }[]; choices: Choice[]; input: string };
type Leaf = [string, string, string];
type Tree = { all: (Tree | Leaf)[] } | { any: (Tree | Leaf)[] };
type Data = { fields: Field[]; periods: Choice[]; tree: Tree; names: Record<string, string>; choices: string; href: string };
type Words = Record<string, string>;

const BARE = new Set(["empty", "filled", "yes", "no", "me", "mine", "below"]);
const LOOKED_UP = new Set(["link", "person", "department"]);
const DEEPEST = 5;

export function mount(element: HTMLElement): void {
  const data = JSON.parse(element.querySelector(".builder-data")?.textContent ?? "null") as Data | null;
  const words = JSON.parse(element.querySelector<HTMLElement>("[data-words]")?.dataset.words ?? "{}") as Words;
  if (!data) return;
  for (const opener of document.querySelectorAll<HTMLElement>("#list [data-open-builder]")) {
    opener.addEventListener("click", () => {
      opener.closest<HTMLDetailsElement>("details")?.removeAttribute("open");
      new Builder(data, words, opener).open();
    });
  }
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...inside);
  return element;
}

class Builder {
  private readonly box = make("dialog", "dialog filter-builder");

  constructor(
    private readonly data: Data,
    private readonly words: Words,
    private readonly opener: HTMLElement,
  ) {}

  open(): void {
    const body = make("div", "dialog-body stack", make("h2", "", this.words.title ?? ""), this.group(this.data.tree, 1));
    const cancel = this.button("btn", this.words.cancel ?? "", () => this.box.close());
    const apply = this.button("btn primary", this.words.apply ?? "", () => this.apply());
    this.box.append(body, make("div", "dialog-foot", cancel, apply));
    this.box.setAttribute("aria-label", this.words.title ?? "");
    this.box.addEventListener("close", () => {
      this.box.remove();
      document.querySelector<HTMLElement>("#list .list-toolbar summary")?.focus();
    });
    document.body.append(this.box);
    this.box.showModal();
  }

  private button(className: string, text: string, run: () => void): HTMLButtonElement {
    const button = make("button", className, text);
    button.type = "button";
    button.addEventListener("click", run);
    return button;
  }

  private select(label: string, options: Choice[], chosen: string): HTMLSelectElement {
    const select = make("select", "select small");
    select.setAttribute("aria-label", label);
    for (const option of options) select.add(new Option(option.label, option.value, false, option.value === chosen));
    return select;
  }

  private group(tree: Tree, depth: number): HTMLElement {
    const every = "all" in tree;
    const kind = this.select(this.words.where ?? "", [{ value: "all", label: this.words.all ?? "" }, { value: "any", label: this.words.any ?? "" }], every ? "all" : "any");
    kind.dataset.kind = "";
    const parts = make("div", "filter-parts");
    const head = make("div", "filter-head", make("span", "muted small", this.words.where ?? ""), kind, make("span", "muted small", this.words.hold ?? ""));
    const group = make("fieldset", "filter-group", head, parts);
    group.dataset.group = "";
    for (const part of every ? tree.all : (tree as { any: (Tree | Leaf)[] }).any) parts.append(Array.isArray(part) ? this.leaf(part) : this.group(part, depth + 1));
    const add = this.button("btn small", `+ ${this.words.add}`, () => {
      const leaf = this.leaf([this.data.fields[0]?.name ?? "", "", ""]);
      parts.append(leaf);
      leaf.querySelector("select")?.focus();
    });
    const feet = make("div", "filter-feet", add);
    if (depth < DEEPEST) {
      feet.append(
        this.button("btn small ghost", `+ ${this.words.group}`, () => {
          const inner = this.group({ any: [[this.data.fields[0]?.name ?? "", "", ""]] }, depth + 1);
          parts.append(inner);
          inner.querySelector("select")?.focus();
        }),
      );
    }
    if (depth > 1) head.append(this.remover(group));
    if (depth === 1 && !parts.childElementCount) parts.append(this.leaf([this.data.fields[0]?.name ?? "", "", ""]));
    group.append(feet);
    return group;
  }

  private remover(what: HTMLElement): HTMLButtonElement {
    const button = this.button("btn ghost small icon-only filter-remove", "×", () => {
      const next = what.parentElement?.parentElement?.querySelector<HTMLElement>(":scope > .filter-feet button");
      what.remove();
      next?.focus();
    });
    button.setAttribute("aria-label", this.words.remove ?? "");
    return button;
  }

  private leaf([name, operator, value]: Leaf): HTMLElement {
    const fields = this.data.fields.map((field) => ({ value: field.name, label: field.label }));
    const field = this.select(this.words.field ?? "", fields, name);
    const row = make("div", "filter-leaf", field);
    row.dataset.leaf = "";
    const rest = make("span", "filter-rest");
    const draw = (operator: string, value: string) => rest.replaceChildren(...this.rest(field.value, operator, value, draw));
    field.addEventListener("change", () => draw("", ""));
    draw(operator, value);
    row.append(rest, this.remover(row));
    return row;
  }

  // The operator of a condition, and the input for its value.
  private rest(name: string, operator: string, value: string, draw: (operator: string, value: string) => void): Node[] {
    const field = this.data.fields.find((one) => one.name === name);
    if (!field) return [];
    const choices = field.operators.map((one) => ({ value: one.name, label: one.label }));
    const chosen = this.select(this.words.operator ?? "", choices, operator || choices[0]?.value || "");
    chosen.dataset.operator = "";
    chosen.addEventListener("change", () => draw(chosen.value, ""));
    const input = BARE.has(chosen.value) ? null : this.value(field, chosen.value, value);
    return input ? [chosen, input] : [chosen];
  }

  private value(field: Field, operator: string, value: string): HTMLElement {
    if (operator === "within") return this.valued(this.select(this.words.value ?? "", this.data.periods, value));
    if (LOOKED_UP.has(field.kind)) return this.lookup(field, value);
    if (field.choices.length) {
      const select = this.valued(this.select(this.words.value ?? "", field.choices, value));
      if (operator !== "any") return select;
      select.multiple = true;
      const wanted = value.split(",");
      for (const option of select.options) option.selected = wanted.includes(option.value);
      return select;
    }
    const input = make("input", "input small");
    const days = operator === "last" || operator === "next";
    input.type = days ? "number" : field.input;
    if (days) [input.min, input.max, input.placeholder] = ["1", "9999", this.words.days ?? ""];
    input.value = value || (days ? "7" : "");
    input.setAttribute("aria-label", this.words.value ?? "");
    return this.valued(input);
  }

  private valued<T extends HTMLElement>(element: T): T {
    element.dataset.value = "";
    return element;
  }

  // A record, person or department: found by typing, chosen from what was found.
  private lookup(field: Field, value: string): HTMLElement {
    const select = this.valued(this.select(this.words.value ?? "", value ? [{ value, label: this.data.names[value] ?? value }] : [], value));
    const search = make("input", "input small");
    search.type = "search";
    search.placeholder = this.words.search ?? "";
    search.setAttribute("aria-label", `${this.words.search}: ${field.label}`);
    let asked = 0;
    const ask = async () => {
      const mine = ++asked;
      const answer = await fetch(`${this.data.choices.replace(/_$/, field.name)}?q=${encodeURIComponent(search.value)}`);
      if (!answer.ok || mine !== asked) return;
      const { items } = (await answer.json()) as { items: { id: string; label: string }[] };
      const kept = select.value;
      select.replaceChildren(...items.map((item) => new Option(item.label, item.id, false, item.id === kept)));
    };
    search.addEventListener("input", () => void ask());
    if (!value) void ask();
    return make("span", "filter-lookup", search, select);
  }

  private apply(): void {
    const root = this.box.querySelector<HTMLElement>("[data-group]");
    const tree = root ? this.read(root) : null;
    const url = new URL(this.data.href, location.href);
    if (tree) url.searchParams.set("where", JSON.stringify(tree));
    this.opener.blur();
    location.assign(url);
  }

  private read(group: HTMLElement): Tree | null {
    const parts: (Tree | Leaf)[] = [];
    for (const part of group.querySelector(":scope > .filter-parts")!.children as HTMLCollectionOf<HTMLElement>) {
      const found = part.dataset.group === undefined ? this.readLeaf(part) : this.read(part);
      if (found) parts.push(found);
    }
    if (!parts.length) return null;
    return group.querySelector<HTMLSelectElement>(":scope > .filter-head [data-kind]")!.value === "all" ? { all: parts } : { any: parts };
  }

  private readLeaf(row: HTMLElement): Leaf | null {
    const field = row.querySelector("select")?.value ?? "";
    const operator = row.querySelector<HTMLSelectElement>("[data-operator]")?.value ?? "";
    const input = row.querySelector<HTMLInputElement | HTMLSelectElement>("[data-value]");
    const value = input instanceof HTMLSelectElement && input.multiple ? [...input.selectedOptions].map((option) => option.value).join(",") : (input?.value ?? "");
    return BARE.has(operator) || value ? [field, operator, value] : null;
  }
}
