// A process diagram to look at: bpmn-js's viewer over the XML that the server exports, with live tokens marked.
import Viewer from "bpmn-js/lib/NavigatedViewer";

export async function mount(element: HTMLElement): Promise<void> {
  const answer = await fetch(element.dataset.src!, { headers: { Accept: "application/xml" } });
  if (!answer.ok) return;
  const viewer = new Viewer({ container: element });
  await viewer.importXML(await answer.text());
  const canvas = viewer.get<{ zoom(mode: string, center: string): void; addMarker(id: string, name: string): void }>("canvas");
  canvas.zoom("fit-viewport", "auto");
  for (const id of (element.dataset.active ?? "").split(" ").filter(Boolean)) canvas.addMarker(id, "highlight-active");
  for (const id of (element.dataset.done ?? "").split(" ").filter(Boolean)) canvas.addMarker(id, "highlight-done");
}
