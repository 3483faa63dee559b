// The process designer: bpmn-js's modeler; every change is saved as a draft edit by the server.
import Modeler from "bpmn-js/lib/Modeler";
import { translateModule } from "./bpmn-texts";

export async function mount(element: HTMLElement): Promise<void> {
  const answer = await fetch(element.dataset.src!, { headers: { Accept: "application/xml" } });
  if (!answer.ok) return;
  const modeler = new Modeler({ container: element, additionalModules: [translateModule(document.documentElement.lang)] });
  await modeler.importXML(await answer.text());
  modeler.get<{ zoom(mode: string, center: string): void }>("canvas").zoom("fit-viewport", "auto");
  modeler.on("element.click", (event: { element?: { id: string } }) => {
    element.dispatchEvent(new CustomEvent("element-selected", { detail: event.element?.id, bubbles: true }));
  });
}
