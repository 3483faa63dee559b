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

export function mount(form: HTMLElement): void {
  const source = form.querySelector('script[data-logic]');
  if (!source?.textContent) return;
  const logic = JSON.parse(source.textContent) as Logic;
  const run = (): void => apply(form, logic);
  form.addEventListener("input", run);
  form.addEventListener("change", run);
  run();
}

function apply(form: HTMLElement, logic: Logic): void {
  const values = read(form, logic);
  for (let round = 0; round < 4; round++) {
    if (!computeAll(form, logic, values)) break;
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

function computeAll(form: HTMLElement, logic: Logic, values: Context): boolean {
  let changed = false;
  for (const table of logic.subtables) {
    (values[table.name] as Context[]).forEach((row) => {
      for (const field of table.fields) {
        if (field.formula === undefined) continue;
        const value = ask(field.formula, { ...values, ...row });
        if (value === row[field.name]) continue;
        row[field.name] = value;
        changed = true;
        show(form.querySelector(`[data-computed="${table.name}.${String(row.__row)}.${field.name}"]`), value, field.scale);
      }
    });
  }
  for (const field of logic.fields) {
    if (field.formula === undefined) continue;
    const value = ask(field.formula, values);
    if (value === undefined || value === values[field.name]) continue;
    values[field.name] = value;
    changed = true;
    show(form.querySelector(`[data-computed="${field.name}"]`), value, field.scale);
  }
  return changed;
}

function read(form: HTMLElement, logic: Logic): Context {
  const values: Context = { ...logic.values };
  for (const field of logic.fields) {
    if (field.formula !== undefined) continue;
    const input = form.querySelector<HTMLInputElement>(`[name="${field.name}"]`);
    if (input) values[field.name] = parse(form, field.name, field.type);
  }
  for (const table of logic.subtables) {
    const rows = [...form.querySelectorAll<HTMLElement>(`[data-subtable="${table.name}"] tbody tr`)];
    values[table.name] = rows.map((row) => {
      const number = row.dataset.row ?? "0";
      const context: Context = { __row: number };
      for (const field of table.fields) context[field.name] = parse(form, `${table.name}.${number}.${field.name}`, field.type);
      return context;
    });
  }
  return values;
}

function parse(form: HTMLElement, name: string, type: string): unknown {
  const inputs = [...form.querySelectorAll<HTMLInputElement>(`[name="${CSS.escape(name)}"]`)];
  const input = inputs.find((item) => item.type !== "hidden" || inputs.length === 1) ?? inputs[0];
  if (!input) return null;
  if (input.type === "checkbox" && type === "boolean") return input.checked;
  if (input.type === "radio") return inputs.find((item) => item.checked)?.value ?? null;
  const text = input.value.trim();
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
