// The grid of a dashboard that somebody arranges; for reading, the page lays tiles out with plain CSS.
import { GridStack } from "gridstack";

export function mount(element: HTMLElement): void {
  const grid = GridStack.init({ column: 12, cellHeight: 80, margin: 8 }, element);
  grid?.on("change", (_event, items) => {
    const places = (items ?? []).map((item) => ({ name: item.id, x: item.x, y: item.y, w: item.w, h: item.h }));
    element.dispatchEvent(new CustomEvent("places", { detail: places, bubbles: true }));
  });
}
