// Drag and drop for the designers: what was moved where is sent to the server, which answers with the new state.
import Sortable from "sortablejs";
import { act } from "./acting";

export function mount(element: HTMLElement): void {
  const palette = element.dataset.palette !== undefined;
  Sortable.create(element, {
    group: { name: element.dataset.group ?? "items", pull: palette ? "clone" : true, put: palette ? false : (element.dataset.accepts ?? element.dataset.group ?? "items").split(" ") },
    sort: !palette,
    handle: element.dataset.handle,
    draggable: "[data-item]",
    animation: 140,
    emptyInsertThreshold: 14,
    ghostClass: "drag-ghost",
    chosenClass: "drag-chosen",
    onEnd: (event) => {
      const to = event.to as HTMLElement;
      if (palette && to === event.from) return;
      if (to === event.from && event.oldDraggableIndex === event.newDraggableIndex) return;
      act(to, {
        action: palette ? "add" : (element.dataset.moves ?? "move"),
        item: event.item.dataset.item ?? "",
        into: to.dataset.into ?? "",
        index: event.newDraggableIndex ?? 0,
      });
      if (palette) event.item.remove();
    },
  });
}
