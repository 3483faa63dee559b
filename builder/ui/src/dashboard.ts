// The grid of a dashboard that somebody arranges; for reading, the page lays tiles out with plain CSS.
import { GridStack } from "gridstack";
import { act } from "./acting";

export function mount(element: HTMLElement): void {
  const grid = GridStack.init({ column: 12, cellHeight: 84, margin: 8, handle: ".card-head", float: true }, element);
  grid.on("change", (_event, items) => {
    const places = (items ?? []).map((item) => ({ name: item.id, x: item.x, y: item.y, w: item.w, h: item.h }));
    act(element, { action: "places", sel: element.dataset.sel ?? "", places: JSON.stringify(places) });
  });
}
