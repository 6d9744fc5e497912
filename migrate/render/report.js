const box = document.getElementById("filter");
const list = [...document.querySelectorAll("details.policy")];
const count = document.getElementById("shown");
function filter() {
  const wanted = box.value.trim().toLowerCase();
  let shown = 0;
  for (const item of list) {
    const hit = item.dataset.text.toLowerCase().includes(wanted);
    item.hidden = !hit;
    shown += hit;
  }
  count.textContent = `${shown} of ${list.length}`;
}
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}
if (box) {
  document.querySelector(".tools").hidden = false;
  box.addEventListener("input", filter);
  document.getElementById("all").addEventListener("click", () => {
    const open = list.some((item) => !item.open);
    for (const item of list) item.open = open;
  });
  filter();
}
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => {
  for (const item of document.querySelectorAll("details:not(.bulk)")) item.open = true;
});
reveal();
