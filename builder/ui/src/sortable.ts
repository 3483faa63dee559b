// Drag and drop for the designers: what was moved where is sent to the server, which answers with the new state.
import htmx from "htmx.org";
import Sortable from "sortablejs";

export function mount(element: HTMLElement): void {
  const palette = element.dataset.palette !== undefined;
  Sortable.create(element, {
    group: { name: element.dataset.group ?? "items", pull: palette ? "clone" : true, put: !palette },
    sort: !palette,
    handle: element.dataset.handle,
    draggable: "[data-item]",
    animation: 140,
    emptyInsertThreshold: 14,
    ghostClass: "drag-ghost",
    chosenClass: "drag-chosen",
    onEnd: (event) => {
      const address = (event.to as HTMLElement).dataset.post;
      if (!address || (palette && event.to === event.from)) return;
      if (event.to === event.from && event.oldDraggableIndex === event.newDraggableIndex) return;
      void htmx.ajax("post", address, {
        source: event.to,
        target: element.dataset.target ?? "#designer",
        swap: "outerHTML",
        values: {
          action: palette ? "add" : "move",
          item: event.item.dataset.item ?? "",
          into: (event.to as HTMLElement).dataset.into ?? "",
          index: event.newDraggableIndex ?? 0,
        },
      });
      if (palette) event.item.remove();
    },
  });
}
