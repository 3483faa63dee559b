// Instant behaviour of a form: visible, required and formula expressions marked browser-safe are evaluated with feelin
// while somebody types. The server decides again on save; what cannot be evaluated here simply stays as it is.
import { evaluate } from "feelin";

type Logic = {
  fields: { name: string; type: string; visible?: string; required?: string; formula?: string; scale?: number }[];
  subtables: { name: string; fields: { name: string; type: string; formula?: string; scale?: number }[] }[];
  values: Record<string, unknown>;
  blocks?: { name: string; visible: string }[];
};
type Context = Record<string, unknown>;

const NUMERIC = new Set(["number", "money", "percent", "rating"]);

/** Inputs and computed places of a form by name, found in one walk: a sub-table may have thousands. */
class Places {
  readonly inputs = new Map<string, HTMLInputElement[]>();
  readonly outputs = new Map<string, Element>();

  constructor(form: HTMLElement) {
    for (const item of (form as HTMLFormElement).elements as unknown as Iterable<HTMLInputElement>) {
      if (!item.name) continue;
      const known = this.inputs.get(item.name);
      if (known) known.push(item);
      else this.inputs.set(item.name, [item]);
    }
    for (const item of form.querySelectorAll<HTMLElement>("[data-computed]")) this.outputs.set(item.dataset.computed ?? "", item);
  }
}

// What a row's formulas came to, and from which values: rows that did not change are not computed again.
const results = new WeakMap<HTMLElement, { from: string; values: Context }>();

export function mount(form: HTMLElement): void {
  const source = form.querySelector('script[data-logic]');
  if (!source?.textContent) return;
  const logic = JSON.parse(source.textContent) as Logic;
  let waiting = false;
  const soon = (): void => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      apply(form, logic);
    });
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  apply(form, logic);
}

function apply(form: HTMLElement, logic: Logic): void {
  const places = new Places(form);
  const values = read(form, places, logic);
  for (let round = 0; round < 4; round++) {
    if (!computeAll(places, logic, values)) break;
  }
  showBlocks(form, logic, values);
  for (const field of logic.fields) {
    const box = form.querySelector<HTMLElement>(`[data-field="${field.name}"]`);
    if (!box) continue;
    if (field.visible !== undefined) box.hidden = ask(field.visible, values) !== true;
    if (field.required !== undefined) markRequired(box, ask(field.required, values) === true);
  }
}

function showBlocks(form: HTMLElement, logic: Logic, values: Context): void {
  for (const block of logic.blocks ?? []) {
    const box = form.querySelector<HTMLElement>(`[data-section="${block.name}"]`);
    if (box) box.hidden = ask(block.visible, values) !== true;
  }
}

function computeAll(places: Places, logic: Logic, values: Context): boolean {
  let changed = false;
  for (const table of logic.subtables) {
    if (!table.fields.some((field) => field.formula !== undefined)) continue;
    for (const row of values[table.name] as Context[]) changed = computeRow(places, table, values, row) || changed;
  }
  for (const field of logic.fields) {
    if (field.formula === undefined) continue;
    const value = ask(field.formula, values);
    if (value === undefined || value === values[field.name]) continue;
    values[field.name] = value;
    changed = true;
    show(places.outputs.get(field.name) ?? null, value, field.scale);
  }
  return changed;
}

function computeRow(places: Places, table: Logic["subtables"][number], values: Context, row: Context): boolean {
  const element = row.__element as HTMLElement;
  const entered = table.fields.filter((field) => field.formula === undefined).map((field) => row[field.name]);
  const from = JSON.stringify([entered, scalars(values)]);
  const known = results.get(element);
  if (known?.from === from) {
    const fresh = Object.keys(known.values).some((name) => row[name] !== known.values[name]);
    Object.assign(row, known.values);
    return fresh;
  }
  let changed = false;
  const found: Context = {};
  for (const field of table.fields) {
    if (field.formula === undefined) continue;
    const value = ask(field.formula, { ...values, ...row });
    found[field.name] = value;
    if (value === row[field.name]) continue;
    row[field.name] = value;
    changed = true;
    show(places.outputs.get(`${table.name}.${element.dataset.row ?? "0"}.${field.name}`) ?? null, value, field.scale);
  }
  results.set(element, { from, values: found });
  return changed;
}

function scalars(values: Context): unknown[] {
  return Object.values(values).filter((value) => !Array.isArray(value));
}

function read(form: HTMLElement, places: Places, logic: Logic): Context {
  const values: Context = { ...logic.values };
  for (const field of logic.fields) {
    if (field.formula === undefined && places.inputs.has(field.name)) values[field.name] = parse(places, field.name, field.type);
  }
  for (const table of logic.subtables) {
    const rows = [...form.querySelectorAll<HTMLElement>(`[data-subtable="${table.name}"] > table > tbody > tr`)];
    values[table.name] = rows.map((row) => {
      const context: Context = {};
      Object.defineProperty(context, "__element", { value: row, enumerable: false });
      for (const field of table.fields) context[field.name] = parse(places, `${table.name}.${row.dataset.row ?? "0"}.${field.name}`, field.type);
      return context;
    });
  }
  return values;
}

function parse(places: Places, name: string, type: string): unknown {
  const inputs = places.inputs.get(name) ?? [];
  const input = inputs.find((item) => item.type !== "hidden") ?? inputs[0];
  if (!input) return null;
  if (input.type === "checkbox" && type === "boolean") return input.checked;
  const text = (input.type === "radio" ? (inputs.find((item) => item.type === "radio" && item.checked)?.value ?? "") : input.value).trim();
  if (!text) return null;
  if (NUMERIC.has(type)) {
    const number = Number(text.replaceAll(",", ""));
    return Number.isNaN(number) ? null : type === "percent" ? number / 100 : number;
  }
  return text;
}

function ask(expression: string, context: Context): unknown {
  try {
    return (evaluate(expression, context) as { value: unknown }).value;
  } catch {
    return undefined;
  }
}

function markRequired(box: HTMLElement, required: boolean): void {
  box.querySelector<HTMLElement>(".required-mark")?.toggleAttribute("hidden", !required);
  box.querySelector("input, select, textarea")?.setAttribute("aria-required", String(required));
}

function show(output: Element | null, value: unknown, scale?: number): void {
  if (!output) return;
  const number = typeof value === "object" && value !== null ? Number(String(value)) : value;
  if (typeof number !== "number") {
    output.textContent = value == null ? "—" : String(value);
    return;
  }
  // As the server shows it: no more than two decimals unless there are more to show.
  const digits = scale === undefined ? undefined : scale > 2 && Number(number.toFixed(2)) === number ? 2 : scale;
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits ?? 6 };
  output.textContent = number.toLocaleString(document.documentElement.lang, format);
}
