/** What the live page runs: it fetches the inside of the page again and again, and says when nobody answers any more. */

export const liveScript = `
const main = document.querySelector("main");
const state = document.querySelector("#state");
let shown = "";
let since = new Date();

async function update() {
  try {
    const response = await fetch("/body", { cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    const body = await response.text();
    if (body !== shown) {
      const open = [...main.querySelectorAll("details")].map((one) => one.open);
      main.innerHTML = body;
      main.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? false));
      shown = body;
    }
    since = new Date();
    state.textContent = "Live.";
  } catch {
    state.textContent = "The run does not answer: it has ended or is out of reach. As of " + since.toLocaleTimeString() + ".";
  }
  setTimeout(update, 2000);
}
update();
`;
