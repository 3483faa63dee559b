// The text editor for rules and expressions: a <textarea> that becomes CodeMirror; problems come from the server.
import { autocompletion, completionKeymap, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, defaultHighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, lintKeymap, type Diagnostic } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";

type Problem = { line: number; column: number; length: number; message: string; severity: "error" | "warning" | "info" };
type Case = { name: string; passed: boolean; found: string; expected: string };

const KEYWORDS = new Set(
  ("rule when if then else and or not in for some every satisfies return between on schedule do priority true false null is changes to set create update notify start " +
    "规则 当 如果 那么 否则 且 或 并且 或者 优先级 设置 创建 更新 通知 启动").split(" "),
);

const language = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^(#|\/\/).*/)) return "comment";
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^\d+(\.\d+)?/)) return "number";
    const word = stream.match(/^[\p{L}_][\p{L}\p{N}_]*/u) as RegExpMatchArray | null;
    if (word) return KEYWORDS.has(word[0].toLowerCase()) ? "keyword" : "variableName";
    stream.next();
    return "operator";
  },
});

export function mount(element: HTMLElement): void {
  const area = element.querySelector<HTMLTextAreaElement>("textarea");
  if (!area) return;
  const names = JSON.parse(element.dataset.names ?? "[]") as string[];
  const view = new EditorView({
    state: EditorState.create({
      doc: area.value,
      extensions: [
        EditorView.cspNonce.of(document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ""),
        lineNumbers(), history(), bracketMatching(), language, syntaxHighlighting(defaultHighlightStyle), lintGutter(), EditorView.lineWrapping,
        autocompletion({ override: [(context) => complete(context, names)] }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
        linter((editor) => check(editor, element.dataset.check ?? ""), { delay: 400 }),
        EditorView.contentAttributes.of({ "aria-label": element.dataset.label ?? "" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          area.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });
  view.scrollDOM.tabIndex = 0;
  area.hidden = true;
  element.append(view.dom);
  element.addEventListener("jump", (event) => jump(view, (event as CustomEvent<{ line: number; column: number }>).detail));
}

function complete(context: CompletionContext, names: string[]) {
  const word = context.matchBefore(/[\p{L}_][\p{L}\p{N}_.]*/u);
  if (!word && !context.explicit) return null;
  return { from: word?.from ?? context.pos, options: names.map((label) => ({ label, type: "variable" })) };
}

async function check(view: EditorView, address: string): Promise<Diagnostic[]> {
  if (!address) return [];
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  const answer = await fetch(address, { method: "POST", headers: { "X-CSRF-Token": token, "Content-Type": "text/plain; charset=utf-8" }, body: view.state.doc.toString() });
  if (!answer.ok) return [];
  const told = (await answer.json()) as { problems: Problem[]; cases: Case[] };
  showCases(told.cases);
  return told.problems.map((problem) => place(view, problem));
}

// The cases beside the text, as they went on what is typed now.
function showCases(cases: Case[]): void {
  const list = document.getElementById("cases");
  if (!list) return;
  const words = list.dataset;
  document.getElementById("no-cases")?.toggleAttribute("hidden", cases.length > 0);
  list.replaceChildren(...cases.map((one) => {
    const item = part("li", one.passed ? "passed" : "failed");
    const mark = part("span", `mark ${one.passed ? "yes" : "no"}`, one.passed ? "✓" : "✗");
    mark.setAttribute("aria-hidden", "true");
    const said = part("div");
    said.append(part("span", "visually-hidden", (one.passed ? words.passed : words.failed) ?? ""), ` ${one.name}`);
    if (!one.passed) {
      const wrong = part("p", "small");
      wrong.append(`${words.expected} `, part("code", "", one.expected), ` · ${words.found} `, part("code", "", one.found));
      said.append(wrong);
    }
    item.append(mark, said);
    return item;
  }));
}

function part(tag: string, kind = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}

function place(view: EditorView, problem: Problem): Diagnostic {
  const line = view.state.doc.line(Math.min(Math.max(problem.line, 1), view.state.doc.lines));
  const from = Math.min(line.from + Math.max(problem.column - 1, 0), line.to);
  return { from, to: Math.min(from + Math.max(problem.length, 1), view.state.doc.length), severity: problem.severity, message: problem.message };
}

function jump(view: EditorView, to: { line: number; column: number }): void {
  const line = view.state.doc.line(Math.min(Math.max(to.line, 1), view.state.doc.lines));
  view.dispatch({ selection: { anchor: Math.min(line.from + Math.max(to.column - 1, 0), line.to) }, scrollIntoView: true });
  view.focus();
}
