// Province, city and district of China as lists that depend on one another (data: @vant/area-data, after GB/T 2260).
// Each list proposes; an address abroad, or one that the lists do not know, can be typed as before.
import { areaList } from "@vant/area-data";
import { changed } from "./pending";

type Codes = Record<string, string>;
const LISTS: Record<string, Codes> = { province: areaList.province_list, city: areaList.city_list, district: areaList.county_list };
const DIGITS: Record<string, number> = { province: 0, city: 2, district: 4 };
const ORDER = ["province", "city", "district"];

export function mount(box: HTMLElement): void {
  const inputs = new Map(ORDER.map((part) => [part, box.querySelector<HTMLInputElement>(`[data-part="${part}"]`)]));
  for (const part of ORDER) {
    const input = inputs.get(part);
    if (!input) continue;
    const list = document.createElement("datalist");
    list.id = `${input.name.replaceAll(".", "-")}-options`;
    input.after(list);
    input.setAttribute("list", list.id);
    input.addEventListener("focus", () => offer(list, part, inputs));
    input.addEventListener("change", () => follow(part, inputs));
  }
}

function codeOf(part: string, inputs: Map<string, HTMLInputElement | null | undefined>): string {
  const place = ORDER.indexOf(part);
  const upper = place > 0 ? codeOf(ORDER[place - 1]!, inputs) : "";
  const text = inputs.get(part)?.value.trim() ?? "";
  const prefix = upper.slice(0, DIGITS[part]);
  const found = Object.entries(LISTS[part]!).find(([code, name]) => name === text && code.startsWith(prefix));
  return found?.[0] ?? "";
}

function offered(part: string, inputs: Map<string, HTMLInputElement | null | undefined>): string[] {
  const place = ORDER.indexOf(part);
  const upper = place > 0 ? codeOf(ORDER[place - 1]!, inputs) : "";
  if (place > 0 && !upper) return [];
  const prefix = upper.slice(0, DIGITS[part]);
  return Object.entries(LISTS[part]!).filter(([code]) => code.startsWith(prefix)).map(([, name]) => name);
}

function offer(list: HTMLDataListElement, part: string, inputs: Map<string, HTMLInputElement | null | undefined>): void {
  list.replaceChildren(...offered(part, inputs).map((name) => Object.assign(document.createElement("option"), { value: name })));
}

/** A new province takes away the city and district of the old one; a list of one is filled in. */
function follow(part: string, inputs: Map<string, HTMLInputElement | null | undefined>): void {
  for (const below of ORDER.slice(ORDER.indexOf(part) + 1)) {
    const input = inputs.get(below);
    const names = offered(below, inputs);
    if (!input || !names.length || names.includes(input.value.trim())) continue;
    input.value = names.length === 1 ? names[0]! : "";
    changed(input);
  }
}
