// The grid of a dashboard that somebody arranges; for reading, the page lays tiles out with plain CSS.
import { GridStack } from "gridstack";
import htmx from "htmx.org";

export function mount(element: HTMLElement): void {
  const grid = GridStack.init({ column: 12, cellHeight: 84, margin: 8, handle: ".card-head", float: true }, element);
  const address = element.dataset.post;
  if (!address) return;
  grid.on("change", (_event, items) => {
    const places = (items ?? []).map((item) => ({ name: item.id, x: item.x, y: item.y, w: item.w, h: item.h }));
    void htmx.ajax("post", address, {
      source: element,
      target: "#dash-designer",
      swap: "none",
      values: { action: "places", sel: element.dataset.sel ?? "", places: JSON.stringify(places) },
    });
  });
}
