// Views that are no tables, and the filter builder: each part's script is fetched only where it stands.
type Kind = { mount(element: HTMLElement): void };

const KINDS: Record<string, () => Promise<Kind>> = {
  board: () => import("./board"),
  calendar: () => import("./calendar"),
  gantt: () => import("./gantt"),
  tree: () => import("./tree"),
  organisation: () => import("./organisation"),
  graph: () => import("./graph"),
  builder: () => import("./builder"),
  cells: () => import("./cells"),
};

export async function mount(element: HTMLElement): Promise<void> {
  const load = KINDS[element.dataset.kind ?? ""];
  if (load) (await load()).mount(element);
}
